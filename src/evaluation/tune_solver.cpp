#include "tune_solver.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "parallel_rows.h"

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationTable;
using routing::PolicySpec;
using routing::Rule;
using TablePtr = std::shared_ptr<const CalibrationTable>;

double to_scale(const SolvedParameter& parameter, double x) {
  return parameter.log_odds ? std::log(x / (1.0 - x)) : x;
}
double from_scale(const SolvedParameter& parameter, double u) {
  return parameter.log_odds ? 1.0 / (1.0 + std::exp(-u)) : u;
}

// Compiling a policy costs by the layers of its table.
TablePtr only_layer(const TablePtr& table, int layer) {
  if (table == nullptr || table->layer(layer) == nullptr) return table;
  auto one = std::make_shared<CalibrationTable>();
  one->metadata = table->metadata;
  one->layers.emplace(layer, *table->layer(layer));
  return one;
}

Result<double> mean_count(const routing::Policy& policy, int layer, LogitsView rows) {
  routing::RoutingDecision decision;
  routing::RouteRequest request;
  request.allow_unroutable = true;
  if (auto ok = policy.route(rows, layer, request, decision); !ok)
    return tl::make_unexpected(ok.error());
  double sum = 0.0;
  for (std::int32_t count : decision.num_selected) sum += count;
  return sum / static_cast<double>(std::max<std::size_t>(1, decision.num_tokens));
}

Result<double> layer_mean(const PolicySpec& spec, int layer, const SolveInput& input,
                          const TablePtr& table) {
  const auto policy = routing::make_policy(spec, input.facts, table);
  if (!policy) return tl::make_unexpected(policy.error());
  return mean_count(**policy, layer, input.rows->spread(layer, input.num_rows));
}

// The smallest level that a conformal table's p-values can reach at rank 1.
double smallest_level(const CalibrationTable& table, std::size_t num_experts) {
  double n = 1e12;
  for (const auto& [index, layer] : table.layers)
    for (const auto& group : layer.groups)
      if (group.counts()) n = std::min(n, static_cast<double>(group.counts()->size()));
  return 1.001 * static_cast<double>(num_experts) / n;
}

SolvedParameter bounded(SolvedParameter parameter, const SolveInput& input) {
  if (std::string_view(parameter.key) == "alpha" && input.table != nullptr)
    parameter.low =
        std::clamp(smallest_level(*input.table, input.facts.num_experts), parameter.low, 0.5);
  return parameter;
}

// Remembers the first error, as the search itself cannot stop.
class Search {
 public:
  Search(const SolvedParameter& parameter, double target)
      : parameter_(parameter), target_(target) {}

  Result<double> run(const std::function<Result<double>(double)>& mean) {
    const double u = bisect(to_scale(parameter_, parameter_.low),
                            to_scale(parameter_, parameter_.high), parameter_.rising, target_,
                            [&](double at) { return value(mean(from_scale(parameter_, at))); });
    if (!any_) return tl::make_unexpected(*error_);
    return from_scale(parameter_, u);
  }

 private:
  // A value that the policy refuses (a level below what its table resolves) selects too few.
  double value(const Result<double>& mean) {
    if (mean) {
      any_ = true;
      return *mean;
    }
    error_ = mean.error();
    return 0.0;
  }
  SolvedParameter parameter_;
  double target_;
  bool any_ = false;
  std::optional<Error> error_;
};

Result<double> solve_layer(const PolicySpec& spec, int layer, double target,
                           const SolveInput& input) {
  const SolvedParameter parameter = bounded(solved_parameter(spec.rule), input);
  const TablePtr table = only_layer(input.table, layer);
  return Search(parameter, target).run([&](double x) -> Result<double> {
    PolicySpec one = spec.for_layer(layer);
    if (auto ok = routing::set_parameter(one, parameter.key, x); !ok)
      return tl::make_unexpected(ok.error());
    return layer_mean(one, layer, input, table);
  });
}

}  // namespace

SolvedParameter solved_parameter(Rule rule) {
  switch (rule) {
    case Rule::hc:
    case Rule::hc_plus:
    case Rule::top_k:
    case Rule::top_k_per_layer:
    case Rule::entropy:
    case Rule::critical:
      return {};
    case Rule::hc_star:
      return {"beta", 0.01, 1.0, true, false};
    case Rule::ser:
      return {"t", 0.0, 1.0, false, false};
    case Rule::top_p:
      return {"p", 0.001, 1.0, true, false};
    case Rule::min_p:
      return {"m", 0.0, 1.0, false, false};
    case Rule::prob_threshold:
      return {"level", 1e-6, 0.999, false, true};
    case Rule::skip_ratio:
      return {"beta", 1e-3, 1.0, false, false};
    case Rule::rank_signal:
      return {"k0", 0.0, 64.0, true, false};
    default:
      return {"alpha", 1e-7, 0.999, true, true};
  }
}

double bisect(double low, double high, bool rising, double target,
              const std::function<double(double)>& f) {
  const auto below = [&](double y) { return rising ? y < target : y > target; };
  double f_low = f(low), f_high = f(high);
  if (!below(f_low)) return low;
  if (below(f_high)) return high;
  for (int step = 0; step < 24; ++step) {
    const double middle = 0.5 * (low + high), y = f(middle);
    (below(y) ? low : high) = middle;
    (below(y) ? f_low : f_high) = y;
  }
  return std::abs(f_low - target) < std::abs(f_high - target) ? low : high;
}

Result<std::map<int, double>> mean_counts(const PolicySpec& spec, const SolveInput& input) {
  const auto policy = routing::make_policy(spec, input.facts, input.table);
  if (!policy) return tl::make_unexpected(policy.error());
  std::map<int, double> means;
  for (const auto& [layer, rows] : input.rows->layers()) {
    auto mean = mean_count(**policy, layer, input.rows->spread(layer, input.num_rows));
    if (!mean) return tl::make_unexpected(mean.error());
    means[layer] = *mean;
  }
  return means;
}

double mean_over_layers(const std::map<int, double>& means) {
  double sum = 0.0;
  for (const auto& [layer, mean] : means) sum += mean;
  return sum / static_cast<double>(std::max<std::size_t>(1, means.size()));
}

Result<PolicySpec> solve_each_layer(PolicySpec spec, const SolveInput& input,
                                    const std::map<int, double>& targets) {
  const SolvedParameter parameter = solved_parameter(spec.rule);
  if (parameter.key == nullptr) return spec;
  const std::vector<std::pair<int, double>> list(targets.begin(), targets.end());
  std::vector<std::optional<Result<double>>> solved(list.size());
  parallel_rows(list.size(), input.num_threads, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      solved[i] = solve_layer(spec, list[i].first, list[i].second, input);
  });
  double largest = 0.0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!*solved[i]) return tl::make_unexpected(solved[i]->error());
    spec.layers[list[i].first][parameter.key] = **solved[i];
    largest = std::max(largest, **solved[i]);
  }
  // What layers without their own would have: a table is checked against it too.
  if (auto ok = routing::set_parameter(spec, parameter.key, largest); !ok)
    return tl::make_unexpected(ok.error());
  return spec;
}

Result<PolicySpec> solve_all_layers(PolicySpec spec, const SolveInput& input, double target) {
  if (solved_parameter(spec.rule).key == nullptr) return spec;
  const SolvedParameter parameter = bounded(solved_parameter(spec.rule), input);
  const auto solved = Search(parameter, target).run([&](double x) -> Result<double> {
    PolicySpec one = spec;
    if (auto ok = routing::set_parameter(one, parameter.key, x); !ok)
      return tl::make_unexpected(ok.error());
    return mean_counts(one, input).map(mean_over_layers);
  });
  if (!solved) return tl::make_unexpected(solved.error());
  if (auto ok = routing::set_parameter(spec, parameter.key, *solved); !ok)
    return tl::make_unexpected(ok.error());
  return spec;
}

}  // namespace bhroute::evaluation
