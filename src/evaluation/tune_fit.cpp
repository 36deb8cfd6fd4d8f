#include "tune_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bhroute::evaluation {
namespace {

using calibration::CalibrationTable;
using routing::PolicySpec;
using routing::Rule;
using TablePtr = std::shared_ptr<const CalibrationTable>;

// Share of tokens that get one expert more, and of those that get one fewer: rank_signal, entropy.
constexpr double kTail = 0.2;
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr std::size_t kShippedRows = 256;  // enough for `predict`, small beside the counts

// The whole counts that lie within `width` of the budget.
routing::CountBounds band(double budget, std::size_t width, std::size_t num_experts) {
  const double w = static_cast<double>(width), most = static_cast<double>(num_experts);
  return {static_cast<std::size_t>(std::clamp(std::ceil(budget) - w, 1.0, most)),
          static_cast<std::size_t>(std::clamp(std::floor(budget) + w, 1.0, most))};
}

std::vector<double> entropies(LogitsView rows) {
  std::vector<double> values;
  for (std::size_t t = 0; t < rows.num_tokens; ++t) {
    double entropy = 0.0;
    for (double log_p : largest_log_probs(rows.token(t), rows.num_experts))
      entropy -= std::exp(log_p) * log_p;
    values.push_back(entropy);
  }
  return values;
}

// z = -1 and 1 at the tails: with a gain of 1/2 they get one expert fewer and one more.
void set_signal(PolicySpec& spec, int layer, double budget, LogitsView rows) {
  const auto rank = static_cast<std::size_t>(std::max(1L, std::lround(budget)));
  const auto values = log_probs_at(rows, rank);
  const double low = quantile_of(values, kTail), high = quantile_of(values, 1.0 - kTail);
  auto& own = spec.layers[layer];
  own["rank"] = rank;
  own["mean"] = 0.5 * (low + high);
  own["sd"] = std::max(0.5 * (high - low), 1e-6);
}

void set_bins(PolicySpec& spec, int layer, LogitsView rows) {
  const auto values = entropies(rows);
  const auto bounds = spec.for_layer(layer).bounds();
  const std::size_t middle = (bounds.min_k + bounds.max_k) / 2;
  spec.layers[layer]["edges"] =
      std::vector<double>{quantile_of(values, kTail), quantile_of(values, 1.0 - kTail)};
  spec.layers[layer]["counts"] = std::vector<std::size_t>{bounds.min_k, middle, bounds.max_k};
  // The rule needs lists of its own even where each layer has others.
  spec.edges = spec.for_layer(layer).edges;
  spec.counts = spec.for_layer(layer).counts;
}

// The log-probability beyond which a rank's expert is worth more than `bound`, of ranks min_k+1 to
// max_k, all of them measured.
std::vector<double> criticals_at(const std::map<std::size_t, Line>& by_rank,
                                 const routing::CountBounds& bounds, double bound) {
  std::vector<double> criticals;
  for (std::size_t rank = bounds.min_k + 1; rank <= bounds.max_k; ++rank) {
    const Line& line = by_rank.at(rank);
    if (line.slope > 0.0)
      criticals.push_back((bound - line.intercept) / line.slope);
    else
      criticals.push_back(line.intercept > bound ? -kNever : kNever);
  }
  return criticals;
}

}  // namespace

Result<TablePtr> Fit::table(const NullChoice& null) {
  for (const auto& [known, table] : tables_)
    if (known == null) return table;
  calibration::CalibrationOptions options;
  options.statistic = null.statistic;
  options.null = null.null;
  options.pooling = null.pooling;
  options.reservoir_rows = kShippedRows;
  options.reservoir_seed = options_.seed;
  // Half precision keeps the file small; one null an expert has 1/64 of the values to resolve.
  options.resolution = null.pooling == calibration::Pooling::pooled ? calibration::Resolution::f16
                                                                    : calibration::Resolution::bf16;
  auto calibrator = calibration::Calibrator::create(options, model_.num_experts, model_.top_k);
  if (!calibrator) return tl::make_unexpected(calibrator.error());
  for (const auto& [layer, values] : rows.layers())
    if (auto ok = calibrator->add(layer, rows.all(layer)); !ok)
      return tl::make_unexpected(ok.error());
  calibration::TableMetadata metadata;
  metadata.model_name = model_.name;
  metadata.model_sha256 = model_.sha256;
  metadata.text_sha256 = options_.text_sha256;
  metadata.command = options_.command;
  metadata.num_layers = model_.moe_layers.size();
  return calibrator->finish(metadata).map([&](CalibrationTable&& made) {
    tables_.emplace_back(null, std::make_shared<const CalibrationTable>(std::move(made)));
    return tables_.back().second;
  });
}

Result<std::map<int, double>> Fit::budgets(const Candidate& candidate) const {
  std::map<int, double> budgets;
  for (int layer : model_.moe_layers) budgets[layer] = options_.budget;
  if (candidate.shares != Shares::sensitivity) return budgets;
  const auto total = static_cast<std::size_t>(
      std::lround(options_.budget * static_cast<double>(model_.moe_layers.size())));
  const auto shares = cheapest_shares(losses, total);
  if (shares.empty())
    return failure("tune", "no shares of the budget were measured that sum to it",
                   std::to_string(total));
  for (const auto& [layer, k] : shares) budgets[layer] = static_cast<double>(k);
  return budgets;
}

Result<PolicySpec> Fit::start(const Candidate& candidate,
                              const std::map<int, double>& budgets) const {
  PolicySpec spec;
  spec.rule = candidate.rule;
  spec.weights = candidate.weights;
  spec.k = candidate.k;
  spec.k0 = options_.budget;
  if (candidate.rule == Rule::top_k) return spec;
  if (candidate.rule == Rule::top_k_per_layer) {
    // Layers without experts take an entry too, which nobody reads.
    spec.ks.assign(static_cast<std::size_t>(budgets.rbegin()->first) + 1, 1);
    for (const auto& [layer, budget] : budgets)
      spec.ks[static_cast<std::size_t>(layer)] = static_cast<std::size_t>(std::lround(budget));
    return spec;
  }
  const auto common = band(options_.budget, candidate.width, model_.num_experts);
  spec.min_k = common.min_k;
  spec.max_k = common.max_k;
  for (const auto& [layer, budget] : budgets) {
    const bool is_first = layer == budgets.begin()->first;
    const std::size_t width =
        is_first ? std::max(candidate.width, candidate.first_width) : candidate.width;
    const auto own = band(budget, width, model_.num_experts);
    if (candidate.shares == Shares::sensitivity || width != candidate.width) {
      spec.layers[layer]["min_k"] = own.min_k;
      spec.layers[layer]["max_k"] = own.max_k;
    }
    const LogitsView view = rows.spread(layer, options_.num_rows);
    if (candidate.rule == Rule::rank_signal) set_signal(spec, layer, budget, view);
    if (candidate.rule == Rule::entropy) set_bins(spec, layer, view);
  }
  return spec;
}

Result<PolicySpec> Fit::solve_benefit(const PolicySpec& spec, const SolveInput& input) const {
  if (benefits.empty()) return failure("tune", "the experts' benefits were not measured");
  const auto at = [&](double bound) {
    PolicySpec one = spec;
    one.criticals.assign(spec.max_k - spec.min_k, kNever);
    for (const auto& [layer, by_rank] : benefits)
      one.layers[layer]["criticals"] = criticals_at(by_rank, spec.for_layer(layer).bounds(), bound);
    return one;
  };
  std::optional<Error> error;
  const double bound = bisect(-10.0, 10.0, false, options_.budget, [&](double x) {
    const auto means = mean_counts(at(x), input);
    if (!means) error = means.error();
    return means ? mean_over_layers(*means) : 0.0;
  });
  if (error) return tl::make_unexpected(*error);
  return at(bound);
}

Result<Fit::Solved> Fit::solve(const Candidate& candidate, const LogitRows& its_rows) {
  TablePtr null_table;
  if (routing::uses_p_values(candidate.rule)) {
    auto made = table(candidate.null);
    if (!made) return tl::make_unexpected(made.error());
    null_table = *made;
  }
  const auto targets = budgets(candidate);
  if (!targets) return tl::make_unexpected(targets.error());
  auto spec = start(candidate, *targets);
  if (!spec) return tl::make_unexpected(spec.error());
  const SolveInput in{&its_rows, options_.num_rows, options_.num_threads, model_.facts(),
                      null_table};
  auto solved = candidate.shares == Shares::benefit ? solve_benefit(*spec, in)
                : candidate.per_layer               ? solve_each_layer(*spec, in, *targets)
                                                    : solve_all_layers(*spec, in, options_.budget);
  if (!solved) return tl::make_unexpected(solved.error());
  const auto means = mean_counts(*solved, in);
  if (!means) return tl::make_unexpected(means.error());
  return Solved{*solved, null_table, mean_over_layers(*means)};
}

}  // namespace bhroute::evaluation
