#include "safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "bhroute/core/file.h"
#include "bhroute/core/json.h"

namespace bhroute::calibration {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "tensors are copied as they lie in memory");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
constexpr std::size_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxMetadata = std::size_t{1} << 20;
constexpr const char* kMetadata = "__metadata__";

struct Dtype {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<Dtype, 13> kDtypes = {{{"F64", 8},
                                            {"I64", 8},
                                            {"U64", 8},
                                            {"F32", 4},
                                            {"I32", 4},
                                            {"U32", 4},
                                            {"BF16", 2},
                                            {"F16", 2},
                                            {"I16", 2},
                                            {"U16", 2},
                                            {"I8", 1},
                                            {"U8", 1},
                                            {"BOOL", 1}}};

std::size_t size_of(std::string_view dtype) {  // 0 = unknown
  const auto it =
      std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return d.name == dtype; });
  return it == kDtypes.end() ? 0 : it->size;
}

using Entry = const std::pair<const std::string, Tensor>*;

std::vector<Entry> in_file_order(const Safetensors& content) {
  std::vector<Entry> order;
  for (const auto& entry : content.tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](Entry a, Entry b) {
    return size_of(a->second.dtype) > size_of(b->second.dtype);
  });
  return order;
}

std::optional<std::vector<std::size_t>> sizes(const json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<std::size_t> values;
  for (const json& value : list) {
    if (!value.is_number_unsigned()) return std::nullopt;
    values.push_back(value.get<std::size_t>());
  }
  return values;
}

// The bytes that dtype and shape stand for; nothing where that overflows.
std::optional<std::size_t> byte_size(std::size_t item_size, const std::vector<std::size_t>& shape) {
  std::size_t total = item_size;
  for (std::size_t extent : shape)
    if (__builtin_mul_overflow(total, extent, &total)) return std::nullopt;
  return total;
}

Result<TensorPlace> parse_tensor(const json& entry, std::size_t data_size,
                                 const std::string& where) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
      !entry["dtype"].is_string() || !entry.contains("shape") || !entry.contains("data_offsets"))
    return invalid_input(where, "damaged entry", "", "dtype, shape and data_offsets");
  const auto dtype = entry["dtype"].get<std::string>();
  const std::size_t item_size = size_of(dtype);
  if (item_size == 0) return invalid_input(where, "unknown data type", dtype);
  const auto shape = sizes(entry["shape"]), offsets = sizes(entry["data_offsets"]);
  if (!shape || !offsets || offsets->size() != 2)
    return invalid_input(where, "damaged shape or data_offsets", "", "lists of whole numbers");
  const std::size_t begin = offsets->front(), end = offsets->back();
  if (begin > end || end > data_size)
    return invalid_input(where, "data outside the file", fmt::format("bytes {} to {}", begin, end),
                         fmt::format("within {} bytes of data", data_size));
  if (byte_size(item_size, *shape) != end - begin)
    return invalid_input(where, "size differs from shape", fmt::format("{} bytes", end - begin),
                         fmt::format("{} [{}]", dtype, fmt::join(*shape, ", ")));
  return TensorPlace{dtype, *shape, begin, end};
}

Result<void> parse_metadata(const json& entry, SafetensorsLayout& layout,
                            const std::string& where) {
  if (!entry.is_object())
    return invalid_input(where, "damaged __metadata__", entry.type_name(), "an object of strings");
  std::size_t size = 0;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string())
      return invalid_input(where, fmt::format("damaged __metadata__ '{}'", key), value.type_name(),
                           "a string");
    layout.metadata.emplace(key, value.get<std::string>());
    size += key.size() + value.get_ref<const std::string&>().size();
    if (size > kMaxMetadata)
      return invalid_input(where, "__metadata__ too large",
                           fmt::format("more than {} bytes", kMaxMetadata),
                           "names, a command and settings");
  }
  return {};
}

// The tensors must cover the data from its first byte to its last, each byte once.
Result<void> check_cover(const SafetensorsLayout& layout, std::size_t data_size,
                         const std::string& where) {
  std::vector<std::pair<std::size_t, std::size_t>> pieces;
  for (const auto& [name, place] : layout.tensors) pieces.emplace_back(place.begin, place.end);
  std::sort(pieces.begin(), pieces.end());
  std::size_t position = 0;
  for (const auto& [begin, end] : pieces) {
    if (begin != position)
      return invalid_input(where, "tensors overlap or leave a gap", "",
                           fmt::format("one that begins at byte {}", position));
    position = end;
  }
  if (position != data_size)
    return invalid_input(where, "bytes that belong to no tensor",
                         fmt::format("{} bytes", data_size - position), "none");
  return {};
}

Result<SafetensorsLayout> parse_layout(const json& header, std::size_t data_size,
                                       const std::string& where) {
  SafetensorsLayout layout;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) {
      if (auto read = parse_metadata(entry, layout, where); !read)
        return tl::make_unexpected(read.error());
      continue;
    }
    auto place = parse_tensor(entry, data_size, fmt::format("{}: tensor '{}'", where, name));
    if (!place) return tl::make_unexpected(std::move(place).error());
    layout.tensors.emplace(name, *std::move(place));
  }
  if (auto covered = check_cover(layout, data_size, where); !covered)
    return tl::make_unexpected(covered.error());
  return layout;
}

// What bytes are instead, for a person who has mixed up two files.
std::string kind_of(std::string_view bytes) {
  if (bytes.starts_with('{') || bytes.starts_with('[')) return "JSON";
  if (bytes.starts_with("GGUF")) return "a GGUF model";
  if (bytes.starts_with("\x93NUMPY")) return "a .npy array";
  return bytes.starts_with('\x80') ? "a pickle" : "other bytes";
}

// The bytes of the JSON header, of a file that begins with `head` and has `file_size` bytes.
Result<std::size_t> header_length(std::string_view head, std::size_t file_size,
                                  const std::string& where) {
  std::uint64_t length = 0;
  if (head.size() < kLengthBytes)
    return invalid_input(where, "not a safetensors file", fmt::format("{} bytes", head.size()));
  std::memcpy(&length, head.data(), kLengthBytes);
  if (length > kMaxHeader)
    return invalid_input(where, "not a table (a safetensors file)", kind_of(head),
                         "what bhroute calibrate writes");
  if (length > file_size - kLengthBytes)
    return invalid_input(where, "wrong header length (truncated, or not a safetensors file)",
                         fmt::format("{} bytes", length),
                         fmt::format("at most {}", file_size - kLengthBytes));
  return length;
}

Result<SafetensorsLayout> parse_head(std::string_view head, std::size_t length,
                                     std::size_t file_size, const std::string& where) {
  const auto header = parse_json(head.substr(kLengthBytes, length), where + ": damaged header");
  if (!header) return tl::make_unexpected(header.error());
  if (!header->is_object())
    return invalid_input(where, "damaged header", header->type_name(), "a JSON object of tensors");
  const std::size_t data = kLengthBytes + length;
  auto layout = parse_layout(*header, file_size - data, where);
  if (!layout) return layout;
  for (auto& [name, place] : layout->tensors) place.begin += data, place.end += data;
  return layout;
}

}  // namespace

std::string format_safetensors(const Safetensors& content) {
  json header = {{kMetadata, content.metadata}};
  std::string data;
  for (const Entry entry : in_file_order(content)) {
    const Tensor& tensor = entry->second;
    const std::size_t begin = data.size();
    data += tensor.bytes;
    header[entry->first] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = dump_json(header);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kLengthBytes) + text + data;
}

Result<Safetensors> parse_safetensors(std::string_view bytes, const std::string& where) {
  const auto length = header_length(bytes, bytes.size(), where);
  if (!length) return tl::make_unexpected(length.error());
  auto layout = parse_head(bytes, *length, bytes.size(), where);
  if (!layout) return tl::make_unexpected(std::move(layout).error());
  Safetensors content{std::move(layout->metadata), {}};
  for (auto& [name, place] : layout->tensors)
    content.tensors.emplace(name, Tensor{std::move(place.dtype), std::move(place.shape),
                                         bytes.substr(place.begin, place.end - place.begin)});
  return content;
}

Result<SafetensorsLayout> read_layout(const std::filesystem::path& path, std::size_t file_size) {
  const std::string where = path.string();
  const auto length = read_part(path, 0, kLengthBytes).and_then([&](const std::string& head) {
    return header_length(head, file_size, where);
  });
  if (!length) return tl::make_unexpected(length.error());
  return read_part(path, 0, kLengthBytes + *length).and_then([&](const std::string& head) {
    return parse_head(head, *length, file_size, where);
  });
}

}  // namespace bhroute::calibration
