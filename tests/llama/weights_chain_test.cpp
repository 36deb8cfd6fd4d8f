#include "llama/weights_chain.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bhroute::llama {
namespace {

TEST(WeightsChain, ATrivialOneLeavesTheGates) {
  std::vector<float> gates{0.5f, 0.25f};
  ASSERT_TRUE(ChainReplay().run({}, 2, gates));
  EXPECT_EQ(gates, (std::vector<float>{0.5f, 0.25f}));
}

TEST(WeightsChain, NormalisesThenScales) {
  std::vector<float> gates{0.5f, 0.25f, 0.25f, 3.0f, 1.0f, 0.0f};
  ASSERT_TRUE(ChainReplay().run({.normalizes = true, .scale = 2.0f}, 3, gates));
  EXPECT_EQ(gates, (std::vector<float>{1.0f, 0.5f, 0.5f, 1.5f, 0.5f, 0.0f}));
}

TEST(WeightsChain, DividesByNoLessThanTheSmallestSum) {
  std::vector<float> gates{0.25f, 0.25f};
  ASSERT_TRUE(ChainReplay().run({.normalizes = true, .smallest_sum = 1.0f}, 2, gates));
  EXPECT_EQ(gates, (std::vector<float>{0.25f, 0.25f}));
}

TEST(WeightsChain, RaggedRowsEachByThemselves) {
  std::vector<float> gates{7.0f, 1.0f, 2.0f, 5.0f, 1.0f, 3.0f};
  const std::vector<std::size_t> first{0, 1, 3, 3, 4, 6};
  ASSERT_TRUE(ChainReplay().run_rows({.softmax = true}, first, gates));
  EXPECT_EQ(gates[0], 1.0f);
  EXPECT_NEAR(gates[1], 1 / (1 + std::exp(1.0)), 1e-6);
  EXPECT_NEAR(gates[2], 1 / (1 + std::exp(-1.0)), 1e-6);
  EXPECT_EQ(gates[3], 1.0f);
  EXPECT_NEAR(gates[4] / gates[5], std::exp(-2.0), 1e-6);
}

}  // namespace
}  // namespace bhroute::llama
