#include "bhroute/routing/layer_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "bhroute/calibration/calibrator.h"

namespace bhroute::routing {
namespace {

using ::testing::HasSubstr;
constexpr RouterFacts kFacts{.num_experts = 16, .top_k = 4};

std::vector<float> logits(std::size_t num_tokens) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(num_tokens * 16);
  for (float& value : values) value = normal(random);
  return values;
}

std::shared_ptr<const calibration::CalibrationTable> table(calibration::Pooling pooling) {
  auto calibrator = calibration::Calibrator::create({.pooling = pooling}, 16, 4).value();
  const auto rows = logits(400);
  EXPECT_TRUE(calibrator.add(2, {rows.data(), 400, 16, 16}));
  return std::make_shared<const calibration::CalibrationTable>(calibrator.finish({}).value());
}

LayerProgram program(std::string_view policy, int layer = 2) {
  return layer_program(parse_policy(policy).value(), kFacts, table(calibration::Pooling::pooled),
                       layer)
      .value();
}

std::string refusal(std::string_view policy, int layer = 2) {
  const auto made = layer_program(parse_policy(policy).value(), kFacts,
                                  table(calibration::Pooling::pooled), layer);
  return made ? "" : to_string(made.error());
}

TEST(LayerProgram, RoutesAsThePolicyDoes) {
  const auto rows = logits(50);
  for (const char* text :
       {"bh:alpha=0.5,max_k=6", "holm:alpha=0.9,min_k=2,max_k=9,weights=mass", "top_k:k=3"}) {
    const auto policy =
        make_policy(parse_policy(text).value(), kFacts, table(calibration::Pooling::pooled))
            .value();
    RoutingDecision want;
    ASSERT_TRUE(policy->route({rows.data(), 50, 16, 16}, 2, {}, want));
    const LayerProgram p = program(text);
    std::vector<std::int32_t> ids(50 * p.max_k), num(50);
    std::vector<float> weights(ids.size());
    const kernels::RouteInputs in{rows.data(),   nullptr,        50,         16, 16,
                                  p.temperature, p.weight_scale, p.own_top_k};
    const kernels::RouteOutputs out{ids.data(), weights.data(), num.data()};
    if (p.rule == LayerRule::top_k) kernels::route_top_k(in, p.max_k, out);
    if (p.rule == LayerRule::step_up)
      kernels::route_step_up(in, p.critical_logits.data(), p.min_k, p.max_k, out);
    if (p.rule == LayerRule::step_down)
      kernels::route_step_down(in, p.critical_logits.data(), p.min_k, p.max_k, out);
    EXPECT_EQ(ids, want.expert_ids) << text;
    EXPECT_EQ(weights, want.routing_weights) << text;
  }
}

TEST(LayerProgram, PerExpertNullsHaveARowEach) {
  const auto made = layer_program(parse_policy("bh:alpha=0.5").value(), kFacts,
                                  table(calibration::Pooling::per_expert), 2);
  EXPECT_EQ(made->groups, 16u);
  EXPECT_EQ(made->critical_logits.size(), 256u);
  EXPECT_GT(made->expert_nulls.size(), 2u + 3u * 16u);
  EXPECT_TRUE(program("bh:alpha=0.5").expert_nulls.empty());
}

TEST(LayerProgram, ALayersOwnParametersCount) {
  EXPECT_EQ(program("bh:alpha=0.5,max_k=8,layers.2.max_k=5").max_k, 5u);
  EXPECT_EQ(max_k_of_layer(parse_policy("top_k_per_layer:ks=1/2/3").value(), 2).value(), 3u);
}

TEST(LayerProgram, RefusesWhatHasNone) {
  EXPECT_THAT(refusal("storey:alpha=0.2"), HasSubstr("got storey"));
  EXPECT_THAT(refusal("ser:t=0.2"), HasSubstr("got ser"));
  EXPECT_THAT(refusal("bh:alpha=0.5", 7), HasSubstr("layer 7"));
  EXPECT_FALSE(max_k_of_layer(parse_policy("top_k_per_layer:ks=1/2/3").value(), 3));
}

}  // namespace
}  // namespace bhroute::routing
