#include "table_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "bhroute/core/decode_values.h"
#include "table_metadata.h"

namespace bhroute::calibration {
namespace {

struct LayerTensors {
  const Tensor *values = nullptr, *counts = nullptr, *offsets = nullptr, *x = nullptr,
               *cdf = nullptr, *rows = nullptr, *row_keys = nullptr;

  const Tensor** find(std::string_view name) {
    if (name == "values") return &values;
    if (name == "counts") return &counts;
    if (name == "offsets") return &offsets;
    if (name == "x") return &x;
    if (name == "cdf") return &cdf;
    if (name == "rows") return &rows;
    return name == "row_keys" ? &row_keys : nullptr;
  }
};

using Groups = std::vector<NullDistribution>;
template <class T>
using PerGroup = std::vector<std::optional<T>>;

// "layer.12.counts" -> 12 and "counts"; a number is written one way only, so no layer can come
// twice.
std::optional<std::pair<int, std::string_view>> split_name(std::string_view name) {
  constexpr std::string_view kPrefix = "layer.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  int index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const auto digits = static_cast<std::size_t>(end - name.data());
  if (error != std::errc{} || index < 0 || name.substr(0, digits) != std::to_string(index))
    return std::nullopt;
  name.remove_prefix(digits);
  if (!name.starts_with('.')) return std::nullopt;
  return std::pair(index, name.substr(1));
}

// Decoded group by group, so that a layer is never held twice.
template <class T>
std::vector<T> part(const Tensor& tensor, std::size_t begin, std::size_t end) {
  return decode_values<T>(tensor.bytes.substr(begin * sizeof(T), (end - begin) * sizeof(T)));
}

bool is(const Tensor& tensor, std::string_view dtype, std::size_t rank) {
  return tensor.dtype == dtype && tensor.shape.size() == rank;
}

class TableReader {
 public:
  TableReader(const Safetensors& content, std::string where)
      : content_(content), where_(std::move(where)) {}

  Result<CalibrationTable> read() {
    auto metadata = parse_metadata(content_.metadata, where_);
    if (!metadata) return tl::make_unexpected(std::move(metadata).error());
    table_.metadata = *std::move(metadata);
    if (auto sorted = sort_tensors(); !sorted) return tl::make_unexpected(sorted.error());
    if (layers_.empty()) return invalid_input(where_, "a table without layers");
    for (const auto& [index, tensors] : layers_) {
      auto groups = read_layer(index, tensors);
      if (!groups) return tl::make_unexpected(std::move(groups).error());
      table_.layers.emplace(index, LayerNull{*std::move(groups)});
      if (auto sampled = read_sample(index, tensors); !sampled)
        return tl::make_unexpected(sampled.error());
    }
    return std::move(table_);
  }

 private:
  Result<void> sort_tensors() {
    for (const auto& [name, tensor] : content_.tensors) {
      const auto parts = split_name(name);
      const Tensor** place = parts ? layers_[parts->first].find(parts->second) : nullptr;
      if (place == nullptr)
        return invalid_input(where_, "unknown tensor", name,
                             "layer.L.values, counts, offsets, x, cdf, rows or row_keys");
      *place = &tensor;
    }
    return {};
  }

  std::string layer_name(int index) const { return fmt::format("{}: layer {}", where_, index); }

  Result<Groups> read_layer(int index, const LayerTensors& tensors) {
    const std::string where = layer_name(index);
    auto counts = read_counts(tensors, where);
    if (!counts) return tl::make_unexpected(std::move(counts).error());
    auto grids = read_grids(tensors, where);
    if (!grids) return tl::make_unexpected(std::move(grids).error());
    if (auto sized = check_groups(counts->size(), grids->size(), where); !sized)
      return tl::make_unexpected(sized.error());
    Groups groups;
    for (std::size_t g = 0; g < std::max(counts->size(), grids->size()); ++g) {
      auto group_counts = counts->empty() ? std::nullopt : std::move((*counts)[g]);
      groups.push_back(
          grids->empty()
              ? NullDistribution::from_counts(*std::move(group_counts), table_.metadata.form)
              : NullDistribution::from_grid(*std::move((*grids)[g]), std::move(group_counts)));
    }
    return groups;
  }

  // Before any is made: a group takes more memory than a file of small ones does.
  Result<void> check_num_groups(std::size_t num_groups, const std::string& where) {
    const bool pooled = table_.metadata.pooling == Pooling::pooled;
    const std::size_t want = pooled ? 1 : table_.metadata.num_experts;
    if (num_groups != want)
      return invalid_input(where, "wrong number of groups", std::to_string(num_groups),
                           std::to_string(want));
    num_groups_ += num_groups;
    if (num_groups_ > kMaxGroups)
      return invalid_input(where, "too many groups", std::to_string(num_groups_),
                           fmt::format("at most {} in all layers", kMaxGroups));
    return {};
  }

  Result<void> check_groups(std::size_t num_counts, std::size_t num_grids,
                            const std::string& where) const {
    if (num_counts + num_grids == 0)
      return invalid_input(where, "a layer without a null distribution");
    if (num_grids != 0 && table_.metadata.form == stats::PValueForm::conformal)
      return invalid_input(where, "a grid in a conformal table", "", "form gridded");
    return {};
  }

  Result<void> read_sample(int index, const LayerTensors& t) {
    const std::size_t capacity = table_.metadata.reservoir_rows, n = table_.metadata.num_experts;
    const std::string where = layer_name(index);
    if (!t.rows && !t.row_keys && capacity == 0) return {};
    if (!t.rows || !t.row_keys || capacity == 0)
      return invalid_input(where, "incomplete sampled rows", "",
                           "rows, row_keys and the metadata reservoir_rows");
    if (!is(*t.rows, "F32", 2) || !is(*t.row_keys, "U64", 1) || n == 0 || t.rows->shape[1] != n ||
        t.rows->shape[0] != t.row_keys->shape[0] || t.rows->shape[0] > capacity)
      return invalid_input(where, "wrong type or shape of sampled rows", "",
                           fmt::format("rows F32 [R, {}], row_keys U64 [R], R <= {}", n, capacity));
    RowSample sample{n, decode_values<float>(t.rows->bytes),
                     decode_values<std::uint64_t>(t.row_keys->bytes)};
    if (!std::is_sorted(sample.keys.begin(), sample.keys.end()))
      return invalid_input(where, "damaged row_keys", "", "rising");
    table_.samples.emplace(index, std::move(sample));
    return {};
  }

  Result<PerGroup<stats::CountedSample>> read_counts(const LayerTensors& t,
                                                     const std::string& where) {
    PerGroup<stats::CountedSample> groups;
    if (!t.values && !t.counts && !t.offsets) return groups;
    if (!t.values || !t.counts || !t.offsets)
      return invalid_input(where, "incomplete counts", "", "values, counts and offsets");
    if (!is(*t.values, "F32", 1) || !is(*t.counts, "U64", 1) || !is(*t.offsets, "U64", 1) ||
        t.values->shape != t.counts->shape)
      return invalid_input(where, "wrong type or shape of counts", "",
                           "values F32 [M], counts U64 [M], offsets U64 [groups+1]");
    const std::size_t num_values = t.values->shape[0];
    const auto offsets = decode_values<std::uint64_t>(t.offsets->bytes);
    if (offsets.size() < 2 || offsets.front() != 0 || offsets.back() != num_values ||
        !std::is_sorted(offsets.begin(), offsets.end()))
      return invalid_input(where, "damaged offsets", "",
                           fmt::format("rising from 0 to {}", num_values));
    if (auto ok = check_num_groups(offsets.size() - 1, where); !ok)
      return tl::make_unexpected(ok.error());
    for (std::size_t g = 0; g + 1 < offsets.size(); ++g) {
      auto sample =
          stats::CountedSample::create(part<float>(*t.values, offsets[g], offsets[g + 1]),
                                       part<std::uint64_t>(*t.counts, offsets[g], offsets[g + 1]),
                                       fmt::format("{}, group {}", where, g));
      if (!sample) return tl::make_unexpected(std::move(sample).error());
      groups.push_back(*std::move(sample));
    }
    return groups;
  }

  Result<PerGroup<stats::GriddedCdf>> read_grids(const LayerTensors& t, const std::string& where) {
    PerGroup<stats::GriddedCdf> groups;
    if (!t.x && !t.cdf) return groups;
    if (!t.x || !t.cdf) return invalid_input(where, "incomplete grid", "", "x and cdf");
    if (!is(*t.x, "F64", 2) || !is(*t.cdf, "F64", 2) || t.x->shape != t.cdf->shape ||
        t.x->shape[1] == 0)
      return invalid_input(where, "wrong type or shape of a grid", "", "x and cdf F64 [groups, G]");
    const std::size_t num_groups = t.x->shape[0], size = t.x->shape[1];
    if (auto ok = check_num_groups(num_groups, where); !ok) return tl::make_unexpected(ok.error());
    for (std::size_t begin = 0; begin < num_groups * size; begin += size) {
      auto grid = stats::GriddedCdf::create(part<double>(*t.x, begin, begin + size),
                                            part<double>(*t.cdf, begin, begin + size), where);
      if (!grid) return tl::make_unexpected(std::move(grid).error());
      groups.push_back(*std::move(grid));
    }
    return groups;
  }

  const Safetensors& content_;
  std::string where_;
  CalibrationTable table_;
  std::map<int, LayerTensors> layers_;
  std::size_t num_groups_ = 0;
};

}  // namespace

Result<CalibrationTable> read_content(const Safetensors& content, const std::string& where) {
  return TableReader(content, where).read();
}

}  // namespace bhroute::calibration
