#pragma once
// GGUF headers put together by hand, true ones and lying ones.

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace bhroute::test {

class GgufBytes {
 public:
  GgufBytes& head(std::uint64_t num_tensors, std::uint64_t num_keys) {
    bytes_ = "GGUF";
    return number<std::uint32_t>(3).number(num_tensors).number(num_keys);
  }
  template <class T>
  GgufBytes& number(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof value);
    return *this;
  }
  GgufBytes& text(const std::string& text) {
    number<std::uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  GgufBytes& key(const std::string& name, std::uint32_t type) { return text(name).number(type); }
  GgufBytes& tensor(const std::string& name, const std::vector<std::uint64_t>& shape,
                    std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(shape.size()));
    for (std::uint64_t length : shape) number(length);
    return number<std::uint32_t>(0).number(offset);  // float32
  }
  const std::string& bytes() const { return bytes_; }
  /// Aligned, and `more` bytes of data behind.
  std::string padded(std::size_t alignment, std::size_t more) const {
    return bytes_ + std::string((alignment - bytes_.size() % alignment) % alignment + more, '\0');
  }

 private:
  std::string bytes_;
};

}  // namespace bhroute::test
