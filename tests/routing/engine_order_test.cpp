#include "bhroute/routing/engine_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace bhroute::routing {
namespace {

using testing::ElementsAre;
using Ids = std::vector<std::int32_t>;

Ids follow(const std::vector<float>& logits, const Ids& selected, const Ids& order,
           std::size_t num_rankable) {
  Ids experts(selected.size(), -1);
  experts.resize(follow_engine_order(logits, selected, {order, num_rankable}, experts));
  return experts;
}

TEST(EngineOrder, LargestLogitsInTheEnginesOrder) {
  EXPECT_THAT(follow({1, 4, 3, 2}, {1, 2}, {1, 2, 3, 0}, 4), ElementsAre(1, 2));
}

TEST(EngineOrder, TiesAreBrokenAsTheEngineDoes) {
  EXPECT_THAT(follow({2, 5, 2, 2}, {1, 0}, {1, 3, 0, 2}, 4), ElementsAre(1, 3));
}

TEST(EngineOrder, ASelectionBiasDecidesWhoAndThePolicyHowMany) {
  EXPECT_THAT(follow({9, 8, 1, 0}, {0, 1}, {3, 2, 1, 0}, 4), ElementsAre(3, 2));
}

TEST(EngineOrder, AnySetThatIsNotOfTheLargestIsTakenAsItIs) {
  EXPECT_THAT(follow({9, 8, 7, 6}, {3, 0}, {0, 1, 2, 3}, 4), ElementsAre(0, 3));
}

TEST(EngineOrder, MaskedExpertsAreLeftOut) {
  EXPECT_THAT(follow({9, 8, 7, 6}, {0, 1, 2}, {2, 0, 1, 3}, 2), ElementsAre(2, 0));
  EXPECT_THAT(follow({9, 8, 7, 6}, {3, 0}, {0, 1, 2, 3}, 2), ElementsAre(0));
}

TEST(EngineOrder, WhereAllAreMaskedTheEnginesBestIsTaken) {
  EXPECT_THAT(follow({9, 8, 7, 6}, {3, 2}, {1, 0, 2, 3}, 2), ElementsAre(1));
}

TEST(EngineOrder, WithNaNsTheSetIsTakenAsItIs) {
  EXPECT_THAT(follow({NAN, 8, 7, 6}, {1, 2}, {0, 1, 2, 3}, 4), ElementsAre(1, 2));
}

TEST(EngineOrder, NothingSelectedIsNothing) {
  EXPECT_THAT(follow({1, 2}, {}, {1, 0}, 2), testing::IsEmpty());
}

}  // namespace
}  // namespace bhroute::routing
