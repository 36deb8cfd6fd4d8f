#include "tune_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bhroute::evaluation {
namespace {

using calibration::NullKind;
using calibration::Pooling;
using calibration::Statistic;
using routing::Rule;

bool wanted(const TuneOptions& options, Rule rule) {
  return options.rules.empty() || std::ranges::count(options.rules, rule) > 0;
}

std::vector<NullChoice> bh_nulls(const TuneOptions& options) {
  const auto trimmed = static_cast<std::size_t>(std::lround(options.budget));
  std::vector<NullChoice> nulls;
  for (auto statistic : {Statistic::log_prob, Statistic::logit, Statistic::standardized})
    for (auto null : {calibration::NullSpec{NullKind::unselected, 0},
                      {NullKind::all, 0},
                      {NullKind::trimmed, trimmed}})
      for (auto pooling : {Pooling::pooled, Pooling::per_expert})
        nulls.push_back({statistic, null, pooling});
  return nulls;
}

std::string share_name(const Candidate& c) {
  if (c.shares == Shares::benefit) return ", by benefit";
  if (c.shares == Shares::sensitivity) return ", shares by sensitivity";
  return c.per_layer ? "" : ", one parameter";
}

std::string null_name(const NullChoice& null) {
  return fmt::format(" {} {}{}", calibration::to_string(null.statistic), to_string(null.null),
                     null.pooling == Pooling::per_expert ? " per expert" : "");
}

void add_rule(std::vector<Candidate>& list, Rule rule, const TuneOptions& options) {
  Candidate one;
  one.rule = rule;
  one.weights = options.weights.front();
  if (rule == Rule::top_k_per_layer) one.shares = Shares::sensitivity;
  if (rule == Rule::critical) one.shares = Shares::benefit;
  if (rule == Rule::bh) {
    for (const NullChoice& null : bh_nulls(options)) {
      one.null = null;
      list.push_back(one);
    }
    return;
  }
  list.push_back(one);
  if (rule == Rule::critical) {
    one.first_width = kWidestMeasured;
    list.push_back(one);
  }
}

}  // namespace

std::string Candidate::name() const {
  std::string text(routing::to_string(rule));
  if (rule == Rule::top_k) text += fmt::format(" {}", k);
  if (routing::uses_p_values(rule)) text += null_name(null);
  if (rule != Rule::top_k) text += share_name(*this);
  if (is_adaptive()) text += fmt::format(", +-{}", width);
  if (first_width > 0) text += fmt::format(", first layer +-{}", first_width);
  return text + fmt::format(", {}", routing::to_string(weights));
}

std::vector<Candidate> static_candidates(const TuneOptions& options) {
  const auto low = static_cast<std::size_t>(std::floor(options.budget));
  const auto high = static_cast<std::size_t>(std::ceil(options.budget));
  std::vector<Candidate> list;
  for (routing::WeightRule weights : options.weights)
    for (std::size_t k = std::max<std::size_t>(low, 2) - 1; k <= high + 1; ++k) {
      Candidate one;
      one.rule = Rule::top_k;
      one.k = k;
      one.weights = weights;
      list.push_back(one);
    }
  return list;
}

std::vector<Candidate> first_candidates(const TuneOptions& options) {
  std::vector<Candidate> list;
  for (Rule rule : routing::all_rules())
    if (rule == Rule::top_k_per_layer || (rule != Rule::top_k && wanted(options, rule)))
      add_rule(list, rule, options);
  return list;
}

std::vector<Candidate> variants_of(const Candidate& candidate, const TuneOptions& options) {
  std::vector<Candidate> list;
  const auto add = [&](auto change) {
    Candidate one = candidate;
    change(one);
    if (!(one == candidate)) list.push_back(one);
  };
  if (candidate.shares != Shares::benefit) {
    add([](Candidate& c) { c.width = 2; });
    add([](Candidate& c) { c.per_layer = false; });
    add([](Candidate& c) { c.shares = Shares::sensitivity; });
  }
  for (std::size_t i = 1; i < options.weights.size(); ++i)
    add([&](Candidate& c) { c.weights = options.weights[i]; });
  return list;
}

}  // namespace bhroute::evaluation
