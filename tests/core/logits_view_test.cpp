#include "bhroute/core/logits_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace bhroute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Shape = std::vector<std::size_t>;

TEST(LogitsView, TwoDimensions) {
  const std::vector<float> values{0, 1, 2, 3, 4, 5};
  const auto view = view_logits(values, Shape{3, 2}).value();
  EXPECT_EQ(view.num_tokens, 3u);
  EXPECT_EQ(view.num_experts, 2u);
  EXPECT_THAT(view.token(1), ElementsAre(2, 3));
}

TEST(LogitsView, BatchAndSequenceBecomeTokens) {
  const std::vector<float> values(24);
  const auto view = view_logits(values, Shape{2, 3, 4}).value();
  EXPECT_EQ(view.num_tokens, 6u);
  EXPECT_EQ(view.token(5).data(), values.data() + 20);
}

TEST(LogitsView, AStrideSkipsWhatLiesBetween) {
  const std::vector<float> values{0, 1, 9, 2, 3, 9};
  const LogitsView view{values.data(), 2, 2, 3};
  EXPECT_THAT(view.token(1), ElementsAre(2, 3));
}

TEST(LogitsView, NoTokensIsANormalCase) {
  EXPECT_EQ(view_logits({}, Shape{0, 64}).value().num_tokens, 0u);
  EXPECT_EQ(view_logits({}, Shape{3, 0, 64}).value().num_tokens, 0u);
  EXPECT_EQ(view_logits({}, Shape{0, 1'000'000, 64}).value().num_tokens, 0u);
}

TEST(LogitsView, WrongRanksNameWhatIsWanted) {
  const std::vector<float> values(4);
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{1, 1, 2, 2}}) {
    const auto view = view_logits(values, shape);
    ASSERT_FALSE(view);
    EXPECT_THAT(to_string(view.error()),
                HasSubstr("[num_tokens, num_experts] or [batch, seq, num_experts]"));
  }
}

TEST(LogitsView, NoExpertsIsAnError) {
  EXPECT_THAT(to_string(view_logits({}, Shape{4, 0}).error()), HasSubstr("no experts, got [4, 0]"));
}

TEST(LogitsView, SizesMustAgreeEvenWhereProductsWrapRound) {
  const std::vector<float> values(4);
  const std::size_t half = std::size_t{1} << 63, quarter = std::size_t{1} << 62;
  for (const Shape& shape :
       {Shape{2, 3}, Shape{2, 1}, Shape{4, quarter + 1}, Shape{half, 2, 4},
        Shape{quarter + 1, 4, 1}, Shape{0, 4}, Shape{std::numeric_limits<std::size_t>::max(), 4}}) {
    EXPECT_FALSE(view_logits(values, shape)) << shape[0] << ' ' << shape[1];
  }
}

}  // namespace
}  // namespace bhroute
