#pragma once

#include <vector>

#include "bhroute/evaluation/evaluate.h"

namespace bhroute::cli {

/// Losses of the model's own routing at every scored position, from its recorded logits: what a
/// policy's losses are paired with, without one more run.
std::vector<double> own_losses(const evaluation::OwnLogits& own,
                               const evaluation::WindowedText& text, evaluation::Score score);

}  // namespace bhroute::cli
