#include "quickstart_text.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"

namespace bhroute::cli {
namespace {

using evaluation::ModelRunner;

constexpr std::size_t kMostBytesAToken = 16;          // text of any language has fewer
constexpr std::size_t kPiece = std::size_t{1} << 20;  // bytes read at a time
constexpr std::size_t kNear = 2;  // tokens more than wanted, or bytes between two cuts, to stop at

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t character_end(std::string_view text, std::size_t at) {
  while (at < text.size() && continues_character(text[at])) ++at;
  return std::min(at, text.size());
}

std::size_t line_end(std::string_view text, std::size_t at) {
  const std::size_t line = text.find('\n', at);
  return line == std::string_view::npos ? text.size() : line + 1;
}

/// As the subcommands count: without the last line's end.
Result<std::size_t> count_tokens(ModelRunner& model, std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty()) return 0;
  return model.tokenize(text).map([](const auto& tokens) { return tokens.size(); });
}

struct Cut {
  std::size_t bytes = 0, tokens = 0;
};

/// Where `wanted` tokens would end, between two cuts, if they were spread evenly; in the middle
/// now and then, since they are not.
std::size_t next_cut(const Cut& low, const Cut& high, std::size_t wanted, int turn) {
  if (turn % 3 == 2) return low.bytes + (high.bytes - low.bytes) / 2;
  const double share = static_cast<double>(wanted - low.tokens + kNear / 2) /
                       static_cast<double>(high.tokens - low.tokens);
  const auto step = static_cast<std::size_t>(share * static_cast<double>(high.bytes - low.bytes));
  return std::clamp(low.bytes + step, low.bytes + 1, high.bytes - 1);
}

/// The bytes of a beginning with `wanted` tokens and few more; all of the text if it has fewer.
Result<std::size_t> bytes_of(ModelRunner& model, std::string_view text, std::size_t wanted) {
  const auto all = count_tokens(model, text);
  if (!all) return tl::make_unexpected(all.error());
  Cut low, high{text.size(), *all};
  for (int turn = 0; high.tokens > wanted + kNear && high.bytes - low.bytes > kNear; ++turn) {
    const std::size_t cut = character_end(text, next_cut(low, high, wanted, turn));
    if (cut == high.bytes) break;
    const auto tokens = count_tokens(model, text.substr(0, cut));
    if (!tokens) return tl::make_unexpected(tokens.error());
    (*tokens >= wanted ? high : low) = {cut, *tokens};
  }
  return high.bytes;
}

/// Cuts behind the line that `learning` ends in where enough is left behind it, else right there.
/// Nothing: too little is left in either case.
Result<std::size_t> cut_before(ModelRunner& model, std::string_view text, std::size_t learning,
                               std::size_t left) {
  for (const std::size_t cut : {line_end(text, learning), learning}) {
    const auto behind = count_tokens(model, text.substr(cut));
    if (!behind) return tl::make_unexpected(behind.error());
    if (*behind >= left) return cut;
  }
  return 0;
}

}  // namespace

Result<std::string> read_beginning(const ModelFlags& flags, const QuickstartPlan& plan) {
  std::error_code ignored;
  const std::size_t most = plan.total() * flags.window * kMostBytesAToken;
  const auto size = size_of_file(flags.text);
  if (std::filesystem::is_directory(flags.text, ignored) || ::access(flags.text.c_str(), R_OK) != 0)
    return invalid_input(flags.text, "cannot be read", "", "a text file (-f TEXT)");
  auto content = read_part(flags.text, 0, std::min(most, size.value_or(kMaxTextBytes)));
  if (content && content->empty()) return invalid_input(flags.text, "the text is empty");
  return content;
}

Result<TextParts> split_text(ModelRunner& model, std::string_view text, QuickstartPlan plan,
                             std::size_t window) {
  const std::size_t left = plan.evaluation * window;
  const auto learning = bytes_of(model, text, plan.learning() * window);
  if (!learning) return tl::make_unexpected(learning.error());
  const auto cut = cut_before(model, text, *learning, left);
  if (!cut) return tl::make_unexpected(cut.error());
  if (*cut == 0) {  // the few tokens that are lost where it is cut were needed
    if (--plan.tune.final == 0) return invalid_input("--file", "the text is too short");
    return split_text(model, text, plan, window);
  }
  const std::string_view behind = text.substr(*cut);
  const auto evaluation = bytes_of(model, behind, left + 1);
  if (!evaluation) return tl::make_unexpected(evaluation.error());
  return TextParts{plan, std::string(text.substr(0, *cut)),
                   std::string(behind.substr(0, line_end(behind, *evaluation)))};
}

}  // namespace bhroute::cli
