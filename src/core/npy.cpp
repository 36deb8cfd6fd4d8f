#include "bhroute/core/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>

#include "bhroute/core/decode_values.h"
#include "bhroute/core/file.h"

namespace bhroute {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = std::size_t{1} << 16;  // numpy's own limit is less
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxRank = 32;  // numpy's own limit
constexpr std::size_t kAlignment = 64;

struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::size_t>> shape;
};

// Just enough of Python's literal syntax: one dict of one string, one bool and one tuple of
// integers.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  std::optional<Header> parse() {
    Header header;
    if (!take("{")) return std::nullopt;
    while (!take("}")) {
      if (!entry(header) || (!take(",") && !peek('}'))) return std::nullopt;
    }
    skip_blanks();
    if (!rest_.empty() || !header.descr || !header.fortran_order || !header.shape)
      return std::nullopt;
    return header;
  }

 private:
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
  }
  bool peek(char c) {
    skip_blanks();
    return !rest_.empty() && rest_.front() == c;
  }
  bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  bool entry(Header& header) {
    const auto key = string();
    if (!key || !take(":")) return false;
    if (*key == "descr") return assign(header.descr, string());
    if (*key == "fortran_order") return assign(header.fortran_order, boolean());
    return *key == "shape" && assign(header.shape, shape());
  }

  template <class T>
  static bool assign(std::optional<T>& field, std::optional<T> value) {
    if (field || !value) return false;  // a repeated key is as wrong as a damaged value
    field = std::move(value);
    return true;
  }

  std::optional<std::string> string() {
    const char quote = peek('"') ? '"' : '\'';
    if (!peek(quote)) return std::nullopt;
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::optional<bool> boolean() {
    if (take("True")) return true;
    if (take("False")) return false;
    return std::nullopt;
  }

  std::optional<std::size_t> integer() {
    skip_blanks();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::optional<std::vector<std::size_t>> shape() {
    std::vector<std::size_t> extents;
    if (!take("(")) return std::nullopt;
    while (!take(")")) {
      const auto extent = integer();
      if (!extent || extents.size() == kMaxRank) return std::nullopt;
      extents.push_back(*extent);
      if (!take(",") && !peek(')')) return std::nullopt;
    }
    return extents;
  }

  std::string_view rest_;
};

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

// Takes the preamble and the header's text off `bytes`.
Result<std::string_view> take_header(std::string_view& bytes, const std::string& where) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + 2)
    return invalid_input(where, "not a .npy file", "", "a file that begins with \\x93NUMPY");
  const int major = static_cast<unsigned char>(bytes[6]),
            minor = static_cast<unsigned char>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0)
    return invalid_input(where, "unknown .npy version", fmt::format("{}.{}", major, minor),
                         "1.0 to 3.0");
  bytes.remove_prefix(kMagic.size() + 2);
  const std::size_t width = major == 1 ? 2 : 4;
  if (bytes.size() < width) return invalid_input(where, "truncated .npy header");
  const std::size_t length = little_endian(bytes.substr(0, width));
  bytes.remove_prefix(width);
  if (length >= kMaxHeader)
    return invalid_input(where, "too long a .npy header", fmt::format("{} bytes", length),
                         fmt::format("less than {} bytes", kMaxHeader));
  if (length > bytes.size())
    return invalid_input(where, "truncated .npy header", fmt::format("{} bytes", bytes.size()),
                         fmt::format("{} bytes", length));
  const std::string_view text = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return text;
}

// The number of elements, or nothing where it is more than `limit`. An extent of 0 makes it 0
// however large the others are.
std::optional<std::size_t> count(std::span<const std::size_t> shape, std::size_t limit) {
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return 0;
  std::size_t total = 1;
  for (std::size_t extent : shape) {
    if (extent > limit / total) return std::nullopt;
    total *= extent;
  }
  return total;
}

// What the header says, held against the file's size.
struct Layout {
  std::vector<std::size_t> shape;
  bool is_float32 = true;
  std::size_t size = 0, begin = 0;  // elements, and where the first lies
};

// `head`: the file's beginning, or all of it.
Result<Layout> parse_layout(std::string_view head, std::size_t file_size,
                            const std::string& where) {
  std::string_view rest = head;
  const auto text = take_header(rest, where);
  if (!text) return tl::make_unexpected(text.error());
  const auto header = HeaderParser(*text).parse();
  if (!header)
    return invalid_input(where, "damaged .npy header", "",
                         "a dict of descr, fortran_order and shape");
  if (header->descr != "<f4" && header->descr != "<f8")
    return invalid_input(where, "wrong .npy data type", *header->descr, "<f4 or <f8");
  if (*header->fortran_order)
    return invalid_input(where, "wrong .npy order", "Fortran order", "C order");
  const std::size_t item_size = header->descr == "<f4" ? 4 : 8;
  const std::size_t begin = head.size() - rest.size(), data_size = file_size - begin;
  const auto size = count(*header->shape, data_size / item_size);
  if (!size || *size * item_size != data_size)
    return invalid_input(
        where, "size differs from shape", fmt::format("{} bytes of data", data_size),
        fmt::format("[{}] of {} bytes each", fmt::join(*header->shape, ", "), item_size));
  return Layout{*header->shape, item_size == 4, *size, begin};
}

// Piece by piece: a large array is held once, as its values.
Result<NpyArray> read_values(std::istream& file, Layout layout, const std::string& where) {
  NpyArray array{std::move(layout.shape), {}};
  array.values.reserve(layout.size);
  std::string piece;
  while (array.values.size() < layout.size) {
    const std::size_t item_size = layout.is_float32 ? 4 : 8;
    piece.resize(std::min(kPieceBytes, (layout.size - array.values.size()) * item_size));
    if (!file.read(piece.data(), static_cast<std::streamsize>(piece.size())))
      return failure(where, "reading failed");
    const auto values = decode_floats<float>(piece, layout.is_float32);
    array.values.insert(array.values.end(), values.begin(), values.end());
  }
  return array;
}

}  // namespace

Result<NpyArray> parse_npy(std::string_view bytes, std::string_view where) {
  return parse_layout(bytes, bytes.size(), std::string(where)).map([&](Layout&& layout) {
    return NpyArray{std::move(layout.shape),
                    decode_floats<float>(bytes.substr(layout.begin), layout.is_float32)};
  });
}

Result<NpyArray> read_npy(const std::filesystem::path& path, ShapeCheck check) {
  const std::string where = path.string();
  std::error_code ignored;
  const auto size = size_of_file(path);
  if (!size && std::filesystem::is_other(path, ignored))
    return invalid_input(where, "not a regular file", "", "a .npy file");
  const auto head = read_part(path, 0, kMagic.size() + 2 + 4 + kMaxHeader);
  if (!head) return tl::make_unexpected(head.error());
  auto layout = parse_layout(*head, size.value_or(0), where);
  if (!layout) return tl::make_unexpected(layout.error());
  if (check != nullptr)
    if (auto ok = check(layout->shape); !ok) return tl::make_unexpected(ok.error());
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(layout->begin));
  return read_values(file, *std::move(layout), where);
}

std::string format_npy(std::span<const float> values, std::span<const std::size_t> shape) {
  const char* comma = shape.size() == 1 ? "," : "";  // Python's tuple of one
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                                   fmt::join(shape, ", "), comma);
  const std::size_t preamble = kMagic.size() + 4;
  header.append(kAlignment - 1 - (preamble + header.size()) % kAlignment, ' ');
  header += '\n';
  std::string bytes(kMagic);
  bytes += {'\x01', '\x00', static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  bytes += header;
  if (!values.empty())
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return bytes;
}

}  // namespace bhroute
