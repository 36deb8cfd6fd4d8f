#pragma once
// Windows of a text and which of their positions are scored.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/evaluation/model_runner.h"

namespace bhroute::evaluation {

enum class Score {
  second_half,  ///< llama-perplexity's: positions [window/2, window-2], each predicting the next one of the window
  all           ///< every position, each predicting the next token of the text (the window's last one the next
                ///< window's first, where the text has one)
};
std::string_view to_string(Score score) noexcept;
Result<Score> parse_score(std::string_view text);

/// A tokenized text cut into consecutive windows.
struct WindowedText {
  std::vector<Token> tokens;
  std::size_t window = 512;
  std::size_t num_windows = 0;
  std::span<const Token> at(std::size_t w) const { return {tokens.data() + w * window, window}; }
};

/// Scored positions of one window: [first, first + count).
struct ScoredSpan {
  std::size_t first = 0, count = 0;
};
ScoredSpan scored_span(const WindowedText& text, Score score, std::size_t w) noexcept;
/// Over all windows.
std::size_t num_scored(const WindowedText& text, Score score) noexcept;

/// First `max_windows` (0 = all) whole windows, and the token behind them. One trailing newline of the text is dropped, as
/// llama-perplexity does. Errors: an empty text; a text shorter than one window (with its length in tokens).
Result<WindowedText> make_windows(ModelRunner& model, std::string_view text, std::size_t window,
                                  std::size_t max_windows, std::string_view where);
/// The first `max_windows` (1 or more) of the text in a file, which is read only as far as they need it, whatever its size.
Result<WindowedText> read_windows(ModelRunner& model, const std::filesystem::path& file, std::size_t window,
                                  std::size_t max_windows);

}  // namespace bhroute::evaluation
