#pragma once

#include <string_view>
#include <vector>

namespace bhroute::llama {

/// Bytes of `text` that look like the first of a character beyond U+10FFFF, in ascending order.
/// llama.cpp's tokenizers of byte pairs end with an exception at such a character; other bytes that
/// are no UTF-8 they take one by one.
std::vector<std::size_t> beyond_unicode(std::string_view text);

}  // namespace bhroute::llama
