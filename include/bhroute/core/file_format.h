#pragma once
// The versions of the files that bhroute writes. docs/formats.md has their keys.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

/// A kind of file: what messages call it, and the version that is written. A key that readers may
/// ignore does not change the version; one whose meaning changes does.
struct FileFormat {
  std::string_view name;
  int version;
};

/// The key that holds the version in each.
inline constexpr const char* kFormatVersionKey = "format_version";

inline constexpr FileFormat kTableFormat{"calibration table", 2};
inline constexpr FileFormat kPolicyFormat{"policy", 1};
inline constexpr FileFormat kConfigurationsFormat{"configurations", 1};
inline constexpr FileFormat kRunFormat{"run", 1};
inline constexpr FileFormat kResultsFormat{"results", 1};
inline constexpr FileFormat kRankingFormat{"ranking", 1};
inline constexpr FileFormat kCheckFormat{"check", 1};
inline constexpr FileFormat kFinishedFormat{"finished steps", 1};
inline constexpr FileFormat kStatisticsFormat{"statistics", 1};

/// All of them, in the order of docs/formats.md.
std::span<const FileFormat> file_formats();

/// Whether this version of a JSON file can be read: a missing key means 1, the files written before
/// there was one. Errors (invalid_input, naming the file and both versions): a newer version, or no
/// version at all.
Result<void> check_format_version(const nlohmann::json& object, const FileFormat& format,
                                  std::string_view where);

}  // namespace bhroute
