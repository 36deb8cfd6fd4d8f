#include "llama/weights_chain.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace bhroute::llama {
namespace {

constexpr std::size_t kMostNodes = 8;

using Arena = std::unique_ptr<ggml_context, decltype(&ggml_free)>;

ggml_tensor* at(ggml_tensor* node, float* data) {
  node->data = data;
  return node;
}

}  // namespace

Result<void> ChainReplay::run(const WeightsChain& chain, std::size_t count,
                              std::span<float> weights) {
  if (chain.is_trivial() || weights.empty()) return {};
  if (!backend_) backend_.reset(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));
  if (!backend_) return failure("routing weights", "no CPU backend");
  const std::size_t num_tokens = weights.size() / count;
  sums_.resize(num_tokens);
  arena_.resize(2 * kMostNodes * ggml_tensor_overhead() +
                ggml_graph_overhead_custom(kMostNodes, false));
  const Arena arena(ggml_init({arena_.size(), arena_.data(), true}), &ggml_free);
  ggml_tensor* last = at(ggml_new_tensor_2d(arena.get(), GGML_TYPE_F32, static_cast<int64_t>(count),
                                            static_cast<int64_t>(num_tokens)),
                         weights.data());
  if (chain.softmax) last = at(ggml_soft_max(arena.get(), last), weights.data());
  if (chain.normalizes) {
    ggml_tensor* sum = at(ggml_sum_rows(arena.get(), last), sums_.data());
    sum = at(ggml_clamp(arena.get(), sum, chain.smallest_sum, INFINITY), sums_.data());
    last = at(ggml_div(arena.get(), last, sum), weights.data());
  }
  if (chain.scale != 1.0f) last = at(ggml_scale(arena.get(), last, chain.scale), weights.data());
  ggml_cgraph* graph = ggml_new_graph_custom(arena.get(), kMostNodes, false);
  ggml_build_forward_expand(graph, last);
  if (ggml_backend_graph_compute(backend_.get(), graph) != GGML_STATUS_SUCCESS)
    return failure("routing weights", "ggml cannot compute them");
  return {};
}

// Rows of one length at a time.
Result<void> ChainReplay::run_rows(const WeightsChain& chain, std::span<const std::size_t> first,
                                   std::span<float> weights) {
  if (chain.is_trivial()) return {};
  std::set<std::size_t> counts;
  for (std::size_t t = 0; t + 1 < first.size(); ++t) counts.insert(first[t + 1] - first[t]);
  counts.erase(0);
  for (const std::size_t count : counts) {
    const auto for_each_row = [&](auto&& action) {
      for (std::size_t t = 0; t + 1 < first.size(); ++t)
        if (first[t + 1] - first[t] == count) action(weights.subspan(first[t], count));
    };
    group_.clear();
    for_each_row(
        [&](std::span<float> row) { group_.insert(group_.end(), row.begin(), row.end()); });
    if (auto ran = run(chain, count, group_); !ran) return ran;
    auto next = group_.cbegin();
    for_each_row([&](std::span<float> row) {
      std::copy_n(next, count, row.begin());
      next += static_cast<std::ptrdiff_t>(count);
    });
  }
  return {};
}

}  // namespace bhroute::llama
