#include "table_metadata.h"

#include <fmt/format.h>

#include <charconv>

#include "bhroute/core/file_format.h"

namespace bhroute::calibration {
namespace {

// "2" is "1" with sampled rows: a reader that knows "1" only could not make sense of their tensors.
constexpr const char* kFormatVersion = "1";
constexpr const char* kFormatVersionWithRows = "2";
static_assert(kTableFormat.version == 2);

// A merge of hundreds of files has a command longer than a reader takes (safetensors.cpp).
constexpr std::size_t kMostCommand = 100'000;

template <class T>
Result<T> parse_count(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return invalid_input("", "not a count", std::string(text), "a whole number");
  return value;
}

Result<std::string> parse_text(std::string_view text) { return std::string(text); }

Result<std::string> parse_kernel(std::string_view text) {
  if (text == "none" || text == "unknown") return std::string(text);
  return stats::parse_smoothing_kernel(text).map([&](auto) { return std::string(text); });
}

Result<std::string> parse_bandwidth(std::string_view text) {
  if (text.empty()) return std::string();
  return stats::parse_bandwidth(text).map([&](const auto&) { return std::string(text); });
}

// Takes the keys one by one and keeps the first error.
class Reader {
 public:
  Reader(const MetadataStrings& strings, const std::string& where)
      : strings_(strings), where_(where) {}

  template <class T, class Parse>
  void read(const char* key, T& field, Parse parse) {
    if (error_) return;
    const auto it = strings_.find(key);
    if (it == strings_.end()) {
      error_ = Error{ErrorKind::invalid_input, where_, "missing metadata", key, ""};
      return;
    }
    auto value = parse(std::string_view(it->second));
    if (value) {
      field = *std::move(value);
      return;
    }
    error_ = std::move(value).error();
    error_->where = fmt::format("{}: metadata '{}'", where_, key);
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  const MetadataStrings& strings_;
  const std::string& where_;
  std::optional<Error> error_;
};

}  // namespace

MetadataStrings format_metadata(const TableMetadata& metadata) {
  MetadataStrings strings{{"format_version", kFormatVersion},
                          {"model_name", metadata.model_name},
                          {"model_sha256", metadata.model_sha256},
                          {"text_sha256", metadata.text_sha256},
                          {"created_by", metadata.created_by},
                          {"command", metadata.command.substr(0, kMostCommand)},
                          {"num_layers", std::to_string(metadata.num_layers)},
                          {"num_experts", std::to_string(metadata.num_experts)},
                          {"top_k", std::to_string(metadata.top_k)},
                          {"num_tokens", std::to_string(metadata.num_tokens)},
                          {"statistic", std::string(to_string(metadata.statistic))},
                          {"null", to_string(metadata.null)},
                          {"pooling", std::string(to_string(metadata.pooling))},
                          {"form", std::string(stats::to_string(metadata.form))},
                          {"resolution", std::string(to_string(metadata.resolution))},
                          {"smoothing_kernel", metadata.smoothing_kernel},
                          {"bandwidth", metadata.bandwidth}};
  if (metadata.reservoir_rows == 0) return strings;
  strings["format_version"] = std::string(kFormatVersionWithRows);
  strings["reservoir_rows"] = std::to_string(metadata.reservoir_rows);
  strings["reservoir_seed"] = std::to_string(metadata.reservoir_seed);
  return strings;
}

Result<TableMetadata> parse_metadata(const MetadataStrings& strings, const std::string& where) {
  Reader reader(strings, where);
  std::string version;
  reader.read("format_version", version, parse_text);
  const bool with_rows = version == kFormatVersionWithRows;
  if (!reader.error() && version != kFormatVersion && !with_rows)
    return invalid_input(where, "unknown format_version", version,
                         fmt::format("{} or {}", kFormatVersion, kFormatVersionWithRows));
  TableMetadata metadata;
  reader.read("model_name", metadata.model_name, parse_text);
  reader.read("model_sha256", metadata.model_sha256, parse_text);
  reader.read("text_sha256", metadata.text_sha256, parse_text);
  reader.read("created_by", metadata.created_by, parse_text);
  reader.read("command", metadata.command, parse_text);
  reader.read("num_layers", metadata.num_layers, parse_count<std::size_t>);
  reader.read("num_experts", metadata.num_experts, parse_count<std::size_t>);
  reader.read("top_k", metadata.top_k, parse_count<std::size_t>);
  reader.read("num_tokens", metadata.num_tokens, parse_count<std::uint64_t>);
  reader.read("statistic", metadata.statistic, parse_statistic);
  reader.read("null", metadata.null, parse_null);
  reader.read("pooling", metadata.pooling, parse_pooling);
  reader.read("form", metadata.form, stats::parse_p_value_form);
  reader.read("resolution", metadata.resolution, parse_resolution);
  reader.read("smoothing_kernel", metadata.smoothing_kernel, parse_kernel);
  reader.read("bandwidth", metadata.bandwidth, parse_bandwidth);
  if (with_rows) {
    reader.read("reservoir_rows", metadata.reservoir_rows, parse_count<std::size_t>);
    reader.read("reservoir_seed", metadata.reservoir_seed, parse_count<std::uint64_t>);
  }
  if (reader.error()) return tl::make_unexpected(*reader.error());
  return metadata;
}

}  // namespace bhroute::calibration
