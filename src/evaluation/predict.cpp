#include "bhroute/evaluation/predict.h"

#include <algorithm>

#include "bhroute/routing/policy_table.h"
#include "expert_counter.h"

namespace bhroute::evaluation {
namespace {

// FNV-1a over the ids, which are in the policy's order; sorted first, as order is not selection.
std::uint64_t hash_selection(const routing::RoutingDecision& decision, std::size_t t,
                             std::vector<std::int32_t>& ids) {
  const auto begin = decision.expert_ids.begin() + static_cast<std::ptrdiff_t>(t * decision.max_k);
  ids.assign(begin, begin + decision.num_selected[t]);
  std::sort(ids.begin(), ids.end());
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (std::int32_t id : ids) hash = (hash ^ static_cast<std::uint64_t>(id)) * 0x100000001b3ULL;
  return hash;
}

LayerPrediction summarize(const ExpertCounts& experts, const routing::CountBounds& bounds) {
  return {experts, experts.share_at(bounds.min_k), experts.share_at(bounds.max_k)};
}

void fill_totals(Prediction& prediction, const std::map<int, LayerResult>& layers) {
  const ExpertCounts all = pooled_counts(layers);
  prediction.mean_experts = all.mean();
  prediction.sd_experts = all.sd();
  const auto total = static_cast<double>(all.num_tokens());
  for (const auto& [index, layer] : prediction.layers) {
    const double weight = static_cast<double>(layer.experts.num_tokens()) / total;
    prediction.floor_share += weight * layer.floor_share;
    prediction.ceiling_share += weight * layer.ceiling_share;
  }
}

bool alike(const PredictedRun& a, const PredictedRun& b) {
  const auto& x = a.prediction.selections;
  const auto& y = b.prediction.selections;
  if (a.policy.weights != b.policy.weights || a.policy.temperature != b.policy.temperature ||
      x.size() != y.size())
    return false;
  std::size_t different = 0;
  for (std::size_t i = 0; i < x.size(); ++i) different += x[i] != y[i] ? 1 : 0;
  return static_cast<double>(different) <= kIndistinguishableShare * static_cast<double>(x.size());
}

using TablePtr = std::shared_ptr<const calibration::CalibrationTable>;

// Rules that read no p-values need sampled rows only.
TablePtr any_with_rows(const TablesByNull& tables) {
  for (const auto& [null, source] : tables)
    if (source.second != nullptr && !source.second->samples.empty()) return source.second;
  return nullptr;
}

Result<TablePtr> table_for(const Configuration& one, const TablesByNull& tables) {
  if (!routing::uses_p_values(one.policy.rule)) return any_with_rows(tables);
  if (!one.policy.table.empty()) return routing::open_policy_table(one.policy);
  const auto found = tables.find(one.null);
  return found == tables.end() ? nullptr : found->second.second;
}

}  // namespace

routing::RouterFacts facts_of(const calibration::TableMetadata& metadata) {
  return {metadata.num_experts, metadata.top_k, false};
}

Result<Prediction> predict(const std::map<int, calibration::RowSample>& samples,
                           const routing::Policy& policy) {
  if (samples.empty())
    return invalid_input("table", "has no sampled rows to predict from", "",
                         "a table made with --reservoir N, N > 0");
  Prediction prediction;
  ExpertCounter counter(policy.facts().num_experts, policy.facts().top_k);
  routing::RoutingDecision decision;
  std::vector<std::int32_t> ids;
  for (const auto& [layer, sample] : samples) {
    routing::RouteRequest request;
    request.allow_unroutable = true;
    if (auto ok = policy.route(sample.view(), layer, request, decision); !ok)
      return tl::make_unexpected(ok.error());
    counter.on_layer(layer, sample.view(), &decision);
    for (std::size_t t = 0; t < decision.num_tokens; ++t)
      prediction.selections.push_back(hash_selection(decision, t, ids));
  }
  for (const auto& [layer, result] : counter.layers())
    prediction.layers[layer] = summarize(result.experts, policy.spec().for_layer(layer).bounds());
  fill_totals(prediction, counter.layers());
  return prediction;
}

Result<PredictedList> predict_list(const std::vector<Configuration>& configurations,
                                   const TablesByNull& tables) {
  PredictedList list;
  for (const Configuration& one : configurations) {
    auto table = table_for(one, tables);
    if (!table) return tl::make_unexpected(table.error());
    if (*table == nullptr || (*table)->samples.empty()) {
      list.notes.push_back(one.name + (*table == nullptr ? ": no table to predict it from"
                                                         : ": its table has no sampled rows"));
      continue;
    }
    const auto facts = facts_of((*table)->metadata);
    if (one.policy.largest_k() > facts.num_experts) {
      list.notes.push_back(one.name + ": wants more experts than the model has");
      continue;
    }
    auto policy = routing::make_policy(one.policy, facts, *table);
    if (!policy) {
      list.notes.push_back(one.name + ": " + to_string(policy.error()));
      continue;
    }
    auto predicted = predict((*table)->samples, **policy);
    if (!predicted) return tl::make_unexpected(predicted.error());
    list.runs.push_back({one.name, one.policy, *std::move(predicted)});
  }
  return list;
}

std::vector<std::vector<std::size_t>> indistinguishable(const std::vector<PredictedRun>& runs) {
  std::vector<std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto home = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return alike(runs[group.front()], runs[i]);
    });
    if (home == groups.end())
      groups.push_back({i});
    else
      home->push_back(i);
  }
  std::erase_if(groups, [](const auto& group) { return group.size() < 2; });
  return groups;
}

}  // namespace bhroute::evaluation
