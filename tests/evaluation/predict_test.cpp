#include "bhroute/evaluation/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/evaluation/calibrate.h"
#include "bhroute/evaluation/evaluate.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationTable;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// All rows of a text fit into the reservoir.
std::shared_ptr<const CalibrationTable> table_of(FakeModel& model, const WindowedText& text) {
  calibration::CalibrationOptions options;
  options.reservoir_rows = 1000;
  NoProgress quiet;
  auto tables = calibrate(model, text, {options}, {}, quiet).value();
  return std::make_shared<const CalibrationTable>(std::move(tables.front()));
}

std::unique_ptr<routing::Policy> policy_of(const char* text, const FakeModel& model,
                                           std::shared_ptr<const CalibrationTable> table) {
  return routing::make_policy(routing::parse_policy(text).value(), model.description().facts(),
                              std::move(table))
      .value();
}

TEST(Predict, EqualsWhatIsMeasuredAtTheFirstLayerOfTheSameText) {
  FakeModel model;
  const auto text = fake_windows(6);
  const auto table = table_of(model, text);
  const auto policy = policy_of("bh:alpha=0.4,min_k=1,max_k=4", model, table);
  const auto predicted = predict(table->samples, *policy).value();
  ASSERT_TRUE(model.set_expert_slots(4));
  NoProgress quiet;
  const auto measured = evaluate(model, text, policy.get(), nullptr, {}, quiet).value();
  const auto& first = predicted.layers.at(0);
  EXPECT_EQ(first.experts.histogram, measured.layers.at(0).experts.histogram);
  EXPECT_GT(first.experts.sd(), 0.0);
  EXPECT_DOUBLE_EQ(first.floor_share, measured.layers.at(0).experts.share_at(1));
  EXPECT_DOUBLE_EQ(first.ceiling_share, measured.layers.at(0).experts.share_at(4));
}

TEST(Predict, CountsEachLayerByItsOwnBounds) {
  FakeModel model;
  const auto table = table_of(model, fake_windows(2));
  const auto policy = policy_of("min_p:m=0,min_k=1,max_k=4,layers.3.max_k=2", model, nullptr);
  const auto predicted = predict(table->samples, *policy).value();
  EXPECT_DOUBLE_EQ(predicted.layers.at(3).experts.mean(), 2.0);
  EXPECT_DOUBLE_EQ(predicted.layers.at(1).ceiling_share, 1.0);
  EXPECT_DOUBLE_EQ(predicted.layers.at(3).ceiling_share, 1.0);
  EXPECT_NEAR(predicted.mean_experts, 10.0 / 3.0, 1e-12);
}

TEST(Predict, WithoutRowsItSaysHowToGetThem) {
  FakeModel model;
  const auto nothing = predict({}, *policy_of("top_k:k=2", model, nullptr));
  ASSERT_FALSE(nothing);
  EXPECT_THAT(to_string(nothing.error()), HasSubstr("--reservoir"));
}

TEST(Predict, GroupsWhatCannotBeToldApart) {
  FakeModel model;
  const auto table = table_of(model, fake_windows(2));
  std::vector<PredictedRun> runs;
  for (const char* text : {"top_k:k=2", "min_p:m=0.9,min_k=1,max_k=3", "top_k:k=3",
                           "top_k:k=2,weights=mass", "min_p:m=0,min_k=1,max_k=3"}) {
    const auto policy = policy_of(text, model, nullptr);
    runs.push_back({text, policy->spec(), predict(table->samples, *policy).value()});
  }
  const auto groups = indistinguishable(runs);
  EXPECT_THAT(groups, ElementsAre(ElementsAre(2, 4)));
}

}  // namespace
}  // namespace bhroute::evaluation
