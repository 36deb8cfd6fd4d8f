// The reader of calibration tables (safetensors), and the p-values of what it accepts.

#include <cmath>
#include <limits>

#include "bhroute/calibration/calibration_file.h"
#include "fuzz/finding.h"
#include "fuzz/target.h"

namespace bhroute::fuzz {
namespace {

void check_p_values(const calibration::NullDistribution& null) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  double before = 1.0;
  for (float z : {-infinity, -1e30f, -1.0f, 0.0f, 1.0f, 1e30f, infinity}) {
    const double p = null.p_value(z);
    require(p >= 0.0 && p <= 1.0, "a p-value outside [0, 1]");
    require(p <= before, "a p-value that rises with the logit");
    before = p;
  }
  require(std::isnan(null.p_value(std::numeric_limits<float>::quiet_NaN())), "NaN with a p-value");
}

}  // namespace

bool accepts(std::string_view bytes) {
  const auto table = calibration::parse_table(bytes, "fuzz.safetensors");
  if (!table) return false;
  for (const auto& [index, layer] : table->layers)
    for (const auto& group : layer.groups) check_p_values(group);
  return true;
}

}  // namespace bhroute::fuzz
