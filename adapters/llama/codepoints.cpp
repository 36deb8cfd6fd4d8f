#include "llama/codepoints.h"

#include <cstddef>

namespace bhroute::llama {
namespace {

unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool continues(std::string_view text, std::size_t i) { return (byte_at(text, i) & 0xc0u) == 0x80u; }

// F4 90 80 80 is U+110000; F7 BF BF BF the last that four bytes can say.
bool is_beyond(std::string_view text, std::size_t i) {
  const unsigned first = byte_at(text, i);
  if (first < 0xf4u || first > 0xf7u || i + 3 >= text.size()) return false;
  return continues(text, i + 1) && continues(text, i + 2) && continues(text, i + 3) &&
         (first > 0xf4u || byte_at(text, i + 1) >= 0x90u);
}

}  // namespace

std::vector<std::size_t> beyond_unicode(std::string_view text) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (is_beyond(text, i)) found.push_back(i);
  return found;
}

}  // namespace bhroute::llama
