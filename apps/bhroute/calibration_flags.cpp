#include "calibration_flags.h"

#include <fmt/format.h>

#include "number_flags.h"

namespace bhroute::cli {
namespace {

using calibration::CalibrationOptions;

// The library's parsers know the word, not the flag that brought it.
template <class T>
Result<void> assign(T& target, const char* flag, Result<T> parsed) {
  if (parsed) {
    target = *std::move(parsed);
    return {};
  }
  parsed.error().where = flag;
  return tl::make_unexpected(parsed.error());
}

Result<void> read_smoothing(const CalibrationFlags& flags, CalibrationOptions& options) {
  if (flags.smoothing_kernel == "none") {
    if (!flags.bandwidth.empty())
      return invalid_input("--bandwidth", "has no use without --smoothing-kernel");
    if (flags.grid_size != 0)
      return invalid_input("--grid", "has no use without --smoothing-kernel");
    return {};
  }
  if (flags.form == "conformal")
    return invalid_input("--form", "a smoothed table has no conformal p-values", "conformal",
                         "gridded");
  stats::KdeOptions kde;
  if (flags.grid_size == 1) return invalid_input("--grid", "too few points", "1", "at least 2");
  if (flags.grid_size != 0) kde.grid_size = flags.grid_size;
  auto ok = assign(kde.kernel, "--smoothing-kernel",
                   stats::parse_smoothing_kernel(flags.smoothing_kernel));
  if (ok && !flags.bandwidth.empty())
    ok = assign(kde.bandwidth, "--bandwidth", stats::parse_bandwidth(flags.bandwidth));
  if (ok) options.smoothing = kde;
  return ok;
}

Result<CalibrationOptions> common_options(const CalibrationFlags& flags) {
  CalibrationOptions options;
  options.pooling =
      flags.per_expert ? calibration::Pooling::per_expert : calibration::Pooling::pooled;
  options.reservoir_rows = flags.reservoir;
  options.reservoir_seed = flags.seed;
  auto ok = assign(options.statistic, "--statistic", calibration::parse_statistic(flags.statistic));
  if (ok && !flags.form.empty())
    ok = assign(options.form, "--form", stats::parse_p_value_form(flags.form));
  if (ok)
    ok =
        assign(options.resolution, "--resolution", calibration::parse_resolution(flags.resolution));
  if (ok) ok = read_smoothing(flags, options);
  if (!ok) return tl::make_unexpected(ok.error());
  if (options.smoothing) options.form = stats::PValueForm::gridded;
  return options;
}

}  // namespace

void add_calibration_flags(CLI::App& app, CalibrationFlags& flags) {
  const char* group = "Null distribution";
  app.add_option("--null", flags.nulls,
                 "all (default), unselected or trimmed:N; repeatable, one -o each")
      ->allow_extra_args(false)
      ->type_name("NULL")
      ->group(group);
  app.add_flag("--per-expert", flags.per_expert,
               "One distribution an expert instead of one a layer")
      ->group(group);
  app.add_option("--statistic", flags.statistic, "logit, log_prob or standardized")
      ->capture_default_str()
      ->type_name("STATISTIC")
      ->group(group);
  app.add_option("--form", flags.form,
                 "conformal: (1 + count)/(n + 1), never 0 (default); gridded: 1 - F")
      ->type_name("FORM")
      ->group(group);
  app.add_option("--resolution", flags.resolution,
                 "What logits are counted as: float32, bf16 or f16")
      ->capture_default_str()
      ->type_name("TYPE")
      ->group(group);
  app.add_option("--smoothing-kernel", flags.smoothing_kernel,
                 "none, gaussian, epanechnikov, tophat or linear")
      ->capture_default_str()
      ->type_name("KERNEL")
      ->group(group);
  app.add_option("--bandwidth", flags.bandwidth, "scott (default), silverman or a number")
      ->type_name("H")
      ->group(group);
  add_count(app, "--grid", flags.grid_size, "Points of a smoothed table (default 10000)")
      ->type_name("N")
      ->group(group);
  add_count(app, "--reservoir", flags.reservoir,
            "Whole rows of logits kept a layer, a fair sample for `predict`, `check` and `tune`:\n"
            "4 bytes x experts x layers x N (8 MiB at 64 experts, 16 layers); 0 = none")
      ->capture_default_str()
      ->type_name("N")
      ->group(group);
  add_count(app, "--seed", flags.seed, "Of that sample")
      ->capture_default_str()
      ->type_name("N")
      ->group(group);
}

Result<std::vector<CalibrationOptions>> calibration_options(const CalibrationFlags& flags) {
  const auto common = common_options(flags);
  if (!common) return tl::make_unexpected(common.error());
  const std::vector<std::string> nulls =
      flags.nulls.empty() ? std::vector<std::string>{"all"} : flags.nulls;
  std::vector<CalibrationOptions> options(nulls.size(), *common);
  for (std::size_t i = 0; i < nulls.size(); ++i)
    if (auto ok = assign(options[i].null, "--null", calibration::parse_null(nulls[i])); !ok)
      return tl::make_unexpected(ok.error());
  return options;
}

}  // namespace bhroute::cli
