#include "bhroute/evaluation/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationOptions;
using calibration::NullKind;
using ::testing::HasSubstr;

// Every logit of one layer, as the model shows them.
class LayerLogits final : public RouterObserver {
 public:
  explicit LayerLogits(int layer) : layer_(layer) {}
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    EXPECT_EQ(decision, nullptr);
    if (layer != layer_) return;
    for (std::size_t t = 0; t < logits.num_tokens; ++t)
      values.insert(values.end(), logits.token(t).begin(), logits.token(t).end());
  }
  std::vector<float> values;

 private:
  int layer_;
};

CalibrationOptions null_of(NullKind kind) {
  CalibrationOptions options;
  options.null.kind = kind;
  return options;
}

TEST(Calibrate, CountsEveryPositionOfEveryLayerInOnePass) {
  FakeModel model;
  NoProgress quiet;
  const WindowedText text = fake_windows(3);
  calibration::TableMetadata metadata;
  metadata.text_sha256 = "text";
  const auto tables = calibrate(
      model, text, {null_of(NullKind::all), null_of(NullKind::unselected)}, metadata, quiet);
  ASSERT_TRUE(tables) << to_string(tables.error());
  EXPECT_EQ(model.num_decodes, 2U);
  ASSERT_EQ(tables->size(), 2U);
  for (int layer : {0, 1, 3}) {
    EXPECT_EQ((*tables)[0].layer(layer)->groups[0].counts()->size(), 48U * 8U);
    EXPECT_EQ((*tables)[1].layer(layer)->groups[0].counts()->size(), 48U * 6U);
  }
  const auto& made = (*tables)[1].metadata;
  EXPECT_EQ(made.text_sha256, "text");
  EXPECT_EQ(made.model_name, "fake");
  EXPECT_EQ(made.model_sha256, model.description().sha256);
  EXPECT_EQ(made.num_layers, 3U);
  EXPECT_EQ(made.num_experts, 8U);
  EXPECT_EQ(made.top_k, 2U);
  EXPECT_EQ(made.num_tokens, 48U);
  EXPECT_EQ(made.null.kind, NullKind::unselected);
}

TEST(Calibrate, PValuesAreThoseOfTheLogitsSeen) {
  FakeModel model;
  NoProgress quiet;
  const WindowedText text = fake_windows(2);
  LayerLogits seen(1);
  model.set_observer(&seen);
  const std::span<const Token> windows[] = {text.at(0), text.at(1)};
  ASSERT_TRUE(model.decode(windows, 0, nullptr));
  const auto tables = calibrate(model, text, {null_of(NullKind::all)}, {}, quiet);
  ASSERT_TRUE(tables);
  const auto& null = tables->front().layer(1)->groups[0];
  for (float z : {-1.0F, 0.0F, 0.5F, 2.0F}) {
    double at_least = 0.0;
    for (float value : seen.values) at_least += value >= z ? 1.0 : 0.0;
    const double exact = (1.0 + at_least) / (1.0 + static_cast<double>(seen.values.size()));
    EXPECT_GE(null.p_value(z), exact);  // logits are counted at the next multiple of 2^-12
    EXPECT_LT(null.p_value(z), exact + 0.01);
  }
}

TEST(Calibrate, AModelWithoutExpertsIsNamed) {
  FakeModel model;
  NoProgress quiet;
  model.mutable_description().moe_layers.clear();
  model.mutable_description().architecture = "llama";
  const auto tables = calibrate(model, fake_windows(1), {null_of(NullKind::all)}, {}, quiet);
  ASSERT_FALSE(tables);
  EXPECT_THAT(to_string(tables.error()), HasSubstr("fake.gguf: not a mixture of experts"));
  EXPECT_EQ(model.num_decodes, 0U);
}

TEST(Calibrate, ErrorsComeThrough) {
  NoProgress quiet;
  FakeModel fails({.fail_at_decode = 0});
  EXPECT_EQ(
      to_string(calibrate(fails, fake_windows(1), {null_of(NullKind::all)}, {}, quiet).error()),
      "fake: decode failed");
  EXPECT_EQ(fails.observer(), nullptr);
  FakeModel model;
  auto trimmed = null_of(NullKind::trimmed);
  trimmed.null.num_trimmed = 8;
  EXPECT_FALSE(calibrate(model, fake_windows(1), {trimmed}, {}, quiet));
  model.mutable_description().num_experts = 9;  // what the engine shows is not what the file says
  EXPECT_FALSE(calibrate(model, fake_windows(1), {null_of(NullKind::all)}, {}, quiet));
}

}  // namespace
}  // namespace bhroute::evaluation
