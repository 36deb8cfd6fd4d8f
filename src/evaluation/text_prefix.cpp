#include "text_prefix.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "bhroute/core/stop.h"

namespace bhroute::evaluation {
namespace {

constexpr std::size_t kBytesPerToken = 6;       // English text has four to five
constexpr std::size_t kLeastBytes = 64 * 1024;  // read at once, and looked ahead
constexpr std::size_t kBlock = 1024 * 1024;     // so that memory grows with the file, not the wish

struct Prefix {
  std::string bytes;
  bool is_whole = false;
};

Result<void> read_up_to(std::ifstream& file, const std::string& where, std::size_t size,
                        Prefix& prefix) {
  while (!prefix.is_whole && prefix.bytes.size() < size) {
    const std::size_t before = prefix.bytes.size();
    const std::size_t wanted = std::min(kBlock, size - before);
    prefix.bytes.resize(before + wanted);
    file.read(prefix.bytes.data() + before, static_cast<std::streamsize>(wanted));
    if (file.bad()) return failure(where, "reading failed");
    prefix.bytes.resize(before + static_cast<std::size_t>(file.gcount()));
    prefix.is_whole = prefix.bytes.size() < before + wanted;
  }
  return {};
}

// A character of several bytes is not cut; what is no UTF-8 is left as it is.
std::size_t character_end(std::string_view bytes) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    return byte >= 0xC0 ? bytes.size() - back : bytes.size();
  }
  return bytes.size();
}

Result<std::vector<Token>> tokenize_beginning(ModelRunner& model, const Prefix& prefix,
                                              std::size_t size) {
  std::string_view text(prefix.bytes.data(), std::min(size, prefix.bytes.size()));
  const bool is_end = prefix.is_whole && text.size() == prefix.bytes.size();
  if (!is_end)
    text = text.substr(0, character_end(text));
  else if (text.ends_with('\n'))
    text.remove_suffix(1);
  return model.tokenize(text);
}

bool agree(const std::vector<Token>& a, const std::vector<Token>& b, std::size_t count) {
  return a.size() >= count && b.size() >= count &&
         std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(count), b.begin());
}

}  // namespace

Result<std::vector<Token>> tokenize_prefix(ModelRunner& model, const std::filesystem::path& path,
                                           std::size_t num_tokens) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return invalid_input(path.string(), std::string("cannot read: ") + std::strerror(errno));
  Prefix prefix;
  for (std::size_t size = kLeastBytes + kBytesPerToken * num_tokens;; size *= 2) {
    if (auto go_on = check_stop(); !go_on) return tl::make_unexpected(go_on.error());
    const std::size_t longer_size = size + std::max(size / 2, kLeastBytes);
    if (auto ok = read_up_to(file, path.string(), longer_size, prefix); !ok)
      return tl::make_unexpected(ok.error());
    auto longer = tokenize_beginning(model, prefix, longer_size);
    if (!longer) return longer;
    if (!prefix.is_whole) {
      const auto shorter = tokenize_beginning(model, prefix, size);
      if (!shorter) return shorter;
      if (!agree(*shorter, *longer, num_tokens)) continue;
    }
    longer->resize(std::min(longer->size(), num_tokens));
    longer->shrink_to_fit();
    return longer;
  }
}

}  // namespace bhroute::evaluation
