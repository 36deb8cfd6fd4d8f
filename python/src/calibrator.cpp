#include "bhroute/calibration/calibrator.h"

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/variant.h>

#include "arrays.h"
#include "bhroute/core/version.h"
#include "bind.h"
#include "errors.h"
#include "tables.h"

namespace bhroute::python {
namespace {

using calibration::Calibrator;
using BandwidthArgument = std::variant<double, std::string>;

std::optional<stats::KdeOptions> smoothing_options(const std::optional<std::string>& kernel,
                                                   const BandwidthArgument& bandwidth,
                                                   std::size_t grid_size) {
  if (!kernel) return {};
  stats::KdeOptions options;
  options.kernel = value_or_raise(stats::parse_smoothing_kernel(*kernel));
  if (const double* number = std::get_if<double>(&bandwidth))
    options.bandwidth = *number;
  else
    options.bandwidth = value_or_raise(stats::parse_bandwidth(std::get<std::string>(bandwidth)));
  options.grid_size = grid_size;
  return options;
}

void create(Calibrator* self, std::size_t num_experts, std::size_t top_k, std::string_view null,
            std::string_view pooling, std::string_view statistic, std::string_view form,
            std::string_view resolution, const std::optional<std::string>& smoothing,
            const BandwidthArgument& bandwidth, std::size_t grid_size, std::size_t reservoir_rows,
            std::uint64_t reservoir_seed) {
  calibration::CalibrationOptions options;
  options.null = value_or_raise(calibration::parse_null(null));
  options.pooling = value_or_raise(calibration::parse_pooling(pooling));
  options.statistic = value_or_raise(calibration::parse_statistic(statistic));
  options.form = value_or_raise(stats::parse_p_value_form(form));
  options.resolution = value_or_raise(calibration::parse_resolution(resolution));
  options.smoothing = smoothing_options(smoothing, bandwidth, grid_size);
  options.reservoir_rows = reservoir_rows;
  options.reservoir_seed = reservoir_seed;
  new (self) Calibrator(value_or_raise(Calibrator::create(std::move(options), num_experts, top_k)));
}

void add(Calibrator& self, int layer, const AnyArray& logits) {
  const LogitsArgument argument = read_logits(logits);
  Result<void> done;
  {
    nb::gil_scoped_release free;
    done = self.add(layer, argument.view);
  }
  value_or_raise(std::move(done));
}

Table finish(const Calibrator& self, std::string model_name, std::string model_sha256,
             std::string text_sha256, std::string command, std::size_t num_layers) {
  calibration::TableMetadata metadata;
  metadata.model_name = std::move(model_name);
  metadata.model_sha256 = std::move(model_sha256);
  metadata.text_sha256 = std::move(text_sha256);
  metadata.command = std::move(command);
  metadata.num_layers = num_layers;
  metadata.created_by = fmt::format("bhroute {}", version());
  return {std::make_shared<const calibration::CalibrationTable>(
      value_or_raise(self.finish(std::move(metadata))))};
}

Output<float> statistic_of(std::string_view name, const AnyArray& logits) {
  const auto statistic = value_or_raise(calibration::parse_statistic(name));
  const auto [view, leading] = read_logits(logits);
  std::vector<float> out(view.num_tokens * view.num_experts);
  for (std::size_t t = 0; t < view.num_tokens; ++t)
    calibration::compute_statistic(statistic, view.token(t),
                                   std::span(out).subspan(t * view.num_experts, view.num_experts));
  return hand_over(std::move(out), with_last(leading, view.num_experts));
}

}  // namespace

void bind_calibrator(nb::module_& m) {
  nb::class_<Calibrator>(m, "Calibrator",
                         "Counts router logits, layer by layer, and makes the table: the same "
                         "bytes as `bhroute calibrate`.")
      .def("__init__", &create, nb::arg("num_experts"), nb::arg("top_k"), nb::kw_only(),
           nb::arg("null") = "all", nb::arg("pooling") = "pooled", nb::arg("statistic") = "logit",
           nb::arg("form") = "conformal", nb::arg("resolution") = "float32",
           nb::arg("smoothing") = nb::none(), nb::arg("bandwidth") = BandwidthArgument("scott"),
           nb::arg("grid_size") = 10000, nb::arg("reservoir_rows") = 0,
           nb::arg("reservoir_seed") = 1,
           "top_k is the model's own. null: all, unselected, trimmed:N; pooling: pooled, "
           "per_expert; statistic: logit, "
           "log_prob, standardized; form: conformal, gridded; smoothing: None or a kernel's name, "
           "bandwidth: scott, silverman or a number.")
      .def("add", &add, nb::arg("layer"), nb::arg("logits"),
           "Counts float32 logits [tokens, experts] or [batch, seq, experts].")
      .def_prop_ro("num_tokens", &Calibrator::num_tokens, "Of the layer that saw the most.")
      .def("finish", &finish, nb::kw_only(), nb::arg("model_name") = "",
           nb::arg("model_sha256") = "", nb::arg("text_sha256") = "", nb::arg("command") = "",
           nb::arg("num_layers") = 0, "The table of what was counted so far.");
  m.def(
      "compute_statistic", &statistic_of, nb::arg("statistic"), nb::arg("logits"),
      "The number that is tested, float32, the shape of logits: logit, log_prob or standardized.");
}

}  // namespace bhroute::python
