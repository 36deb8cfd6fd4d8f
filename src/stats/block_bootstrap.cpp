#include "bhroute/stats/block_bootstrap.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "bhroute/stats/descriptive.h"

namespace bhroute::stats {
namespace {

struct Block {
  double sum = 0.0;
  std::size_t size = 0;
};

std::vector<Block> sum_blocks(std::span<const double> values,
                              std::span<const std::size_t> block_sizes) {
  std::vector<Block> blocks;
  auto begin = values.begin();
  for (const std::size_t size : block_sizes) {
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    blocks.push_back({std::accumulate(begin, end, 0.0), size});
    begin = end;
  }
  return blocks;
}

// The standard fixes mt19937_64's numbers but no distribution's, so the index is made here: the
// upper 32 bits scaled to [0, n). Its bias is below n / 2^32.
std::size_t draw_index(std::mt19937_64& engine, std::size_t n) {
  return static_cast<std::size_t>(((engine() >> 32U) * n) >> 32U);
}

double resampled_mean(std::span<const Block> blocks, std::mt19937_64& engine, double fallback) {
  Block total;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const Block& drawn = blocks[draw_index(engine, blocks.size())];
    total.sum += drawn.sum;
    total.size += drawn.size;
  }
  return total.size == 0 ? fallback : total.sum / static_cast<double>(total.size);
}

Result<void> check(std::size_t num_values, std::span<const std::size_t> block_sizes,
                   const BootstrapOptions& options) {
  const std::string where = "block bootstrap";
  if (num_values == 0) return invalid_input(where, "no values");
  if (block_sizes.size() < 2)
    return invalid_input(where, "too few blocks", std::to_string(block_sizes.size()), "at least 2");
  const std::size_t total = std::accumulate(block_sizes.begin(), block_sizes.end(), std::size_t{0});
  if (total != num_values)
    return invalid_input(where, "the blocks do not add up to the values", std::to_string(total),
                         std::to_string(num_values));
  if (!(options.confidence > 0.0 && options.confidence < 1.0))
    return invalid_input(where, "confidence out of range", std::to_string(options.confidence),
                         "between 0 and 1");
  if (options.num_resamples == 0) return invalid_input(where, "no resamples", "0", "at least 1");
  return {};
}

}  // namespace

Result<Interval> block_bootstrap_mean(std::span<const double> values,
                                      std::span<const std::size_t> block_sizes,
                                      const BootstrapOptions& options) {
  if (auto checked = check(values.size(), block_sizes, options); !checked)
    return tl::make_unexpected(checked.error());
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  const std::vector<Block> blocks = sum_blocks(values, block_sizes);
  std::mt19937_64 engine(options.seed);
  std::vector<double> means(options.num_resamples);
  std::ranges::generate(means, [&] { return resampled_mean(blocks, engine, mean); });
  std::ranges::sort(means);
  const double tail = (1.0 - options.confidence) / 2.0;
  return Interval{mean, quantile(means, tail), quantile(means, 1.0 - tail)};
}

Result<Interval> block_bootstrap_difference(std::span<const double> a, std::span<const double> b,
                                            std::span<const std::size_t> block_sizes,
                                            const BootstrapOptions& options) {
  if (a.size() != b.size())
    return invalid_input("block bootstrap", "the two runs have different numbers of values",
                         std::to_string(a.size()), std::to_string(b.size()));
  std::vector<double> differences(a.size());
  std::ranges::transform(a, b, differences.begin(), std::minus<>());
  return block_bootstrap_mean(differences, block_sizes, options);
}

}  // namespace bhroute::stats
