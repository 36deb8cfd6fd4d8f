#pragma once
// Where a command gets its calibration table from, and whether it fits the model.

#include <memory>
#include <string>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/calibration/open_table.h"
#include "bhroute/evaluation/model_runner.h"
#include "bhroute/routing/policy_spec.h"

namespace bhroute::cli {

using calibration::open_table;
using TablePtr = std::shared_ptr<const calibration::CalibrationTable>;

/// A table and the path it came from, "" where it was searched for or there is none.
struct SourcedTable {
  std::string path;
  TablePtr table;  ///< null: the empirical fallback
};
/// The table of a policy: `flag` (--table) or the policy's own key; for `bh` with neither, the
/// original system's tables where they are found. `layers`: the model's. Errors: the two name
/// different tables.
Result<SourcedTable> open_table_of(const routing::PolicySpec& policy, const std::string& flag,
                                   const std::vector<int>& layers);
/// Errors: the table was made from another model (both named), unless `force`. Notes where that is
/// not known.
Result<void> check_made_for(const SourcedTable& table, const evaluation::ModelDescription& model,
                            bool force);
/// Warns where the policy names another file than `path`, the table that is used.
void warn_of_other_table(const routing::PolicySpec& policy, const std::string& path);
/// "4 layers, null all (pooled), conformal, 1234 tokens"
std::string describe(const calibration::CalibrationTable& table);

}  // namespace bhroute::cli
