#include "sweep_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "bhroute/core/sha256.h"
#include "bhroute/routing/policy_table.h"

namespace bhroute::evaluation {
namespace {

namespace fs = std::filesystem;

// A folder of the original system's pickles counts by the names and contents of its files.
Result<std::string> hash_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem))
    if (entry.is_regular_file(problem)) files.push_back(entry.path());
  if (problem) return invalid_input(folder.string(), "cannot be listed: " + problem.message());
  std::ranges::sort(files);
  std::string all;
  for (const fs::path& file : files) {
    auto digest = sha256_file(file);
    if (!digest) return digest;
    all += file.filename().string() + ' ' + *digest + '\n';
  }
  return sha256(all);
}

Result<std::string> hash_path(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) ? hash_folder(path) : sha256_file(path);
}

bool needs_table(const Configuration& configuration) {
  return routing::uses_p_values(configuration.policy.rule);
}

// The policy's own table before the one given for its null.
Result<const TableSource*> find_table(const Configuration& configuration,
                                      const ModelDescription& model, const TableSources& tables,
                                      TableSource& loaded) {
  const std::string& path = configuration.policy.table;
  if (path.empty()) {
    const auto found = tables.find(configuration.null);
    return found == tables.end() ? nullptr : &found->second;
  }
  auto table = routing::open_policy_table(configuration.policy, model.moe_layers);
  if (!table) return tl::make_unexpected(table.error());
  auto digest = hash_path(path);
  if (!digest) return tl::make_unexpected(digest.error());
  loaded = {path, *digest, *table};
  return &loaded;
}

Job make_job(const Configuration& configuration, std::size_t index) {
  Job job;
  job.configuration = &configuration;
  job.index = index;
  job.slots = configuration.policy.largest_k();
  job.own_routing = configuration.plain_override;
  job.slug = slug(configuration.name);
  return job;
}

Result<void> add_job(Plan& plan, Job job, const ModelDescription& model,
                     const TableSources& tables) {
  const Configuration& configuration = *job.configuration;
  if (job.slots > model.num_experts) {
    plan.notes.push_back(fmt::format("{}: left out, {} {} is above the model's {} experts",
                                     configuration.name, needs_table(configuration) ? "max_k" : "k",
                                     job.slots, model.num_experts));
    return {};
  }
  if (needs_table(configuration)) {
    TableSource loaded;
    auto table = find_table(configuration, model, tables, loaded);
    if (!table) return tl::make_unexpected(table.error());
    if (*table == nullptr) {
      plan.notes.push_back(fmt::format("{}: left out, no table was given for the null '{}'",
                                       configuration.name, configuration.null));
      return {};
    }
    job.table = **table;
  }
  plan.jobs.push_back(std::move(job));
  return {};
}

// Stable: the baseline, then those of its slots, then groups in order of first appearance.
void order_jobs(std::vector<Job>& jobs) {
  const auto is_baseline = [](const Job& job) { return job.configuration->role == "baseline"; };
  // Not std::ranges: clang 14 cannot compile libstdc++ 12's subrange, which that returns.
  std::stable_partition(jobs.begin(), jobs.end(), is_baseline);
  std::map<std::size_t, std::size_t> rank;
  for (const Job& job : jobs) rank.emplace(job.slots, rank.size());
  std::ranges::stable_sort(jobs, {}, [&](const Job& job) { return rank.at(job.slots); });
}

}  // namespace

std::string slug(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const bool keep = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '.' || c == '_' || c == '-';
    if (keep)
      text += c;
    else if (!text.empty() && text.back() != '-')
      text += '-';
  }
  while (text.ends_with('-')) text.pop_back();
  return text.empty() || text.front() == '.' ? std::string("run").append(text) : text;
}

Result<TableSources> hash_tables(const SweepOptions& options) {
  TableSources sources;
  for (const auto& [null, given] : options.tables) {
    const auto& [path, table] = given;
    if (path.empty() && table != nullptr)
      return invalid_input("table of the null '" + null + "'", "has no path to be known by");
    TableSource source{path, "none", table};
    if (!path.empty()) {
      auto digest = hash_path(path);
      if (!digest) return tl::make_unexpected(digest.error());
      source.sha256 = std::move(*digest);
    }
    sources.emplace(null, std::move(source));
  }
  return sources;
}

Result<Plan> plan_sweep(const std::vector<Configuration>& configurations,
                        const ModelDescription& model, const TableSources& tables) {
  Plan plan;
  std::set<std::string> slugs;
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    Job job = make_job(configurations[i], i);
    if (!slugs.insert(job.slug).second)
      return invalid_input(configurations[i].name, "another configuration has the same file name",
                           job.slug + ".json");
    if (auto added = add_job(plan, std::move(job), model, tables); !added)
      return tl::make_unexpected(added.error());
  }
  order_jobs(plan.jobs);
  return plan;
}

}  // namespace bhroute::evaluation
