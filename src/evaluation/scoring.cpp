#include "bhroute/evaluation/scoring.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/core/log.h"
#include "text_prefix.h"

namespace bhroute::evaluation {
namespace {

constexpr std::size_t kMostTokens = std::size_t{1} << 40;  // sizes in bytes stay far from wrapping

Result<void> check_window(const ModelDescription& model, std::size_t window) {
  if (window < 3)
    return invalid_input("window", "too short to score anything", std::to_string(window),
                         "at least 3 tokens");
  if (model.context_length > 0 && window > model.context_length)
    log_warning(fmt::format("window: {} tokens are more than the {} the model was trained on",
                            window, model.context_length));
  return {};
}

Result<WindowedText> cut(std::vector<Token> tokens, std::size_t window, std::size_t max_windows,
                         std::string_view where) {
  const std::size_t available = tokens.size() / window;
  if (available == 0)
    return invalid_input(std::string(where), "text too short",
                         fmt::format("{} tokens", tokens.size()),
                         fmt::format("at least one window of {}", window));
  if (max_windows > available)
    log_warning(
        fmt::format("{}: {} windows asked for, the text has {}", where, max_windows, available));
  const std::size_t count = max_windows == 0 ? available : std::min(max_windows, available);
  if (max_windows != 0) tokens.resize(std::min(tokens.size(), count * window + 1));
  return WindowedText{std::move(tokens), window, count};
}

}  // namespace

std::string_view to_string(Score score) noexcept {
  return score == Score::all ? "all" : "second_half";
}

Result<Score> parse_score(std::string_view text) {
  if (text == "second_half") return Score::second_half;
  if (text == "all") return Score::all;
  return invalid_input("score", "unknown", fmt::format("'{}'", text), "second_half or all");
}

ScoredSpan scored_span(const WindowedText& text, Score score, std::size_t w) noexcept {
  const std::size_t window = text.window;
  if (score == Score::second_half) return {window / 2, window - 1 - window / 2};
  const bool has_next = text.tokens.size() > (w + 1) * window;
  return {0, has_next ? window : window - 1};
}

std::size_t num_scored(const WindowedText& text, Score score) noexcept {
  std::size_t total = 0;
  for (std::size_t w = 0; w < text.num_windows; ++w) total += scored_span(text, score, w).count;
  return total;
}

Result<WindowedText> make_windows(ModelRunner& model, std::string_view text, std::size_t window,
                                  std::size_t max_windows, std::string_view where) {
  if (auto checked = check_window(model.description(), window); !checked)
    return tl::make_unexpected(checked.error());
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return invalid_input(std::string(where), "the text is empty");
  auto tokens = model.tokenize(text);
  if (!tokens) return tl::make_unexpected(tokens.error());
  return cut(std::move(*tokens), window, max_windows, where);
}

Result<WindowedText> read_windows(ModelRunner& model, const std::filesystem::path& file,
                                  std::size_t window, std::size_t max_windows) {
  if (auto checked = check_window(model.description(), window); !checked)
    return tl::make_unexpected(checked.error());
  if (max_windows < 1 || max_windows > kMostTokens / window)
    return invalid_input("windows", "out of range", std::to_string(max_windows),
                         fmt::format("1 to {}", kMostTokens / window));
  auto tokens = tokenize_prefix(model, file, max_windows * window + 1);
  if (!tokens) return tl::make_unexpected(tokens.error());
  if (tokens->empty()) return invalid_input(file.string(), "the text is empty");
  return cut(std::move(*tokens), window, max_windows, file.string());
}

}  // namespace bhroute::evaluation
