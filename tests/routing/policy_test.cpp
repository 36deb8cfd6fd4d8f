#include "bhroute/routing/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <thread>

#include "kernels/logit_shapes.h"
#include "routing/synthetic_tables.h"

namespace {

thread_local std::size_t allocations = 0;  // by this thread, since the program began

}  // namespace

// Not inlined: the compiler would take malloc's pointer for one of its own new. The whole test
// program counts: route() must not allocate once its decision has been used.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace bhroute::routing {
namespace {

using testing::NullShape;

std::vector<float> normal_logits(std::size_t tokens) {
  std::mt19937 random(2);
  std::vector<float> logits(tokens * 64);
  testing::fill_row(testing::Shape::normal, random, logits.data(), logits.size());
  return logits;
}

std::size_t allocations_of_second_call(const Policy& policy) {
  const auto logits = normal_logits(100);
  RoutingDecision decision;
  EXPECT_TRUE(policy.route(testing::view(logits, 64), 0, {}, decision));
  const std::size_t before = allocations;
  EXPECT_TRUE(policy.route(testing::view(logits, 64), 0, {}, decision));
  return allocations - before;
}

TEST(Policy, TheCounterCounts) {
  const std::size_t before = allocations;
  delete new int(3);
  EXPECT_EQ(allocations - before, 1u);
}

TEST(Policy, ARouteOnAReusedDecisionAllocatesNothing) {
  for (NullShape null : {NullShape::conformal, NullShape::gridded, NullShape::per_expert})
    for (auto statistic : {calibration::Statistic::logit, calibration::Statistic::log_prob}) {
      const auto policy =
          make_policy({.max_k = 16}, testing::facts(64), testing::make_table(null, 64, statistic));
      EXPECT_EQ(allocations_of_second_call(**policy), 0u) << testing::name(null);
    }
  EXPECT_EQ(allocations_of_second_call(**make_policy({.rule = Rule::top_k}, testing::facts(64))),
            0u);
}

TEST(Policy, ServesSeveralThreadsAtOnce) {
  const auto policy = make_policy(
      {.alpha = 0.2, .max_k = 16}, testing::facts(64),
      testing::make_table(NullShape::per_expert, 64, calibration::Statistic::standardized));
  const auto logits = normal_logits(300);
  std::vector<RoutingDecision> decisions(4);
  std::vector<std::thread> threads;
  for (RoutingDecision& decision : decisions)
    threads.emplace_back(
        [&] { (void)(*policy)->route(testing::view(logits, 64), 0, {}, decision); });
  for (std::thread& thread : threads) thread.join();
  for (const RoutingDecision& decision : decisions) {
    EXPECT_EQ(decision.expert_ids, decisions[0].expert_ids);
    EXPECT_EQ(decision.routing_weights, decisions[0].routing_weights);
  }
}

TEST(Policy, RefusesAndAllowsTokensOfNans) {
  const auto policy =
      make_policy({.max_k = 2}, testing::facts(2), testing::make_table(NullShape::gridded, 2));
  const std::vector<float> logits(2, std::numeric_limits<float>::quiet_NaN());
  RoutingDecision decision;
  EXPECT_FALSE((*policy)->route(testing::view(logits, 2), 0, {}, decision));
  ASSERT_TRUE((*policy)->route(testing::view(logits, 2), 0, {.allow_unroutable = true}, decision));
  EXPECT_THAT(decision.expert_ids, ::testing::ElementsAre(-1, -1));
  EXPECT_EQ(decision.num_nan_logits, 2u);
}

TEST(Policy, NoTokensAreFine) {
  const auto policy =
      make_policy({.max_k = 2}, testing::facts(2), testing::make_table(NullShape::gridded, 2));
  RoutingDecision decision;
  ASSERT_TRUE(
      (*policy)->route({nullptr, 0, 2, 2}, 0, {.dense_weights = true, .stats = true}, decision));
  EXPECT_TRUE(decision.expert_ids.empty());
}

TEST(Policy, ErrorsOfConstruction) {
  EXPECT_FALSE(make_policy({.alpha = 2.0}, testing::facts(64)));
  EXPECT_FALSE(make_reference_policy({.max_k = 65}, testing::facts(64)));
  EXPECT_FALSE(make_policy({}, testing::facts(64), testing::make_table(NullShape::gridded, 32)));
}

}  // namespace
}  // namespace bhroute::routing
