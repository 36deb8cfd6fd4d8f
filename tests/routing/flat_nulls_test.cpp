#include "../../src/routing/flat_nulls.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "bhroute/kernels/expert_nulls.h"
#include "bhroute/stats/clamp.h"
#include "kernels/logit_shapes.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using calibration::LayerNull;
using calibration::NullDistribution;

/// Grids, conformal and gridded counts, in turn; the last grid's slope overflows.
LayerNull mixed_nulls() {
  std::mt19937 random(1);
  LayerNull layer;
  for (std::size_t i = 0; i < 12; ++i) {
    const float shift = 0.25f * static_cast<float>(i);
    const auto conformal = testing::conformal_null(10 + 100 * i, random, shift);
    if (i % 3 == 0) layer.groups.push_back(testing::gridded_null(2 + 50 * i, shift));
    if (i % 3 == 1) layer.groups.push_back(conformal);
    if (i % 3 == 2)
      layer.groups.push_back(
          NullDistribution::from_counts(*conformal.counts(), stats::PValueForm::gridded));
  }
  layer.groups.push_back(NullDistribution::from_grid(
      stats::GriddedCdf::create({-1.0, 0.0, 5e-324, 1.0}, {0.1, 0.2, 0.9, 0.9}).value()));
  return layer;
}

/// On every knot that is a float, beside it, and of every shape.
std::vector<float> probes(const NullDistribution& null) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values = testing::rows_of_every_shape(1, 200, 2);
  values.insert(values.end(), {kInfinity, -kInfinity, std::nanf(""), 0.0f, -0.0f, 1e-45f});
  const auto add = [&](float z) {
    values.insert(values.end(), {z, std::nextafter(z, kInfinity), std::nextafter(z, -kInfinity)});
  };
  if (null.grid())
    for (double x : null.grid()->x()) add(static_cast<float>(x));
  else
    for (float x : null.counts()->values()) add(x);
  return values;
}

void expect_equal_bits(bool clamp) {
  const LayerNull layer = mixed_nulls();
  const auto flat = flat_nulls(layer, clamp);
  for (std::size_t i = 0; i < layer.groups.size(); ++i) {
    for (float z : probes(layer.groups[i])) {
      double want = layer.groups[i].p_value(z);
      if (clamp) want = stats::clamp_p_value(want);
      const double got = kernels::expert_p_value(flat.data(), static_cast<int>(i), z);
      if (std::isnan(want))
        ASSERT_TRUE(std::isnan(got));
      else
        ASSERT_EQ(std::bit_cast<std::uint64_t>(got), std::bit_cast<std::uint64_t>(want))
            << "null " << i << " z " << z << ": got " << got << ", want " << want;
    }
  }
}

TEST(FlatNulls, GiveTheBitsOfTheNullsThemselves) { expect_equal_bits(false); }

TEST(FlatNulls, GiveTheClampedBits) { expect_equal_bits(true); }

}  // namespace
}  // namespace bhroute::routing
