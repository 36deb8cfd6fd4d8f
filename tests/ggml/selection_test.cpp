#include "ggml/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace bhroute::ggml {
namespace {

using testing::ElementsAre;

// Three tokens of four experts; the engine's order is by falling score.
class Selections : public testing::Test {
 protected:
  Selections() {
    shape(scores_, scores_data_.data());
    shape(gates_, gates_data_.data());
    shape(sorted_, order_.data());
    block_.num_experts = 4, block_.num_slots = block_.num_summed = 2, block_.num_tokens = 3;
    block_.scores = &scores_, block_.gates = &gates_, block_.sorted = &sorted_;
    decision_.num_tokens = 3, decision_.num_experts = 4, decision_.max_k = 3;
    decision_.expert_ids = {0, 1, 2, 3, -1, -1, -1, -1, -1};
    decision_.num_selected = {3, 1, 0};
    decision_.unroutable_tokens = {2};
  }
  static void shape(ggml_tensor& t, void* data) {
    t.ne[0] = 4, t.ne[1] = 3, t.nb[1] = 4 * sizeof(float), t.data = data;
  }
  void select(std::size_t most = 4) {
    select_pairs(block_, {logits_.data(), 3, 4, 4}, decision_, most, selection_);
  }
  std::vector<float> logits_ = {4, 3, 2, 1, 1, 2, 3, 4, NAN, NAN, NAN, NAN};
  std::vector<float> scores_data_ = logits_, gates_data_ = logits_;
  std::vector<std::int32_t> order_ = {0, 1, 2, 3, 3, 2, 1, 0, 1, 0, 3, 2};
  ggml_tensor scores_{}, gates_{}, sorted_{};
  MoeBlock block_;
  routing::RoutingDecision decision_;
  Selection selection_;
};

TEST_F(Selections, PairsOfEachToken) {
  select();
  EXPECT_THAT(selection_.experts, ElementsAre(0, 1, 2, 3, 1, 0));  // the last two: the graph's own
  EXPECT_THAT(selection_.tokens, ElementsAre(0, 0, 0, 1, 2, 2));
  EXPECT_THAT(selection_.first, ElementsAre(0, 3, 4, 6));
  EXPECT_EQ(uniform_count(selection_, 0, 3), std::nullopt);
  EXPECT_EQ(uniform_count(selection_, 2, 3), 2u);
}

TEST_F(Selections, NoTokenHasMoreThanItMay) {
  select(2);
  EXPECT_THAT(selection_.experts, ElementsAre(0, 1, 3, 1, 0));
  EXPECT_THAT(selection_.first, ElementsAre(0, 2, 3, 5));
}

TEST_F(Selections, MaskedGroupsAreNeverSelected) {
  scores_data_ = {4, 3, -INFINITY, -INFINITY, 1, 2, 3, 4, 0, 0, 0, 0};
  select();
  EXPECT_THAT(selection_.experts_of(0), ElementsAre(0, 1));
}

TEST_F(Selections, OneObjectIsUsedAgain) {
  select();
  select(1);
  EXPECT_EQ(selection_.num_tokens(), 3u);
  EXPECT_EQ(selection_.num_pairs(), 3u);
}

}  // namespace
}  // namespace bhroute::ggml
