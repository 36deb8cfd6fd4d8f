#include "bhroute/kernels/routing_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/isa_fixture.h"
#include "kernels/kernel_expectations.h"
#include "kernels/kernel_oracle.h"
#include "kernels/logit_shapes.h"
#include "kernels/ulp.h"

namespace bhroute::kernels {
namespace {

using testing::falling;
using testing::oracle_step_up;
using testing::Outputs;
using testing::random_logits;
using testing::row_is;
using testing::Shape;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

class RoutingKernels : public testing::IsaTest {};

RouteInputs inputs(const std::vector<float>& logits, std::size_t num_experts) {
  return {.logits = logits.data(),
          .num_tokens = logits.size() / num_experts,
          .num_experts = num_experts,
          .token_stride = num_experts};
}

void expect_step_up(const RouteInputs& in, const std::vector<float>& critical, std::size_t min_k,
                    std::size_t max_k) {
  Outputs out(in.num_tokens, max_k);
  route_step_up(in, critical.data(), min_k, max_k, out.view());
  for (std::size_t t = 0; t < in.num_tokens; ++t) {
    const float* logits = in.logits + t * in.token_stride;
    const float* statistic = in.statistic == nullptr ? logits : in.statistic + t * in.num_experts;
    ASSERT_TRUE(
        row_is(in, t, max_k, out, oracle_step_up(logits, statistic, critical, min_k, max_k)))
        << "N " << in.num_experts << " token " << t << " min_k " << min_k << " max_k " << max_k;
  }
}

TEST_P(RoutingKernels, ForcedImplementationRuns) {
  EXPECT_EQ(active_isa(), GetParam());
  std::string name = implementation();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::tolower(c)); });
  if (name == "emu128") name = "scalar";
  EXPECT_EQ(name, GetParam());
}

TEST_P(RoutingKernels, StepUpEqualsTheOracleForEveryNumberOfExperts) {
  for (std::size_t n = 1; n <= 512; ++n) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 2, n, static_cast<unsigned>(n));
      const auto in = inputs(logits, n);
      const std::size_t max_k = 1 + n * 3 / 4 * (n % 3) / 2;
      expect_step_up(in, falling(n, 2.5f, 0.5f), 1, std::min(n, max_k));
      expect_step_up(in, falling(n, 1.0f, -1.0f, n / 8), std::min<std::size_t>(n, 3), n);
    }
  }
}

// Step-down: the ranks before the first with fewer experts above its critical logit than the rank.
TEST_P(RoutingKernels, StepDownEqualsTheOracle) {
  for (std::size_t n : {1, 2, 7, 33, 64, 65, 130, 512}) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 20, n, static_cast<unsigned>(n));
      const auto in = inputs(logits, n);
      for (const auto& critical : {falling(n, 1.5f, 1.0f), falling(n, 0.0f, -1.0f, n / 8)}) {
        Outputs out(in.num_tokens, n);
        route_step_down(in, critical.data(), 1, n, out.view());
        for (std::size_t t = 0; t < in.num_tokens; ++t) {
          const float* row = logits.data() + t * n;
          std::size_t passed = 0;
          const auto met = [&](std::size_t k) {
            return static_cast<std::size_t>(
                std::count_if(row, row + n, [&](float s) { return s >= critical[k - 1]; }));
          };
          while (passed < n && met(passed + 1) >= passed + 1) ++passed;
          auto ids = testing::largest_first(row, n);
          ids.resize(std::min(ids.size(), std::max<std::size_t>(passed, 1)));
          ASSERT_TRUE(row_is(in, t, n, out, ids)) << "N " << n << " token " << t;
        }
      }
    }
  }
}

TEST_P(RoutingKernels, SelectLargestEqualsTheOracle) {
  for (std::size_t n : {1, 2, 7, 33, 64, 130, 512}) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 20, n, static_cast<unsigned>(n));
      const std::size_t k = 1 + n / 5;
      std::vector<std::int32_t> ids(20 * k, -7), counts(20, -7);
      select_largest(inputs(logits, n), k, ids.data(), counts.data());
      for (std::size_t t = 0; t < 20; ++t) {
        auto want = testing::largest_first(logits.data() + t * n, n);
        want.resize(std::min(want.size(), k));
        ASSERT_EQ(counts[t], static_cast<std::int32_t>(want.size()));
        want.resize(k, -1);
        ASSERT_TRUE(
            std::equal(want.begin(), want.end(), ids.begin() + static_cast<std::ptrdiff_t>(t * k)));
      }
    }
  }
}

TEST_P(RoutingKernels, SoftmaxFactsAreAsCloseAsTheyPromise) {
  for (std::size_t n : {1, 2, 7, 33, 64, 130, 512, 4096}) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 20, n, static_cast<unsigned>(n));
      std::vector<SoftmaxFacts> facts(20);
      softmax_facts(inputs(logits, n), facts.data());
      for (std::size_t t = 0; t < 20; ++t) {
        const float* row = logits.data() + t * n;
        const auto order = testing::largest_first(row, n);
        if (order.empty()) {
          EXPECT_EQ(facts[t].sum, 0.0);
          continue;
        }
        const double max = row[order.front()], sum = testing::sum_exp(row, order, max, 1.0);
        double entropy = 0.0;
        for (auto id : order) {
          const double p = testing::exp_relative(row[id], max, 1.0) / sum;
          if (p > 0.0) entropy -= p * std::log(p);
        }
        EXPECT_NEAR(facts[t].sum, sum, 1e-6 * sum);
        EXPECT_NEAR(facts[t].entropy, entropy, 1e-5);
      }
    }
  }
}

TEST_P(RoutingKernels, StepUpAtTheLimits) {
  for (std::size_t n : {1, 7, 64, 65}) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 20, n, 5);
      const auto in = inputs(logits, n);
      expect_step_up(in, falling(n, kNan, kNan, n), 1, n);     // nothing can pass
      expect_step_up(in, std::vector<float>(n, -kInf), 1, n);  // everything passes
      expect_step_up(in, std::vector<float>(n, kInf), 1, std::min<std::size_t>(n, 4));
      expect_step_up(in, falling(n, 1.0f, 0.0f), n, n);  // min_k fills the row
    }
  }
}

TEST_P(RoutingKernels, StepUpOnAnotherStatistic) {
  for (std::size_t n : {5, 64, 100, 512}) {
    const auto logits = random_logits(Shape::nan, 20, n, 6);
    std::vector<float> statistic(logits.size());
    std::transform(logits.begin(), logits.end(), statistic.begin(),
                   [](float r) { return 2.0f * r - 1.0f; });
    auto in = inputs(logits, n);
    in.statistic = statistic.data();
    expect_step_up(in, falling(n, 4.0f, 0.0f), 1, std::min<std::size_t>(n, 16));
    expect_step_up(in, falling(n, 1.0f, -4.0f), 2, n);
  }
}

TEST_P(RoutingKernels, ARankBeyondMaxKCounts) {
  // Rank 4 passes, ranks 1 to 3 don't: with max_k 2 the two largest are selected.
  const std::vector<float> logits = {1.0f, 1.1f, 1.2f, 1.3f};
  const std::vector<float> critical = {9.0f, 9.0f, 9.0f, 1.0f};
  Outputs out(1, 2);
  route_step_up(inputs(logits, 4), critical.data(), 1, 2, out.view());
  EXPECT_THAT(out.ids, ::testing::ElementsAre(3, 2));
}

TEST_P(RoutingKernels, ARowOfMinusInfinityHasALargest) {
  for (std::size_t n : {1, 2, 7, 64, 65}) {
    const std::vector<float> logits(n, -kInf);
    Outputs out(1, 1);
    route_top_k(inputs(logits, n), 1, out.view());
    EXPECT_THAT(out.counts, ::testing::ElementsAre(1)) << n;
    EXPECT_THAT(out.ids, ::testing::ElementsAre(0)) << n;
    EXPECT_EQ(out.weights[0], 1.0f / static_cast<float>(n)) << n;
  }
}

TEST_P(RoutingKernels, TopKEqualsTheOracle) {
  for (std::size_t n : {1, 2, 8, 31, 33, 64, 128, 300, 512, 4096}) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 4, n, 7);
      const auto in = inputs(logits, n);
      for (std::size_t k : {1, 2, 8, 16, 17, 70, 4096}) {
        k = std::min(k, n);
        Outputs out(in.num_tokens, k);
        route_top_k(in, k, out.view());
        for (std::size_t t = 0; t < in.num_tokens; ++t) {
          auto ids = testing::largest_first(logits.data() + t * n, n);
          ids.resize(std::min(k, ids.size()));
          ASSERT_TRUE(row_is(in, t, k, out, ids)) << "N " << n << " k " << k << " " << name(shape);
        }
      }
    }
  }
}

TEST_P(RoutingKernels, WeightScalesAndTemperatures) {
  for (auto scale : {WeightScale::none, WeightScale::one, WeightScale::mass}) {
    for (double temperature : {1.0, 0.7, 1.9, 0.01, 1e-30, 1e30}) {
      for (Shape shape : testing::kShapes) {
        const auto logits = random_logits(shape, 10, 64, 8);
        auto in = inputs(logits, 64);
        in.weight_scale = scale;
        in.temperature = temperature;
        in.own_top_k = 8;
        SCOPED_TRACE(::testing::Message() << name(shape) << " T " << temperature);
        expect_step_up(in, falling(64, 2.5f, 0.5f), 1, 16);
        expect_step_up(in, falling(64, 2.5f, 0.5f), 12, 64);
      }
    }
  }
}

TEST_P(RoutingKernels, WeighsWhatSomethingElseSelected) {
  std::mt19937 random(9);
  for (auto scale : {WeightScale::none, WeightScale::one, WeightScale::mass}) {
    for (Shape shape : testing::kShapes) {
      const auto logits = random_logits(shape, 1, 64, static_cast<unsigned>(random()));
      auto in = inputs(logits, 64);
      in.weight_scale = scale;
      in.own_top_k = 8;
      auto ids = testing::largest_first(logits.data(), 64);
      std::shuffle(ids.begin(), ids.end(), random);
      ids.resize(5);
      Outputs out(1, 6);
      std::copy(ids.begin(), ids.end(), out.ids.begin());
      out.ids[5] = -1;
      out.counts[0] = 5;
      weigh_selected(in, 6, out.view());
      EXPECT_TRUE(row_is(in, 0, 6, out, ids)) << name(shape);
    }
  }
}

TEST_P(RoutingKernels, DeepWeightsKeepTheirPrecision) {
  std::mt19937 random(10);
  std::uniform_real_distribution<float> depth(-80.0f, 0.0f);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logits(512);
    for (float& r : logits) r = 17.3f + depth(random);
    auto in = inputs(logits, 512);
    in.temperature = 0.9;
    expect_step_up(in, std::vector<float>(512, -kInf), 1, 512);
  }
}

TEST_P(RoutingKernels, RenormalisedWeightsFarBelowTheMaximumDoNotUnderflow) {
  std::vector<float> logits(16, 0.0f);
  logits[0] = 2000.0f;
  auto in = inputs(logits, 16);
  in.weight_scale = WeightScale::one;
  Outputs out(1, 2);
  out.ids = {3, 5};
  out.counts = {2};
  weigh_selected(in, 2, out.view());
  EXPECT_THAT(out.weights, ::testing::ElementsAre(0.5f, 0.5f));
}

TEST_P(RoutingKernels, ReadsRowsByTheirStride) {
  const std::vector<float> logits = {1, 2, 3, 99, 6, 5, 4, 99};
  RouteInputs in{.logits = logits.data(), .num_tokens = 2, .num_experts = 3, .token_stride = 4};
  Outputs out(2, 1);
  route_top_k(in, 1, out.view());
  EXPECT_THAT(out.ids, ::testing::ElementsAre(2, 0));
}

TEST_P(RoutingKernels, NoTokensWriteNothing) {
  const std::vector<float> logits;
  RouteInputs in{.logits = logits.data(), .num_tokens = 0, .num_experts = 4, .token_stride = 4};
  route_top_k(in, 2, {});
}

INSTANTIATE_TEST_SUITE_P(Isa, RoutingKernels, ::testing::ValuesIn(testing::known_isas()),
                         testing::isa_name);

}  // namespace
}  // namespace bhroute::kernels
