#include "../../src/routing/compiled_layer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bhroute/stats/benjamini_hochberg.h"
#include "bhroute/stats/clamp.h"
#include "routing/synthetic_tables.h"

namespace bhroute::routing {
namespace {

using testing::NullShape;

/// Every rank of every group decides as its p-value does, at the critical logit itself and one
/// float below.
void expect_exact(const calibration::CalibrationTable& table, double alpha, bool clamp) {
  const auto& null = *table.layer(0);
  const std::size_t n = table.metadata.num_experts;
  const auto critical_values = stats::bh_critical_values(n, alpha);
  const auto layer = compile_layer(null, {stats::Direction::up, critical_values}, clamp);
  ASSERT_EQ(layer.critical_logits.size(), null.groups.size() * n);
  for (std::size_t i = 0; i < layer.critical_logits.size(); ++i) {
    const auto passes = [&](float z) {
      const double p = null.groups[i / n].p_value(z);
      return (clamp ? stats::clamp_p_value(p) : p) <= critical_values[i % n];
    };
    const float z = layer.critical_logits[i];
    if (std::isnan(z)) {
      EXPECT_FALSE(passes(std::numeric_limits<float>::infinity())) << i;
      continue;
    }
    EXPECT_TRUE(passes(z)) << i;
    const float below = std::nextafter(z, -std::numeric_limits<float>::infinity());
    EXPECT_TRUE(below == z || !passes(below)) << i;
  }
}

TEST(CompiledLayer, DecidesAsThePValueDoes) {
  for (NullShape shape : {NullShape::conformal, NullShape::gridded, NullShape::per_expert})
    for (double alpha : {0.01, 0.3, 0.999})
      expect_exact(*testing::make_table(shape, 16), alpha, false);
}

TEST(CompiledLayer, DecidesAsTheClampedPValueDoes) {
  for (double alpha : {1e-7, 1e-6, 0.05, 1.0 - 1e-9})  // 1e-7: even c_N is below the clamp
    for (NullShape shape : {NullShape::gridded, NullShape::per_expert})
      expect_exact(*testing::make_table(shape, 16), alpha, true);
}

TEST(CompiledLayer, ClampMatters) {
  const auto table = testing::make_table(NullShape::gridded, 16);
  const stats::StepTest test = stats::step_test(stats::BenjaminiHochberg{1e-7}, 16);
  EXPECT_TRUE(std::isnan(compile_layer(*table->layer(0), test, true).critical_logits.back()));
  EXPECT_FALSE(std::isnan(compile_layer(*table->layer(0), test, false).critical_logits.front()));
}

}  // namespace
}  // namespace bhroute::routing
