#include "flat_nulls.h"

#include <limits>

#include "bhroute/kernels/expert_nulls.h"
#include "bhroute/stats/clamp.h"

namespace bhroute::routing {
namespace {

using calibration::NullDistribution;
using kernels::ExpertNullForm;

ExpertNullForm form_of(const NullDistribution& null) {
  if (null.grid()) return ExpertNullForm::grid;
  return null.form() == stats::PValueForm::conformal ? ExpertNullForm::below
                                                     : ExpertNullForm::up_to_it;
}

/// The p-values between knots, each asked of the null itself.
void append_counts(const NullDistribution& null, std::vector<double>& numbers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto values = null.counts()->values();
  const bool conformal = null.form() == stats::PValueForm::conformal;
  numbers.insert(numbers.end(), values.begin(), values.end());
  if (!conformal) numbers.push_back(null.p_value(-kInfinity));
  for (float value : values) numbers.push_back(null.p_value(value));
  if (conformal) numbers.push_back(null.p_value(kInfinity));
}

void append_grid(const stats::GriddedCdf& grid, std::vector<double>& numbers) {
  numbers.insert(numbers.end(), grid.x().begin(), grid.x().end());
  numbers.insert(numbers.end(), grid.values().begin(), grid.values().end());
}

}  // namespace

std::vector<double> flat_nulls(const calibration::LayerNull& layer, bool clamp) {
  std::vector<double> numbers{0.0, 1.0};
  if (clamp) numbers = {stats::clamp_p_value(0.0), stats::clamp_p_value(1.0)};
  numbers.resize(2 + 3 * layer.groups.size());
  for (std::size_t i = 0; i < layer.groups.size(); ++i) {
    const NullDistribution& null = layer.groups[i];
    double* head = &numbers[2 + 3 * i];
    head[0] = static_cast<double>(form_of(null));
    head[1] = static_cast<double>(numbers.size());
    head[2] =
        static_cast<double>(null.grid() ? null.grid()->x().size() : null.counts()->values().size());
    if (null.grid())
      append_grid(*null.grid(), numbers);
    else
      append_counts(null, numbers);
  }
  return numbers;
}

}  // namespace bhroute::routing
