#include "bhroute/core/file_format.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace bhroute {
namespace {

constexpr FileFormat kFormats[] = {kTableFormat, kPolicyFormat,   kConfigurationsFormat,
                                   kRunFormat,   kResultsFormat,  kRankingFormat,
                                   kCheckFormat, kFinishedFormat, kStatisticsFormat};

}  // namespace

std::span<const FileFormat> file_formats() { return kFormats; }

Result<void> check_format_version(const nlohmann::json& object, const FileFormat& format,
                                  std::string_view where) {
  const auto found = object.find(kFormatVersionKey);
  if (found == object.end()) return {};
  if (!found->is_number_integer() || *found < 1)
    return invalid_input(std::string(where),
                         fmt::format("format_version of {} is no version", format.name),
                         found->dump(), fmt::format("1 to {}", format.version));
  if (found->get<std::uint64_t>() > static_cast<std::uint64_t>(format.version))
    return invalid_input(std::string(where),
                         fmt::format("{} of a newer format_version", format.name), found->dump(),
                         fmt::format("at most {}: a newer bhroute wrote it", format.version));
  return {};
}

}  // namespace bhroute
