#pragma once
// TableMetadata as the strings of a file's __metadata__, and back.

#include <map>
#include <string>

#include "bhroute/calibration/calibration_table.h"

namespace bhroute::calibration {

using MetadataStrings = std::map<std::string, std::string>;

MetadataStrings format_metadata(const TableMetadata& metadata);
/// Strict: every key must be there and say something known; more keys may stand beside them.
Result<TableMetadata> parse_metadata(const MetadataStrings& strings, const std::string& where);

}  // namespace bhroute::calibration
