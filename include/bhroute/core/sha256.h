#pragma once
// SHA-256 (FIPS 180-4) of buffers and files, as 64 lower-case hex digits, by OpenSSL.

#include <filesystem>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

std::string sha256(std::string_view bytes);
/// Reads in pieces; the file may be larger than memory.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace bhroute
