#pragma once
// Who is best so far, and the ranking at the end.

#include "tune_entry.h"

namespace bhroute::evaluation {

/// Still in the race: adaptive entries, or fixed counts a layer. Whole fixed counts only carry the
/// curve that the others are compared with.
bool is_rival(const Entry& entry, bool adaptive);

/// Indices of the `count` best entries of a stage, best first: the least loss against the fixed
/// count at the same mean, all with the weights `reference`. Adaptive ones, or fixed ones a layer.
std::vector<std::size_t> best_of(std::span<const Entry> entries, int stage, bool adaptive,
                                 std::size_t count, routing::WeightRule reference,
                                 std::size_t own_top_k);

/// `held` = the held-back text, whose first windows the entries have run.
TuneResult rank(std::span<const Entry> entries, const TuneOptions& options,
                const WindowedText& held, std::size_t own_top_k);

}  // namespace bhroute::evaluation
