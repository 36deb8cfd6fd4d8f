#pragma once
// A fair sample of whole rows of router logits, of a fixed size, from a stream of any length.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/core/logits_view.h"

namespace bhroute::calibration {

/// Rows with their keys, keys rising. A row's key is a hash of the seed, its place in the stream
/// and its logits, so the rows of the smallest keys are a simple random sample without replacement.
struct RowSample {
  std::size_t num_experts = 0;
  std::vector<float> rows;          ///< [keys.size(), num_experts]
  std::vector<std::uint64_t> keys;  ///< rising
  LogitsView view() const noexcept { return {rows.data(), keys.size(), num_experts, num_experts}; }
  bool operator==(const RowSample&) const = default;
};

/// Keeps the rows of the `capacity` smallest keys: bottom-k sampling (Cohen & Kaplan 2007,
/// "Summarizing data using bottom-k sketches", PODC). Deterministic.
class LogitReservoir {
 public:
  LogitReservoir(std::size_t capacity, std::uint64_t seed, std::size_t num_experts);
  void add(std::span<const float> logits);  ///< [num_experts]
  RowSample sample() const;

 private:
  std::size_t capacity_, num_experts_;
  std::uint64_t seed_, num_seen_ = 0;
  std::vector<float> rows_;                                  // by slot
  std::vector<std::pair<std::uint64_t, std::size_t>> heap_;  // (key, slot), largest key first
};

/// The sample that one reservoir of `capacity` rows would hold had it seen both streams: the rows
/// of the smallest keys of either. Errors: different numbers of experts.
Result<RowSample> merge_samples(const RowSample& a, const RowSample& b, std::size_t capacity);

}  // namespace bhroute::calibration
