#include "number_flags.h"

#include <fmt/format.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>

namespace bhroute::cli {
namespace {

bool is_negative(const std::string& text) { return text.starts_with('-'); }

// Read as CLI11 reads it afterwards (0x10 is 16), but nothing in front.
bool is_whole(const std::string& text) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text.front()))) return false;
  char* end = nullptr;
  std::strtoull(text.c_str(), &end, 0);
  return end == text.c_str() + text.size();
}

bool is_within(const std::string& text, std::int64_t low, std::uint64_t high) {
  errno = 0;
  if (!is_negative(text)) {
    const std::uint64_t value = std::strtoull(text.c_str(), nullptr, 0);
    return errno == 0 && value <= high && (low <= 0 || value >= static_cast<std::uint64_t>(low));
  }
  const std::int64_t value = std::strtoll(text.c_str(), nullptr, 0);
  return errno == 0 && value >= low;
}

}  // namespace

CLI::Validator in_range(std::int64_t low, std::uint64_t high) {
  return CLI::Validator(
      [low, high](std::string& text) {
        if (!is_whole(text))
          return fmt::format("cannot be read, got {}, want a whole number", text);
        if (is_within(text, low, high)) return std::string();
        return fmt::format("out of range, got {}, want {} to {}", text, low, high);
      },
      "");
}

CLI::Validator not_negative() {
  return CLI::Validator(
      [](std::string& text) {
        return is_negative(text) ? fmt::format("negative, got {}, want 0 or more", text) : "";
      },
      "");
}

}  // namespace bhroute::cli
