#include "llama/gguf_header.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_set>

namespace bhroute::llama {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are read as they lie");

constexpr std::uint32_t kString = 8, kArray = 9;
constexpr std::uint32_t kUint32 = 4;
constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
// Bytes of a value by its type; 0 = of no fixed size.
constexpr std::array<std::size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::size_t kSmallestKey = 8 + 4 + 1, kSmallestTensor = 8 + 4 + 4 + 8;
constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // what is looked at becomes resident
constexpr std::uint32_t kMostDimensions = 4;
constexpr std::uint64_t kMostTokens = 1 << 22;  // ten times those of any model
constexpr std::uint32_t kDefaultAlignment = 32, kMostAlignment = 1 << 20;

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  Result<GgufHeader> read() {
    GgufHeader header;
    if (bytes_.substr(0, 4) != "GGUF")
      return wrong("begins with other bytes", "", "the magic GGUF");
    at_ = 4;
    if (!number(header.version) || !number(header.num_tensors) || !number(header.num_keys))
      return wrong("ends within its first 24 bytes");
    if (header.version != 2 && header.version != 3)
      return wrong("unknown version", std::to_string(header.version), "2 or 3, little-endian");
    if (auto ok = fits("keys", header.num_keys, kSmallestKey); !ok)
      return tl::make_unexpected(ok.error());
    if (auto ok = fits("tensors", header.num_tensors, kSmallestTensor); !ok)
      return tl::make_unexpected(ok.error());
    for (std::uint64_t i = 0; i < header.num_keys; ++i)
      if (auto ok = read_key(); !ok) return tl::make_unexpected(ok.error());
    std::uint64_t last_offset = 0;
    for (std::uint64_t i = 0; i < header.num_tensors; ++i)
      if (auto ok = read_tensor(last_offset); !ok) return tl::make_unexpected(ok.error());
    header.data_offset = data_offset();
    const std::size_t data = bytes_.size() - std::min(bytes_.size(), header.data_offset);
    if (last_offset > data)
      return wrong("a tensor lies behind the end of the file", std::to_string(last_offset),
                   fmt::format("at most {}", data));
    return header;
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what, std::string got = "",
                              std::string want = "") const {
    return invalid_input(where_, "not a readable GGUF: " + what, std::move(got), std::move(want));
  }
  tl::unexpected<Error> too_large() const {
    return wrong("a header too large", "", fmt::format("at most {} bytes", kMostBytes));
  }
  tl::unexpected<Error> ends_in(const char* what) const {
    if (bytes_.size() > kMostBytes) return too_large();
    return wrong(fmt::format("ends within {}, at byte {} of {}", what, at_, bytes_.size()));
  }
  std::size_t left() const { return std::min(bytes_.size(), kMostBytes) - at_; }

  template <class T>
  bool number(T& value) {
    if (left() < sizeof value) return false;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return true;
  }

  // More of `smallest` bytes each than the rest of the file holds.
  Result<void> fits(const char* what, std::uint64_t count, std::size_t smallest) const {
    if (count <= left() / smallest) return {};
    if (count <= (bytes_.size() - at_) / smallest) return too_large();
    return wrong(fmt::format("more {} than the file has room for", what), std::to_string(count),
                 fmt::format("at most {}", left() / smallest));
  }

  std::optional<std::string_view> text() {
    std::uint64_t size = 0;
    if (!number(size) || size > left()) return std::nullopt;
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

  Result<void> read_key() {
    const auto name = text();
    std::uint32_t type = 0;
    if (!name || !number(type)) return ends_in("a key");
    if (*name == "general.alignment") return read_alignment(type);
    if (type != kArray) return skip_values(type, 1);
    return *name == kTokens ? read_tokens() : read_array();
  }

  Result<void> read_alignment(std::uint32_t type) {
    if (type != kUint32)
      return wrong("general.alignment of another type", std::to_string(type), "4 (uint32)");
    if (!number(alignment_)) return ends_in("general.alignment");
    if (!std::has_single_bit(alignment_) || alignment_ > kMostAlignment)
      return wrong("general.alignment", std::to_string(alignment_),
                   fmt::format("a power of two up to {}", kMostAlignment));
    return {};
  }

  Result<void> read_array() {
    std::uint32_t type = 0;
    std::uint64_t count = 0;
    if (!number(type) || !number(count)) return ends_in("an array");
    if (type == kArray) return wrong("an array of arrays");
    return skip_values(type, count);
  }

  // llama.cpp ends the process where a vocabulary has a token twice. It takes each up to its first
  // NUL and gives empty ones a name.
  Result<void> read_tokens() {
    const std::size_t begin = at_;
    if (auto ok = read_array(); !ok) return ok;
    at_ = begin;
    std::uint32_t type = 0;
    std::uint64_t count = 0;
    number(type);
    number(count);
    if (type != kString) return wrong("a vocabulary of no strings", std::to_string(type), "8");
    if (count > kMostTokens)
      return wrong("a vocabulary of too many tokens", std::to_string(count),
                   fmt::format("at most {}", kMostTokens));
    std::unordered_set<std::string> tokens(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string_view token = *text();
      std::string word(token.substr(0, token.find('\0')));
      if (word.empty()) word = fmt::format("[EMPTY_{}]", i);
      if (!tokens.insert(std::move(word)).second)
        return wrong("a token twice in the vocabulary", fmt::format("number {} again", i));
    }
    return {};
  }

  Result<void> skip_values(std::uint32_t type, std::uint64_t count) {
    if (type >= kSizes.size())
      return wrong("a value of unknown type", std::to_string(type),
                   fmt::format("0 to {}", kSizes.size() - 1));
    if (type == kString) {
      if (auto ok = fits("strings", count, 8); !ok) return ok;
      for (std::uint64_t i = 0; i < count; ++i)
        if (!text()) return ends_in("a string");
      return {};
    }
    if (auto ok = fits("values", count, kSizes[type]); !ok) return ok;
    at_ += count * kSizes[type];
    return {};
  }

  Result<void> read_tensor(std::uint64_t& last_offset) {
    const auto name = text();
    std::uint32_t dimensions = 0, type = 0;
    if (!name || !number(dimensions)) return ends_in("a tensor's name");
    if (dimensions > kMostDimensions)
      return wrong("a tensor of too many dimensions", std::to_string(dimensions),
                   fmt::format("at most {}", kMostDimensions));
    if (auto ok = read_shape(dimensions); !ok) return ok;
    std::uint64_t offset = 0;
    if (!number(type) || !number(offset)) return ends_in("a tensor");
    if (offset % alignment_ != 0)
      return wrong("a tensor out of line", std::to_string(offset),
                   fmt::format("a multiple of {}", alignment_));
    last_offset = std::max(last_offset, offset);
    return {};
  }

  Result<void> read_shape(std::uint32_t dimensions) {
    std::uint64_t elements = 1;
    for (std::uint32_t d = 0; d < dimensions; ++d) {
      std::uint64_t length = 0;
      if (!number(length)) return ends_in("a tensor's shape");
      // Even at two bits an element the file has at least a quarter of a byte for each.
      if (length == 0 || length > bytes_.size() * 8 / elements)
        return wrong("a tensor of more elements than the file has bits for",
                     fmt::format("{} x {}", elements, length));
      elements *= length;
    }
    return {};
  }

  std::size_t data_offset() const { return (at_ + alignment_ - 1) / alignment_ * alignment_; }

  std::string_view bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::uint32_t alignment_ = kDefaultAlignment;
};

class Mapping {
 public:
  explicit Mapping(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    struct stat status {};
    if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
      map(descriptor, static_cast<std::size_t>(status.st_size));
    ::close(descriptor);
  }
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  bool is_open() const { return is_open_; }
  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void map(int descriptor, std::size_t size) {
    is_open_ = true;
    if (size == 0) return;  // an empty file cannot be mapped
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    is_open_ = data != MAP_FAILED;
    if (is_open_) data_ = data, size_ = size;
  }
  void* data_ = nullptr;
  std::size_t size_ = 0;
  bool is_open_ = false;
};

}  // namespace

Result<GgufHeader> parse_gguf_header(std::string_view bytes, const std::string& where) {
  return Reader(bytes, where).read();
}

Result<GgufHeader> check_gguf_header(const std::string& path) {
  const Mapping file(path);
  if (!file.is_open())
    return invalid_input(path,
                         std::string("cannot be read as a model (") + std::strerror(errno) + ")");
  return parse_gguf_header(file.bytes(), path);
}

}  // namespace bhroute::llama
