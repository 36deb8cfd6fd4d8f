#pragma once
// From a list of configurations to jobs in the order they are run.

#include <map>
#include <string>
#include <vector>

#include "bhroute/evaluation/sweep.h"

namespace bhroute::evaluation {

/// A null distribution to route by: where it came from, a hash of that, and the table (null = the
/// empirical fallback).
struct TableSource {
  std::string path;
  std::string sha256;
  std::shared_ptr<const calibration::CalibrationTable> table;
};
using TableSources = std::map<std::string, TableSource>;  // by null name

/// Hashes each table's file, or the files of its folder. Errors: a table without a path, an
/// unreadable file.
Result<TableSources> hash_tables(const SweepOptions& options);

struct Job {
  const Configuration* configuration = nullptr;
  std::size_t index = 0;     ///< in the list
  std::size_t slots = 0;     ///< expert slots it needs
  bool own_routing = false;  ///< the model's own routing with `slots` experts, no policy: a plain
                             ///< override
  std::string slug;          ///< name of its files
  TableSource table;
};

struct Plan {
  std::vector<Job>
      jobs;  ///< the baseline first, then grouped by slots, beginning with the baseline's
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// Errors: two configurations whose names make one file name; a policy's own table that cannot be
/// read.
Result<Plan> plan_sweep(const std::vector<Configuration>& configurations,
                        const ModelDescription& model, const TableSources& tables);

/// Letters, digits, '.', '_' and '-' of a name, everything else as '-'.
std::string slug(std::string_view name);

}  // namespace bhroute::evaluation
