#include "../../src/routing/layer_specs.h"

#include <gtest/gtest.h>

namespace bhroute::routing {
namespace {

TEST(LayerSpecs, ResolvesOverrides) {
  PolicySpec spec{.max_k = 6};
  spec.layers[2]["alpha"] = 0.25;
  const LayerSpecs specs(spec);
  EXPECT_EQ(**specs.of(2), (PolicySpec{.alpha = 0.25, .max_k = 6}));
  EXPECT_EQ(**specs.of(3), (PolicySpec{.max_k = 6}));
  EXPECT_EQ(specs.whole(), spec);
}

TEST(LayerSpecs, ALayerBeyondTheListIsAnError) {
  const LayerSpecs specs({.rule = Rule::top_k_per_layer, .ks = {3, 9}});
  EXPECT_EQ(**specs.of(1), (PolicySpec{.rule = Rule::top_k, .k = 9}));
  EXPECT_EQ(to_string(specs.of(2).error()),
            "top_k_per_layer.ks: no count for a layer, got layer 2, want layers 0 to 1");
}

}  // namespace
}  // namespace bhroute::routing
