#include "own_losses.h"

namespace bhroute::cli {

std::vector<double> own_losses(const evaluation::OwnLogits& own,
                               const evaluation::WindowedText& text, evaluation::Score score) {
  std::vector<double> losses;
  for (std::size_t w = 0; w < text.num_windows; ++w) {
    const auto [first, count] = evaluation::scored_span(text, score, w);
    for (std::size_t position = first; position < first + count; ++position) {
      const std::size_t row = losses.size();
      const auto next = static_cast<std::size_t>(text.tokens[w * text.window + position + 1]);
      losses.push_back(evaluation::token_loss(own.row(row), own.summary(row), next));
    }
  }
  return losses;
}

}  // namespace bhroute::cli
