#include "bhroute/evaluation/run_result.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "bhroute/core/json.h"
#include "bhroute/stats/descriptive.h"
#include "expert_counter.h"
#include "json_count.h"
#include "result_fields.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

// JSON has no NaN and no infinity: such a number is absent.
void put(json& object, const char* key, double value) {
  if (std::isfinite(value)) object[key] = value;
}

json layer_to_json(int index, const LayerResult& layer, routing::CountBounds bounds) {
  json object{{"layer", index},
              {"num_tokens", layer.experts.num_tokens()},
              {"min", layer.experts.min()},
              {"max", layer.experts.max()},
              {"histogram", layer.experts.histogram},
              {"utilisation", layer.utilisation}};
  put(object, "mean_experts", layer.experts.mean());
  put(object, "sd", layer.experts.sd());
  put(object, "floor_share", layer.experts.share_at(bounds.min_k));
  put(object, "ceiling_share", layer.experts.share_at(bounds.max_k));
  return object;
}

json layers_to_json(const RunResult& result) {
  json list = json::array();
  for (const auto& [index, layer] : result.layers)
    list.push_back(layer_to_json(index, layer, result.policy.for_layer(index).bounds()));
  return list;
}

void read_numbers(const json& object, RunResult& result) {
  constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
  for (const auto& field : kRealFields) result.*field.member = object.value(field.key, undefined);
  for (const auto& field : kCountFields) result.*field.member = count_of(object.at(field.key));
  for (const auto& field : kOptionalFields)
    if (object.contains(field.key)) result.*field.member = object.at(field.key).get<double>();
}

int layer_of(const json& value) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(count_of(value), most));
}

void read_layers(const json& list, RunResult& result) {
  for (const json& object : list) {
    LayerResult& layer = result.layers[layer_of(object.at("layer"))];
    layer.experts.histogram = counts_of(object.at("histogram"));
    layer.utilisation = counts_of(object.at("utilisation"));
  }
}

void read_token_losses(const json& list, RunResult& result) {
  for (const json& loss : list)
    result.token_losses.push_back(loss.is_null() ? std::numeric_limits<float>::quiet_NaN()
                                                 : loss.get<float>());
}

void put_distinct(json& object, const RunResult& result) {
  if (result.distinct_experts.empty()) return;
  json& list = object["distinct_experts"] = json::array();
  for (const DistinctExperts& each : result.distinct_experts)
    list.push_back({{"batch", each.batch}, {"experts", each.experts}});
}

void put_tasks(json& object, const RunResult& result) {
  for (const TaskScore& each : result.tasks)
    object["tasks"].push_back({{"task", each.task},
                               {"path", each.path},
                               {"sha256", each.sha256},
                               {"num_items", each.num_items},
                               {"num_correct", each.num_correct},
                               {"accuracy", each.accuracy},
                               {"accuracy_low", each.accuracy_low},
                               {"accuracy_high", each.accuracy_high}});
}

void read_tasks(const json& list, RunResult& result) {
  for (const json& each : list)
    result.tasks.push_back({each.at("task").get<std::string>(), each.at("path").get<std::string>(),
                            each.at("sha256").get<std::string>(), count_of(each.at("num_items")),
                            count_of(each.at("num_correct")), each.at("accuracy").get<double>(),
                            each.at("accuracy_low").get<double>(),
                            each.at("accuracy_high").get<double>()});
}

void read_distinct(const json& list, RunResult& result) {
  for (const json& each : list)
    result.distinct_experts.push_back(
        {count_of(each.at("batch")), each.at("experts").get<double>()});
}

void read_all_but_policy(const json& object, RunResult& result) {
  object.at("name").get_to(result.name);
  object.at("role").get_to(result.role);
  object.at("marking").get_to(result.marking);
  object.at("null").get_to(result.null);
  object.at("table").get_to(result.table);
  read_numbers(object, result);
  result.static_reference = object.value("static_reference", "");
  if (object.contains("distinct_experts")) read_distinct(object.at("distinct_experts"), result);
  if (object.contains("tasks")) read_tasks(object.at("tasks"), result);
  read_layers(object.at("layers"), result);
  if (object.contains("token_losses")) read_token_losses(object.at("token_losses"), result);
}

}  // namespace

json to_json(const RunResult& result, bool with_token_losses) {
  json object{{"name", result.name},       {"role", result.role},
              {"marking", result.marking}, {"null", result.null},
              {"table", result.table},     {"policy", routing::to_json(result.policy)}};
  for (const auto& field : kRealFields) put(object, field.key, result.*field.member);
  for (const auto& field : kCountFields) object[field.key] = result.*field.member;
  for (const auto& field : kOptionalFields)
    if (result.*field.member) put(object, field.key, *(result.*field.member));
  object["histogram"] = pooled_counts(result.layers).histogram;
  if (!result.static_reference.empty()) object["static_reference"] = result.static_reference;
  put_distinct(object, result);
  put_tasks(object, result);
  object["layers"] = layers_to_json(result);
  if (with_token_losses) object["token_losses"] = result.token_losses;
  return object;
}

json result_units() {
  json units = json::object();
  for (const auto& field : kRealFields) units[field.key] = field.unit;
  for (const auto& field : kCountFields) units[field.key] = field.unit;
  for (const auto& field : kOptionalFields) units[field.key] = field.unit;
  units["distinct_experts"] =
      "different experts of a layer that a batch of so many tokens of different sequences selects";
  units["tasks"] = "accuracy: share of items, 0 to 1, with Wilson's 95 % interval";
  units["histogram"] = "tokens (summed over layers, or of one layer) with 0, 1, 2, ... experts";
  units["utilisation"] = "tokens of the layer that selected expert 0, 1, 2, ...";
  units["token_losses"] = "nats, in order of windows and positions";
  units["layers"] = "as the whole run's, of one layer; sd, min, max: experts per token";
  return units;
}

Result<RunResult> run_result_from_json(const json& object, std::string_view where) {
  RunResult result;
  try {
    read_all_but_policy(object, result);
  } catch (const json::exception& problem) {
    return invalid_input(std::string(where), "not a run's result: " + json_problem(problem.what()));
  }
  if (!object.contains("policy"))
    return invalid_input(std::string(where), "not a run's result: key 'policy' is missing");
  auto policy = routing::policy_from_json(object["policy"], where);
  if (!policy) return tl::make_unexpected(policy.error());
  result.policy = std::move(*policy);
  return result;
}

Result<void> pair_with_baseline(RunResult& result, const RunResult& baseline) {
  if (result.token_losses.size() != baseline.token_losses.size())
    return invalid_input(result.name, "cannot be paired with the baseline",
                         std::to_string(result.token_losses.size()) + " scored tokens",
                         std::to_string(baseline.token_losses.size()));
  const std::vector<double> own(result.token_losses.begin(), result.token_losses.end());
  const std::vector<double> base(baseline.token_losses.begin(), baseline.token_losses.end());
  const stats::MeanWithError difference = stats::paired_difference(own, base);
  result.loss_difference = difference.mean;
  result.loss_difference_se = difference.standard_error;
  return {};
}

}  // namespace bhroute::evaluation
