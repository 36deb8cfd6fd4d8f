#include "bhroute/calibration/logit_reservoir.h"

#include <algorithm>
#include <bit>
#include <string>

namespace bhroute::calibration {
namespace {

// The finalizer of splitmix64 (Steele, Lea & Flood 2014): a bijection whose every output bit
// depends on every input bit.
std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
  return x ^ x >> 31;
}

// The logits take part so that equal places of two texts draw different keys.
std::uint64_t row_key(std::uint64_t seed, std::uint64_t place, std::span<const float> logits) {
  std::uint64_t content = seed;
  for (float logit : logits)
    content = (content ^ std::bit_cast<std::uint32_t>(logit)) * 0x100000001b3ULL;
  return mix(mix(seed + mix(place)) ^ content);
}

void append_row(RowSample& to, const RowSample& from, std::size_t row) {
  const auto begin = from.rows.begin() + static_cast<std::ptrdiff_t>(row * from.num_experts);
  to.rows.insert(to.rows.end(), begin, begin + static_cast<std::ptrdiff_t>(from.num_experts));
  to.keys.push_back(from.keys[row]);
}

}  // namespace

LogitReservoir::LogitReservoir(std::size_t capacity, std::uint64_t seed, std::size_t num_experts)
    : capacity_(capacity), num_experts_(num_experts), seed_(seed) {}

void LogitReservoir::add(std::span<const float> logits) {
  if (capacity_ == 0) return;
  const std::uint64_t key = row_key(seed_, num_seen_++, logits);
  std::size_t slot = heap_.size();
  if (slot == capacity_) {
    if (key >= heap_.front().first) return;
    std::pop_heap(heap_.begin(), heap_.end());
    slot = heap_.back().second;
    heap_.pop_back();
  } else {
    rows_.resize(rows_.size() + num_experts_);
  }
  std::copy(logits.begin(), logits.end(),
            rows_.begin() + static_cast<std::ptrdiff_t>(slot * num_experts_));
  heap_.emplace_back(key, slot);
  std::push_heap(heap_.begin(), heap_.end());
}

RowSample LogitReservoir::sample() const {
  auto order = heap_;
  std::sort(order.begin(), order.end());
  RowSample sample{num_experts_, {}, {}};
  for (const auto& [key, slot] : order) {
    const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(slot * num_experts_);
    sample.rows.insert(sample.rows.end(), begin, begin + static_cast<std::ptrdiff_t>(num_experts_));
    sample.keys.push_back(key);
  }
  return sample;
}

Result<RowSample> merge_samples(const RowSample& a, const RowSample& b, std::size_t capacity) {
  if (a.num_experts != b.num_experts)
    return invalid_input("merge", "sampled rows of different widths", std::to_string(b.num_experts),
                         std::to_string(a.num_experts));
  RowSample merged{a.num_experts, {}, {}};
  std::size_t i = 0, j = 0;
  while (merged.keys.size() < capacity && (i < a.keys.size() || j < b.keys.size())) {
    const bool from_a = j == b.keys.size() || (i < a.keys.size() && a.keys[i] <= b.keys[j]);
    if (from_a)
      append_row(merged, a, i++);
    else
      append_row(merged, b, j++);
  }
  return merged;
}

}  // namespace bhroute::calibration
