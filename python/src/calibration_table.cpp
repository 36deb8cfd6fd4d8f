#include "bhroute/calibration/calibration_table.h"

#include <fmt/format.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "bhroute/calibration/calibration_file.h"
#include "bhroute/calibration/critical_logits.h"
#include "bhroute/calibration/kde_pickles.h"
#include "bhroute/calibration/open_table.h"
#include "bhroute/core/version.h"
#include "bind.h"
#include "errors.h"
#include "tables.h"

namespace bhroute::python {
namespace {

using calibration::CalibrationTable;
using calibration::NullDistribution;
using Critical = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

const calibration::LayerNull& layer_of(const Table& table, int layer) {
  const auto* null = table.table->layer(layer);
  if (null == nullptr)
    throw nb::value_error(fmt::format("table: has no such layer, got {}, want one of its {}", layer,
                                      table.table->layers.size())
                              .c_str());
  return *null;
}

Null null_of(const Table& table, int layer, std::size_t expert) {
  const auto& null = layer_of(table, layer);
  if (null.groups.size() > 1 && expert >= null.groups.size())
    throw nb::value_error(
        fmt::format("expert: out of range, got {}, want below {}", expert, null.groups.size())
            .c_str());
  return {table.table, &null.of_expert(expert)};
}

void check_num_experts(const Table& table, const calibration::LayerNull& null,
                       std::size_t num_experts) {
  const std::size_t want =
      null.groups.size() > 1 ? null.groups.size() : table.table->metadata.num_experts;
  if (want != 0 && num_experts != want)
    throw nb::value_error(
        fmt::format("logits: wrong number of experts, got {}, want {}", num_experts, want).c_str());
}

Output<double> p_values(const Table& table, const AnyArray& logits, int layer) {
  const auto [view, leading] = read_logits(logits);
  const auto& null = layer_of(table, layer);
  check_num_experts(table, null, view.num_experts);
  std::vector<double> values(view.num_tokens * view.num_experts);
  {
    nb::gil_scoped_release free;
    std::vector<float> statistic(view.num_experts);
    for (std::size_t t = 0; t < view.num_tokens; ++t) {
      compute_statistic(table.table->metadata.statistic, view.token(t), statistic);
      for (std::size_t e = 0; e < view.num_experts; ++e)
        values[t * view.num_experts + e] = null.of_expert(e).p_value(statistic[e]);
    }
  }
  return hand_over(std::move(values), with_last(leading, view.num_experts));
}

Output<float> critical_logits(const Table& table, int layer, const Critical& critical_values) {
  const auto& null = layer_of(table, layer);
  return hand_over(
      calibration::critical_logits(null, std::span(critical_values.data(), critical_values.size())),
      {null.groups.size(), critical_values.size()});
}

nb::dict metadata(const Table& table) {
  const auto& m = table.table->metadata;
  nb::dict d;
  d["model_name"] = m.model_name;
  d["model_sha256"] = m.model_sha256;
  d["text_sha256"] = m.text_sha256;
  d["created_by"] = m.created_by;
  d["command"] = m.command;
  d["num_layers"] = m.num_layers;
  d["num_experts"] = m.num_experts;
  d["top_k"] = m.top_k;
  d["num_tokens"] = m.num_tokens;
  d["statistic"] = std::string(to_string(m.statistic));
  d["null"] = to_string(m.null);
  d["pooling"] = std::string(to_string(m.pooling));
  d["form"] = std::string(to_string(m.form));
  d["resolution"] = std::string(to_string(m.resolution));
  d["smoothing_kernel"] = m.smoothing_kernel;
  d["bandwidth"] = m.bandwidth;
  d["reservoir_rows"] = m.reservoir_rows;
  d["reservoir_seed"] = m.reservoir_seed;
  return d;
}

std::vector<int> layers(const Table& table) {
  std::vector<int> indices;
  for (const auto& [index, null] : table.table->layers) indices.push_back(index);
  return indices;
}

Output<double> null_p_values(const Null& self,
                             nb::ndarray<const float, nb::c_contig, nb::device::cpu> values) {
  std::vector<double> p(values.size());
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = self.null->p_value(values.data()[i]);
  Shape shape;
  for (std::size_t d = 0; d < values.ndim(); ++d) shape.push_back(values.shape(d));
  return hand_over(std::move(p), shape);
}

template <class T>
Output<T> copied(std::span<const T> values) {
  return hand_over(std::vector<T>(values.begin(), values.end()), {values.size()});
}

using Grid = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::vector<double> values_of(const Grid& grid) { return {grid.data(), grid.data() + grid.size()}; }

/// As a table of the original system's files, which say as little of where they come from.
Table from_grids(const std::map<int, std::pair<Grid, Grid>>& grids) {
  CalibrationTable table;
  table.metadata.created_by = fmt::format("bhroute {}", version());
  table.metadata.num_layers = grids.size();
  table.metadata.form = stats::PValueForm::gridded;
  table.metadata.smoothing_kernel = "unknown";
  for (const auto& [layer, grid] : grids) {
    auto cdf = stats::GriddedCdf::create(values_of(grid.first), values_of(grid.second),
                                         fmt::format("layer {}", layer));
    table.layers[layer].groups.push_back(
        NullDistribution::from_grid(value_or_raise(std::move(cdf))));
  }
  return {std::make_shared<const CalibrationTable>(std::move(table))};
}

void bind_null(nb::module_& m) {
  nb::class_<Null>(
      m, "Null",
      "The null distribution of one layer, or of one expert of it: counts, a grid, or both.")
      .def("p_values", &null_p_values, nb::arg("values"),
           "Right-tail p-values, float64, of values of the statistic (float32).")
      .def_prop_ro(
          "values",
          [](const Null& n) -> std::optional<Output<float>> {
            if (!n.null->counts()) return {};
            return copied(n.null->counts()->values());
          },
          nb::rv_policy::move, "Distinct calibration values, rising, or None")
      .def_prop_ro(
          "counts",
          [](const Null& n) -> std::optional<Output<std::uint64_t>> {
            if (!n.null->counts()) return {};
            auto counts = n.null->counts()->counts();
            const std::size_t size = counts.size();
            return hand_over(std::move(counts), {size});
          },
          nb::rv_policy::move, "How often each came, or None")
      .def_prop_ro(
          "x",
          [](const Null& n) -> std::optional<Output<double>> {
            if (!n.null->grid()) return {};
            return copied(n.null->grid()->x());
          },
          nb::rv_policy::move, "The grid of the CDF, or None")
      .def_prop_ro(
          "cdf",
          [](const Null& n) -> std::optional<Output<double>> {
            if (!n.null->grid()) return {};
            return copied(n.null->grid()->values());
          },
          nb::rv_policy::move, "The CDF on that grid, or None");
}

void bind_origins(nb::class_<Table>& table) {
  table
      .def_static(
          "load",
          [](const std::filesystem::path& path) {
            return Table{value_or_raise(calibration::open_table(path))};
          },
          nb::arg("path"),
          "Opens a .safetensors table or a folder of the original system's pickles; nothing in "
          "those is executed.")
      .def_static("from_grids", &from_grids, nb::arg("grids"),
                  nb::sig("def from_grids(grids: typing.Mapping[int, tuple[numpy.typing.ArrayLike, "
                          "numpy.typing.ArrayLike]]) -> Table"),
                  "A table of {layer: (x, cdf)}, float64 arrays of one length: x strictly rising, "
                  "cdf within [0, 1] and not falling.")
      .def_static(
          "import_kde",
          [](const std::filesystem::path& folder, const std::vector<int>& expected) {
            return Table{std::make_shared<const CalibrationTable>(
                value_or_raise(calibration::import_kde(folder, expected)))};
          },
          nb::arg("folder"), nb::arg("expected_layers") = std::vector<int>{},
          "Reads distribution_model_layer_<i>.pkl.")
      .def_static(
          "find_kde",
          [](const std::vector<int>& expected) -> std::optional<Table> {
            auto found = value_or_raise(calibration::find_kde_table(expected));
            if (found == nullptr) return {};
            return Table{std::move(found)};
          },
          nb::arg("expected_layers") = std::vector<int>{},
          "The pickles in $BHROUTE_KDE_DIR, ./kde_models/models or ../kde_models/models; None, "
          "with a warning, where there are none.")
      .def(
          "merge",
          [](const Table& a, const Table& b) {
            return Table{std::make_shared<const CalibrationTable>(
                value_or_raise(calibration::merge(*a.table, *b.table)))};
          },
          nb::arg("other"), "The table of both calibration sets together.");
}

void bind_writers(nb::class_<Table>& table) {
  table
      .def(
          "save",
          [](const Table& t, const std::filesystem::path& path) {
            value_or_raise(calibration::write_table(path, *t.table));
          },
          nb::arg("path"), "Writes the .safetensors file, whole or not at all.")
      .def(
          "export_kde",
          [](const Table& t, const std::filesystem::path& folder) {
            value_or_raise(calibration::export_kde(*t.table, folder));
          },
          nb::arg("folder"), "Writes one pickle a layer, as the original system reads them.");
}

void bind_contents(nb::class_<Table>& table) {
  table
      .def_prop_ro("metadata", &metadata, nb::sig("def metadata(self) -> dict[str, typing.Any]"),
                   "What the table was made from.")
      .def_prop_ro("layers", &layers, "The indices of its layers.")
      .def("null", &null_of, nb::arg("layer"), nb::arg("expert") = 0,
           "The null distribution of a layer (of an expert of it).")
      .def("p_values", &p_values, nb::arg("logits"), nb::arg("layer"),
           "Reference p-values, float64, of router logits float32 [tokens, experts] or [batch, "
           "seq, experts].")
      .def("critical_logits", &critical_logits, nb::arg("layer"), nb::arg("critical_values"),
           "float32 [1 or experts, len(critical_values)]: the smallest float that passes each "
           "rank, NaN where none does.");
}

}  // namespace

void bind_calibration_table(nb::module_& m) {
  bind_null(m);
  nb::class_<Table> table(
      m, "Table",
      "The null distributions of a model's layers, with what they were made from. Immutable.");
  bind_origins(table);
  bind_writers(table);
  bind_contents(table);
}

}  // namespace bhroute::python
