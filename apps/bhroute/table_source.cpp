#include "table_source.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "bhroute/calibration/kde_pickles.h"
#include "bhroute/core/log.h"
#include "bhroute/routing/policy_table.h"

namespace bhroute::cli {
namespace {

std::string short_hash(const std::string& hash) { return hash.substr(0, 12); }

std::string named(const std::string& name, const std::string& hash) {
  return fmt::format("{} (sha256 {}...)", name.empty() ? "a model" : name, short_hash(hash));
}

}  // namespace

Result<SourcedTable> open_table_of(const routing::PolicySpec& policy, const std::string& flag,
                                   const std::vector<int>& layers) {
  if (!routing::uses_p_values(policy.rule)) {
    if (!flag.empty()) log_info("--table is not used: the policy is " + routing::to_string(policy));
    return SourcedTable{};
  }
  if (!flag.empty() && !policy.table.empty() && flag != policy.table)
    return invalid_input("--table", "the policy names another table", flag, policy.table);
  routing::PolicySpec bound = policy;
  if (!flag.empty()) bound.table = flag;
  auto table = bound.table.empty() ? calibration::find_kde_table(layers)
                                   : routing::open_policy_table(bound, layers);
  return table.map([&](TablePtr& found) { return SourcedTable{bound.table, std::move(found)}; });
}

Result<void> check_made_for(const SourcedTable& table, const evaluation::ModelDescription& model,
                            bool force) {
  if (table.table == nullptr) return {};
  const auto& metadata = table.table->metadata;
  const std::string where = table.path.empty() ? "table" : table.path;
  if (metadata.model_sha256.empty()) {
    log_info(where + ": the table does not say which model it was made from");
    return {};
  }
  if (metadata.model_sha256 == model.sha256) return {};
  const std::string theirs = named(metadata.model_name, metadata.model_sha256);
  const std::string ours = named(model.name, model.sha256);
  if (!force)
    return invalid_input(where,
                         "the table was made from another model (--force uses it all the same)",
                         theirs, ours);
  log_warning(fmt::format("{}: the table was made from another model, {}, and is used for {}",
                          where, theirs, ours));
  return {};
}

void warn_of_other_table(const routing::PolicySpec& policy, const std::string& path) {
  std::error_code ignored;
  if (policy.table.empty() || std::filesystem::equivalent(policy.table, path, ignored)) return;
  log_warning(fmt::format("{}: the policy names another table, {}", path, policy.table));
}

std::string describe(const calibration::CalibrationTable& table) {
  const auto& m = table.metadata;
  std::string text =
      fmt::format("{} layers, null {} ({}), {} p-values", table.layers.size(), to_string(m.null),
                  calibration::to_string(m.pooling), stats::to_string(m.form));
  if (m.statistic != calibration::Statistic::logit)
    text += fmt::format(", statistic {}", calibration::to_string(m.statistic));
  if (m.smoothing_kernel != "none")
    text += fmt::format(", smoothing kernel {}", m.smoothing_kernel);
  if (m.num_tokens > 0) text += fmt::format(", {} tokens", m.num_tokens);
  return text;
}

}  // namespace bhroute::cli
