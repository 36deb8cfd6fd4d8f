#include "safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace bhroute::calibration {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "tensors are copied as they lie in memory");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
constexpr std::size_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr int kMaxDepth = 3;                     // the header, a tensor, its list
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

// Parses with two checks that the JSON library leaves out: depth and repeated keys.
class StrictParser {
 public:
  std::optional<json> parse(std::string_view text) {
    const auto callback = [this](int depth, json::parse_event_t event, json& parsed) {
      return check(depth, event, parsed);
    };
    json header = json::parse(text.begin(), text.end(), callback, false);
    if (!good_ || !header.is_object()) return std::nullopt;
    return header;
  }

 private:
  bool check(int depth, json::parse_event_t event, const json& parsed) {
    using Event = json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= kMaxDepth) good_ = false;
      if (event == Event::object_start) keys_.emplace_back();
    }
    if (event == Event::key && good_ && !keys_.back().insert(parsed.get<std::string>()).second)
      good_ = false;
    if (event == Event::object_end) keys_.pop_back();
    return good_;
  }

  std::vector<std::set<std::string>> keys_;
  bool good_ = true;
};

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

Result<Tensor> parse_tensor(const json& entry, std::string_view data, const std::string& where) {
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
  if (begin > end || end > data.size())
    return invalid_input(where, "data outside the file", fmt::format("bytes {} to {}", begin, end),
                         fmt::format("within {} bytes of data", data.size()));
  if (byte_size(item_size, *shape) != end - begin)
    return invalid_input(where, "size differs from shape", fmt::format("{} bytes", end - begin),
                         fmt::format("{} [{}]", dtype, fmt::join(*shape, ", ")));
  return Tensor{dtype, *shape, data.substr(begin, end - begin)};
}

Result<void> parse_metadata(const json& entry, Safetensors& content, const std::string& where) {
  if (!entry.is_object())
    return invalid_input(where, "damaged __metadata__", entry.type_name(), "an object of strings");
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string())
      return invalid_input(where, fmt::format("damaged __metadata__ '{}'", key), value.type_name(),
                           "a string");
    content.metadata.emplace(key, value.get<std::string>());
  }
  return {};
}

// The tensors must cover the data from its first byte to its last, each byte once.
Result<void> check_cover(const Safetensors& content, std::string_view data,
                         const std::string& where) {
  std::vector<std::string_view> pieces;
  for (const auto& [name, tensor] : content.tensors) pieces.push_back(tensor.bytes);
  std::sort(pieces.begin(), pieces.end(), [](std::string_view a, std::string_view b) {
    return a.data() != b.data() ? a.data() < b.data() : a.size() < b.size();
  });
  std::size_t position = 0;
  for (std::string_view piece : pieces) {
    if (static_cast<std::size_t>(piece.data() - data.data()) != position)
      return invalid_input(where, "tensors overlap or leave a gap", "",
                           fmt::format("one that begins at byte {}", position));
    position += piece.size();
  }
  if (position != data.size())
    return invalid_input(where, "bytes that belong to no tensor",
                         fmt::format("{} bytes", data.size() - position), "none");
  return {};
}

// What bytes are instead, for a person who has mixed up two files.
std::string kind_of(std::string_view bytes) {
  if (bytes.starts_with('{') || bytes.starts_with('[')) return "JSON";
  if (bytes.starts_with("GGUF")) return "a GGUF model";
  if (bytes.starts_with("\x93NUMPY")) return "a .npy array";
  return bytes.starts_with('\x80') ? "a pickle" : "other bytes";
}

// Takes the header off `bytes`.
Result<json> take_header(std::string_view& bytes, const std::string& where) {
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes)
    return invalid_input(where, "not a safetensors file", fmt::format("{} bytes", bytes.size()));
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeader)
    return invalid_input(where, "not a table (a safetensors file)", kind_of(bytes),
                         "what bhroute calibrate writes");
  bytes.remove_prefix(kLengthBytes);
  if (length > bytes.size())
    return invalid_input(where, "wrong header length (truncated, or not a safetensors file)",
                         fmt::format("{} bytes", length), fmt::format("at most {}", bytes.size()));
  auto header = StrictParser().parse(bytes.substr(0, length));
  if (!header)
    return invalid_input(where, "damaged header", "", "a JSON object of tensors, no key twice");
  bytes.remove_prefix(length);
  return *std::move(header);
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
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), kLengthBytes) + text + data;
}

Result<Safetensors> parse_safetensors(std::string_view bytes, const std::string& where) {
  const auto header = take_header(bytes, where);
  if (!header) return tl::make_unexpected(header.error());
  Safetensors content;
  for (const auto& [name, entry] : header->items()) {
    if (name == kMetadata) {
      if (auto read = parse_metadata(entry, content, where); !read)
        return tl::make_unexpected(read.error());
      continue;
    }
    auto tensor = parse_tensor(entry, bytes, fmt::format("{}: tensor '{}'", where, name));
    if (!tensor) return tl::make_unexpected(std::move(tensor).error());
    content.tensors.emplace(name, *std::move(tensor));
  }
  if (auto covered = check_cover(content, bytes, where); !covered)
    return tl::make_unexpected(covered.error());
  return content;
}

}  // namespace bhroute::calibration
