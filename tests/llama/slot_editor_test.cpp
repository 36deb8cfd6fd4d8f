#include "llama/slot_editor.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace bhroute::llama {
namespace {

struct Row {
  std::vector<std::int32_t> ids{5, 2, 7, 0, 1, 3, 4, 6};  // all experts, best first
  std::vector<float> weights{0.4f, 0.3f, 0.2f, 0.05f};    // four slots
  void apply(const std::vector<std::int32_t>& chosen, const std::vector<float>& routed) {
    SlotEditor editor(ids.size());
    editor.apply({ids, weights}, chosen, routed);
  }
};

TEST(SlotEditor, UnselectedSlotsGetWeightZeroAndKeepTheirIds) {
  Row row;
  row.apply({5, 2}, {0.9f, 0.8f});
  EXPECT_EQ(row.weights, (std::vector<float>{0.9f, 0.8f, 0.f, 0.f}));
  EXPECT_EQ(row.ids, Row{}.ids);
}

TEST(SlotEditor, WeightsGoToTheirExpertsSlots) {
  Row row;
  row.apply({7, 5, 2, 0}, {1.f, 2.f, 3.f, 4.f});
  EXPECT_EQ(row.ids, Row{}.ids);
  EXPECT_EQ(row.weights, (std::vector<float>{2.f, 3.f, 1.f, 4.f}));
}

TEST(SlotEditor, AnExpertBeyondTheSlotsChangesPlaces) {
  Row row;
  row.apply({5, 6}, {0.6f, 0.1f});
  EXPECT_EQ(row.ids[1], 6);
  EXPECT_EQ(row.ids[7], 2);
  EXPECT_EQ(row.weights, (std::vector<float>{0.6f, 0.1f, 0.f, 0.f}));
}

TEST(SlotEditor, NothingSelectedGivesAllZero) {
  Row row;
  row.apply({}, {});
  EXPECT_EQ(row.weights, (std::vector<float>(4, 0.f)));
}

RC_GTEST_PROP(SlotEditor, IdsStayAPermutationAndSelectedOnesCarryTheWeight, ()) {
  const auto n = *rc::gen::inRange<std::size_t>(1, 40);
  const auto slots = *rc::gen::inRange<std::size_t>(1, n + 1);
  std::vector<std::int32_t> order(n), ids(n);
  std::iota(order.begin(), order.end(), 0);
  ids = order;
  std::shuffle(ids.begin(), ids.end(), std::mt19937(*rc::gen::arbitrary<unsigned>()));
  std::shuffle(order.begin(), order.end(), std::mt19937(*rc::gen::arbitrary<unsigned>()));
  order.resize(*rc::gen::inRange<std::size_t>(0, slots + 1));
  std::vector<float> routed(order.size()), weights(slots, 0.5f);
  std::iota(routed.begin(), routed.end(), 1.0f);
  SlotEditor editor(n);
  editor.apply({ids, weights}, order, routed);
  auto sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < n; ++i) RC_ASSERT(sorted[i] == static_cast<std::int32_t>(i));
  for (std::size_t s = 0; s < slots; ++s) {
    const auto found = std::find(order.begin(), order.end(), ids[s]);
    RC_ASSERT(
        weights[s] ==
        (found == order.end() ? 0.0f : routed[static_cast<std::size_t>(found - order.begin())]));
  }
  RC_ASSERT(static_cast<std::size_t>(std::count_if(weights.begin(), weights.end(),
                                                   [](float w) { return w > 0; })) == order.size());
}

}  // namespace
}  // namespace bhroute::llama
