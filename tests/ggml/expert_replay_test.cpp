#include "ggml/expert_replay.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ggml/moe_graph.h"

namespace bhroute::ggml {
namespace {

using test::Gating;
using test::MoeGraph;
using test::MoeShape;

// The first `counts[t]` experts of each token in the engine's order, with weights that tell them
// apart.
Selection select_first(const MoeBlock& block, const std::vector<std::size_t>& counts) {
  Selection selection;
  selection.first.push_back(0);
  for (std::size_t t = 0; t < block.num_tokens; ++t) {
    const auto order = row_of<std::int32_t>(block.sorted, t);
    for (std::size_t i = 0; i < counts[t % counts.size()]; ++i) {
      selection.experts.push_back(order[i]);
      selection.tokens.push_back(static_cast<std::int32_t>(t));
      selection.weights.push_back(0.3f + 0.1f * static_cast<float>(i));
    }
    selection.first.push_back(selection.experts.size());
  }
  return selection;
}

std::vector<float> replay(const MoeShape& shape, const std::vector<std::size_t>& counts,
                          std::size_t scratch = ExpertReplay::kMostScratch,
                          std::size_t* used = nullptr) {
  const MoeGraph graph(shape);
  const auto block = match_moe_block(graph.nodes());
  EXPECT_TRUE(block) << block.error();
  InnerBackend inner;
  inner.set_threads(shape.num_tokens > 5 ? 2 : 1, nullptr);
  EXPECT_EQ(inner.compute(block->router_nodes), GGML_STATUS_SUCCESS);
  Selection selection = select_first(*block, counts);
  ExpertReplay experts(scratch);
  EXPECT_EQ(experts.run(*block, selection, inner), GGML_STATUS_SUCCESS);
  if (used != nullptr) *used = experts.scratch_size();
  return graph.output_values();
}

// By each token alone: nothing is gathered, tiled or shared.
std::vector<float> one_by_one(const MoeShape& shape, const std::vector<std::size_t>& counts) {
  std::vector<float> rows(static_cast<std::size_t>(shape.num_tokens * shape.d));
  for (std::size_t t = 0; t < static_cast<std::size_t>(shape.num_tokens); ++t) {
    std::vector<std::size_t> only(static_cast<std::size_t>(shape.num_tokens), 0);
    only[t] = counts[t % counts.size()];
    const auto all = replay(shape, only);
    const auto row = static_cast<std::ptrdiff_t>(t * static_cast<std::size_t>(shape.d));
    std::copy_n(all.begin() + row, shape.d, rows.begin() + row);
  }
  return rows;
}

class Shapes : public testing::TestWithParam<MoeShape> {};
INSTANTIATE_TEST_SUITE_P(ExpertReplay, Shapes,
                         testing::Values(MoeShape{}, MoeShape{.biases = true},
                                         MoeShape{.merged = true, .biases = true},
                                         MoeShape{.num_tokens = 9}));

TEST_P(Shapes, UnequalCountsGiveEachTokenWhatItGetsAlone) {
  const std::vector<std::size_t> counts = {3, 1, 0, 4, 2};
  EXPECT_EQ(replay(GetParam(), counts), one_by_one(GetParam(), counts));
}

TEST_P(Shapes, MoreExpertsThanTheGraphHasSlots) {
  const std::vector<std::size_t> counts = {9, 16, 5};
  EXPECT_EQ(replay(GetParam(), counts), one_by_one(GetParam(), counts));
  EXPECT_EQ(replay(GetParam(), {7}), one_by_one(GetParam(), {7}));
}

TEST_P(Shapes, TilesChangeNothingAndKeepToTheirMemory) {
  const std::vector<std::size_t> counts = {9, 16, 5, 1, 0};
  for (const std::size_t scratch : {0u, 20000u, 60000u}) {
    std::size_t used = 0;
    EXPECT_EQ(replay(GetParam(), counts, scratch, &used), one_by_one(GetParam(), counts));
    const std::size_t one_token = 16 * (64 * 6 + 32 * 3) * sizeof(float) + 10 * 64;
    EXPECT_LE(used, std::max(scratch, one_token));
  }
}

TEST_P(Shapes, NothingSelectedGivesZeros) {
  for (float value : replay(GetParam(), {0})) EXPECT_EQ(value, 0.0f);
}

}  // namespace
}  // namespace bhroute::ggml
