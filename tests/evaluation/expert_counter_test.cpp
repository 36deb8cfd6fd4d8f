#include "../../src/evaluation/expert_counter.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <numeric>

namespace bhroute::evaluation {
namespace {

using Indices = std::vector<std::size_t>;

Indices largest(const std::vector<float>& logits, std::size_t k) {
  Indices indices;
  largest_logits(logits, k, indices);
  return indices;
}

TEST(LargestLogits, TheLowerIndexWinsTiesAndNaNsNever) {
  EXPECT_EQ(largest({1, 3, 3, 2}, 2), (Indices{1, 2}));
  EXPECT_EQ(largest({3, 3, 3}, 2), (Indices{0, 1}));
  EXPECT_EQ(largest({NAN, 1, NAN, 2}, 3), (Indices{3, 1}));
  EXPECT_EQ(largest({1, 2}, 0), Indices{});
  Indices indices;
  EXPECT_EQ(largest_logits(std::vector<float>{NAN, 1, NAN}, 1, indices), 2U);
}

RC_GTEST_PROP(LargestLogitsProperty, EqualsAStableSort, ()) {
  const auto values = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
  const auto k = *rc::gen::inRange<std::size_t>(0, 10);
  const std::vector<float> logits(values.begin(), values.end());
  Indices order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  order.resize(std::min(k, order.size()));
  RC_ASSERT(largest(logits, k) == order);
}

TEST(ExpertCounter, CountsTheModelsOwnRouting) {
  ExpertCounter counter(4, 2);
  const std::vector<float> logits{0, 1, 2, 3, /**/ 3, 2, 1, 0, /**/ 0, 9, 0, 8};
  counter.on_layer(5, {logits.data(), 2, 4, 4}, nullptr);
  counter.on_layer(5, {logits.data() + 8, 1, 4, 4}, nullptr);
  counter.on_layer(7, {nullptr, 0, 4, 4}, nullptr);
  const LayerResult& layer = counter.layers().at(5);
  EXPECT_EQ(layer.experts.histogram, (std::vector<std::uint64_t>{0, 0, 3, 0, 0}));
  EXPECT_EQ(layer.utilisation, (std::vector<std::uint64_t>{1, 2, 1, 2}));
  EXPECT_EQ(counter.layers().at(7).experts.num_tokens(), 0U);
}

TEST(ExpertCounter, CountsDecisions) {
  ExpertCounter counter(4, 2);
  routing::RoutingDecision decision;
  decision.num_tokens = 3;
  decision.max_k = 3;
  decision.expert_ids = {2, 1, -1, /**/ 0, 1, 2, /**/ -1, -1, -1};
  decision.num_selected = {2, 3, 0};
  decision.num_nan_logits = 4;
  decision.unroutable_tokens = {2};
  counter.on_layer(0, {nullptr, 3, 4, 4}, &decision);
  const LayerResult& layer = counter.layers().at(0);
  EXPECT_EQ(layer.experts.histogram, (std::vector<std::uint64_t>{0, 0, 2, 1, 0}));
  EXPECT_EQ(layer.utilisation, (std::vector<std::uint64_t>{1, 2, 2, 0}));
  EXPECT_EQ(counter.num_nan_logits(), 4U);
  EXPECT_EQ(counter.num_unroutable(), 1U);
}

TEST(PooledCounts, AddsLayers) {
  std::map<int, LayerResult> layers;
  layers[0].experts.histogram = {0, 1, 2};
  layers[9].experts.histogram = {1, 1};
  EXPECT_EQ(pooled_counts(layers).histogram, (std::vector<std::uint64_t>{1, 2, 2}));
  EXPECT_TRUE(pooled_counts({}).histogram.empty());
}

}  // namespace
}  // namespace bhroute::evaluation
