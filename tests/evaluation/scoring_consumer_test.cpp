#include "../../src/evaluation/scoring_consumer.h"

#include <gtest/gtest.h>

#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

// Rows 0, 1, 2, ... of a vocabulary of 3: row r has the logits {r, 0, 0}.
class ThreeRows final : public OwnLogits {
 public:
  explicit ThreeRows(std::size_t rows) : rows_(rows) {
    for (std::size_t r = 0; r < rows; ++r)
      values_.insert(values_.end(), {static_cast<float>(r), 0.5F, 0.0F});
  }
  std::span<const float> row(std::size_t i) const override { return {&values_[3 * i], 3}; }
  RowSummary summary(std::size_t i) const override { return summarize_row(row(i)); }
  std::size_t num_rows() const override { return rows_; }

 private:
  std::size_t rows_;
  std::vector<float> values_;
};

const WindowedText kText{{0, 1, 2, 0, 1, 2, 0, 1, 2}, 4, 2};

TEST(ScoredPart, IsTheOverlap) {
  EXPECT_EQ(scored_part(kText, Score::second_half, 0, 0, 4).count, 1U);
  EXPECT_EQ(scored_part(kText, Score::second_half, 0, 0, 4).first, 2U);
  EXPECT_EQ(scored_part(kText, Score::second_half, 0, 0, 2).count, 0U);
  EXPECT_EQ(scored_part(kText, Score::second_half, 0, 3, 1).count, 0U);
  EXPECT_EQ(scored_part(kText, Score::all, 0, 1, 2).count, 2U);
}

TEST(ScoredOffsets, CountPositionsBeforeEachWindow) {
  EXPECT_EQ(scored_offsets(kText, Score::second_half), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(scored_offsets(kText, Score::all), (std::vector<std::size_t>{0, 4}));
}

TEST(ScoringConsumer, ScoresEachPositionAgainstTheNextTokenOfTheText) {
  const ThreeRows own(8);
  for (std::size_t threads : {1U, 3U}) {
    ScoringConsumer consumer(kText, Score::all, &own, 3, threads);
    for (std::size_t w = 0; w < 2; ++w) consumer.on_logits(w, 0, 4, own.row(4 * w).data());
    ASSERT_EQ(consumer.num_rows(), 8U);
    for (std::size_t i = 0; i < 8; ++i) {
      const auto next = static_cast<std::size_t>(kText.tokens[i + 1]);
      EXPECT_EQ(consumer.scores().losses[i], token_loss(own.row(i), own.summary(i), next)) << i;
      EXPECT_EQ(consumer.scores().kl[i], 0.0);
      EXPECT_EQ(consumer.scores().top1_agrees[i], 1);
    }
  }
}

TEST(ScoringConsumer, SeesWhereTheTopTokenChanges) {
  const ThreeRows own(8);
  ScoringConsumer consumer(kText, Score::all, &own, 3, 1);
  const float flipped[] = {0.0F, 0.0F, 9.0F};
  consumer.on_logits(0, 2, 1, flipped);
  EXPECT_EQ(consumer.scores().top1_agrees[2], 0);
  EXPECT_GT(consumer.scores().kl[2], 0.5);
}

TEST(ScoringConsumer, LeavesOutWhatIsNotScoredAndComparesNothingWithoutOwnLogits) {
  ScoringConsumer consumer(kText, Score::second_half, nullptr, 3, 1);
  const std::vector<float> rows(12, 0.0F);
  consumer.on_logits(1, 0, 4, rows.data());
  EXPECT_EQ(consumer.num_rows(), 1U);
  EXPECT_TRUE(consumer.scores().kl.empty());
  EXPECT_NEAR(consumer.scores().losses[1], std::log(3.0), 1e-7);
  EXPECT_GE(consumer.seconds(), 0.0);
}

}  // namespace
}  // namespace bhroute::evaluation
