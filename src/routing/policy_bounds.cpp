#include "policy_bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "policy_fields.h"

namespace bhroute::routing {
namespace {

/// The interval of a number; 1 = the end itself is allowed.
struct Interval {
  std::string_view key;
  double low, high;
  bool low_in, high_in;
};

constexpr Interval kIntervals[] = {
    {"alpha", 0, 1, false, false}, {"lambda", 0, 1, false, false}, {"kappa", 0, 1, false, false},
    {"beta", 0, 1, false, true},   {"t", 0, 1, true, true},        {"p", 0, 1, false, true},
    {"m", 0, 1, true, true},       {"level", 0, 1, true, true},
};

std::string shown(const Interval& in) {
  return fmt::format("{} {} {} {} {}", in.low, in.low_in ? "<=" : "<", in.key,
                     in.high_in ? "<=" : "<", in.high);
}

bool holds(const Interval& in, double x) {
  return (x > in.low || (in.low_in && x == in.low)) &&
         (x < in.high || (in.high_in && x == in.high));
}

tl::unexpected<Error> out_of_range(std::string_view key, std::string got, std::string want) {
  return invalid_input(std::string(key), "out of range", std::move(got), std::move(want));
}

Result<void> check_number(std::string_view key, double x) {
  const bool positive = key == "temperature" || key == "sd";
  for (const Interval& in : kIntervals)
    if (in.key == key && !holds(in, x)) return out_of_range(key, fmt::format("{}", x), shown(in));
  if (!std::isfinite(x) || (positive && x <= 0.0))
    return out_of_range(key, fmt::format("{}", x),
                        positive ? "a finite number > 0" : "a finite number");
  return {};
}

Result<void> check_count(std::string_view key, std::size_t value, std::size_t low,
                         std::string_view low_name, std::size_t num_experts) {
  const bool fits = value >= low && (num_experts == 0 || value <= num_experts);
  if (fits) return {};
  const std::string high = num_experts == 0 ? "" : fmt::format(" <= {} experts", num_experts);
  return out_of_range(key, fmt::format("{}", value),
                      fmt::format("{} <= {}{}", low_name, key, high));
}

Result<void> check_band(const PolicySpec& spec, std::size_t num_experts) {
  if (spec.min_k < 1)
    return out_of_range("min_k", fmt::format("{}", spec.min_k), "1 <= min_k <= max_k");
  return check_count("max_k", spec.max_k, spec.min_k, fmt::format("min_k {}", spec.min_k),
                     num_experts);
}

Result<void> check_counts(std::string_view key, const std::vector<std::size_t>& counts,
                          std::size_t num_experts) {
  if (counts.empty()) return invalid_input(std::string(key), "missing", "", "a list of counts");
  for (std::size_t count : counts)
    if (auto ok = check_count(key, count, 1, "1", num_experts); !ok) return ok;
  return {};
}

Result<void> check_bins(const PolicySpec& spec, std::size_t num_experts) {
  if (auto ok = check_counts("counts", spec.counts, num_experts); !ok) return ok;
  if (spec.counts.size() != spec.edges.size() + 1)
    return invalid_input("counts", "wrong length", fmt::format("{}", spec.counts.size()),
                         fmt::format("one more than the {} edges", spec.edges.size()));
  for (std::size_t i = 0; i < spec.edges.size(); ++i)
    if (!std::isfinite(spec.edges[i]) || (i > 0 && !(spec.edges[i - 1] < spec.edges[i])))
      return invalid_input("edges", "not rising", fmt::format("{}", spec.edges[i]),
                           "finite numbers, each above the one before");
  return {};
}

Result<void> check_criticals(const PolicySpec& spec) {
  const std::size_t ranks = spec.max_k > spec.min_k ? spec.max_k - spec.min_k : 0;
  if (spec.criticals.size() != ranks)
    return invalid_input("criticals", "wrong length", fmt::format("{}", spec.criticals.size()),
                         fmt::format("one for each of the {} ranks {} to {} (min_k + 1 to max_k)",
                                     ranks, spec.min_k + 1, spec.max_k));
  for (double z : spec.criticals)
    if (std::isnan(z)) return invalid_input("criticals", "not a number", "nan", "a number");
  return {};
}

Result<void> check_own(const PolicySpec& spec, std::size_t num_experts) {
  if (spec.rule == Rule::top_k) return check_count("k", spec.k, 1, "1", num_experts);
  if (spec.rule == Rule::top_k_per_layer) return check_counts("ks", spec.ks, num_experts);
  if (spec.rule == Rule::entropy) return check_bins(spec, num_experts);
  if (spec.rule == Rule::critical) return check_criticals(spec);
  if (spec.rule == Rule::rank_signal) return check_count("rank", spec.rank, 1, "1", num_experts);
  return {};
}

Result<void> check_hash(const std::string& hash) {
  const bool fits = hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == hash.npos;
  if (hash.empty() || fits) return {};
  return invalid_input("table_sha256", "not a SHA-256", hash.substr(0, 70),
                       "64 lower-case hex digits");
}

}  // namespace

Result<void> check_bounds(const PolicySpec& spec, std::size_t num_experts) {
  PolicySpec copy = spec;
  for (const std::string& key : policy_keys(spec.rule)) {
    const PolicyField field = policy_field(copy, key);
    if (const auto* number = std::get_if<double*>(&field))
      if (auto ok = check_number(key, **number); !ok) return ok;
  }
  if (auto ok = check_own(spec, num_experts); !ok) return ok;
  if (auto ok = check_hash(spec.table_sha256); !ok) return ok;
  return is_static(spec.rule) ? Result<void>() : check_band(spec, num_experts);
}

}  // namespace bhroute::routing
