#include "bhroute/evaluation/scoring.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/core/log.h"

namespace bhroute::evaluation {
namespace {

Result<void> check_window(const ModelDescription& model, std::size_t window) {
  if (window < 3)
    return invalid_input("window", "too short to score anything", std::to_string(window),
                         "at least 3 tokens");
  if (model.context_length > 0 && window > model.context_length)
    log_warning(fmt::format("window: {} tokens are more than the {} the model was trained on",
                            window, model.context_length));
  return {};
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
  const std::size_t available = tokens->size() / window;
  if (available == 0)
    return invalid_input(std::string(where), "text too short",
                         fmt::format("{} tokens", tokens->size()),
                         fmt::format("at least one window of {}", window));
  if (max_windows > available)
    log_warning(
        fmt::format("{}: {} windows asked for, the text has {}", where, max_windows, available));
  const std::size_t count = max_windows == 0 ? available : std::min(max_windows, available);
  return WindowedText{std::move(*tokens), window, count};
}

}  // namespace bhroute::evaluation
