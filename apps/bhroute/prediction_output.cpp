#include "prediction_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bhroute/routing/alpha_note.h"

namespace bhroute::cli {
namespace {

using evaluation::PredictedList;
using evaluation::PredictedRun;
using evaluation::RunResult;
using nlohmann::json;

constexpr const char* kCriterion =
    "the same weights, and other experts for at most 0.1 % of the sampled (token, layer) pairs";

double measured_mean(const RunResult& run, int layer) {
  const auto found = run.layers.find(layer);
  return found == run.layers.end() ? 0.0 : found->second.experts.mean();
}

double drift(double predicted, double measured) { return measured / predicted - 1.0; }

std::string percent(double share) { return fmt::format("{:.1f}%", 100.0 * share); }

std::string layer_row(const std::string& name, double mean, double sd, double floor,
                      double ceiling) {
  return fmt::format("{:<10} {:>9.3f} {:>7.3f} {:>8} {:>8}", name, mean, sd, percent(floor),
                     percent(ceiling));
}

std::string beside(double predicted, double measured) {
  return fmt::format(" {:>9.3f} {:>8}", measured,
                     fmt::format("{:+.1f}%", 100.0 * drift(predicted, measured)));
}

std::string names(const PredictedList& list, const std::vector<std::size_t>& group) {
  std::string text;
  for (std::size_t i : group) text += (text.empty() ? "" : " = ") + list.runs[i].name;
  return text;
}

/// The first layer, the farthest one and all: how far what was measured lies from the prediction.
std::string drift_in_words(const evaluation::Prediction& all, const RunResult& measured) {
  const auto off = [&](const auto& layer) {
    return drift(layer.second.experts.mean(), measured_mean(measured, layer.first));
  };
  const auto farthest = std::ranges::max_element(
      all.layers, {}, [&](const auto& layer) { return std::abs(off(layer)); });
  return fmt::format(
      "Measured against predicted: {:+.1f}% in the first layer ({}), {:+.1f}% in the farthest "
      "({}), "
      "{:+.1f}% over all layers.\n",
      100.0 * off(*all.layers.begin()), all.layers.begin()->first, 100.0 * off(*farthest),
      farthest->first, 100.0 * drift(all.mean_experts, measured.mean_experts));
}

std::string note_text(const routing::PolicySpec& policy) {
  const std::string note = routing::alpha_note(policy);
  return note.empty() ? "" : note + "\n";
}

json shares(double mean, double sd, double floor, double ceiling) {
  return {{"mean_experts", mean},
          {"sd_experts", sd},
          {"floor_share", floor},
          {"ceiling_share", ceiling}};
}

}  // namespace

std::string readable(const PredictedList& list) {
  std::size_t width = 38;
  for (const PredictedRun& run : list.runs) width = std::max(width, run.name.size());
  std::string text = fmt::format("{:<{}} {:>8} {:>7} {:>8} {:>8}\n", "predicted", width, "experts",
                                 "sd", "floor", "ceiling");
  for (const PredictedRun& run : list.runs)
    text += fmt::format("{:<{}} {:>8.3f} {:>7.3f} {:>8} {:>8}\n", run.name, width,
                        run.prediction.mean_experts, run.prediction.sd_experts,
                        percent(run.prediction.floor_share), percent(run.prediction.ceiling_share));
  const auto groups = indistinguishable(list.runs);
  if (!groups.empty()) text += fmt::format("indistinguishable ({}):\n", kCriterion);
  for (const auto& group : groups) text += "  " + names(list, group) + "\n";
  for (const PredictedRun& run : list.runs)
    if (!routing::alpha_note(run.policy).empty()) {
      text += note_text(run.policy);
      break;
    }
  for (const std::string& note : list.notes) text += "not predicted: " + note + "\n";
  return text;
}

std::string readable(const PredictedRun& run, const RunResult* measured) {
  const auto& all = run.prediction;
  std::string text = fmt::format("{}\n{:<10} {:>9} {:>7} {:>8} {:>8}", run.name, "layer",
                                 "predicted", "sd", "floor", "ceiling");
  text += measured == nullptr ? "\n" : fmt::format(" {:>9} {:>8}\n", "measured", "drift");
  for (const auto& [index, layer] : all.layers) {
    text += layer_row(std::to_string(index), layer.experts.mean(), layer.experts.sd(),
                      layer.floor_share, layer.ceiling_share);
    if (measured != nullptr) text += beside(layer.experts.mean(), measured_mean(*measured, index));
    text += "\n";
  }
  text += layer_row("all", all.mean_experts, all.sd_experts, all.floor_share, all.ceiling_share);
  if (measured != nullptr) text += beside(all.mean_experts, measured->mean_experts);
  text +=
      "\nThe first layer's logits depend on no routing before it; the deeper a layer, the more "
      "the policy itself shifts them.\n";
  if (measured != nullptr && !all.layers.empty()) text += drift_in_words(all, *measured);
  return text + note_text(run.policy);
}

json to_json(const PredictedRun& run, const RunResult* measured) {
  const auto& all = run.prediction;
  json object = shares(all.mean_experts, all.sd_experts, all.floor_share, all.ceiling_share);
  object["name"] = run.name;
  object["policy"] = routing::to_json(run.policy);
  if (const auto note = routing::alpha_note(run.policy); !note.empty()) object["note"] = note;
  json layers = json::array();
  for (const auto& [index, layer] : all.layers) {
    json one =
        shares(layer.experts.mean(), layer.experts.sd(), layer.floor_share, layer.ceiling_share);
    one["layer"] = index;
    if (measured != nullptr) {
      one["measured_mean_experts"] = measured_mean(*measured, index);
      one["drift"] = drift(layer.experts.mean(), measured_mean(*measured, index));
    }
    layers.push_back(std::move(one));
  }
  object["layers"] = std::move(layers);
  if (measured != nullptr) {
    object["measured_mean_experts"] = measured->mean_experts;
    object["drift"] = drift(all.mean_experts, measured->mean_experts);
  }
  return object;
}

json to_json(const PredictedList& list) {
  json runs = json::array(), groups = json::array();
  for (const PredictedRun& run : list.runs) runs.push_back(to_json(run, nullptr));
  for (const auto& group : indistinguishable(list.runs)) {
    json members = json::array();
    for (std::size_t i : group) members.push_back(list.runs[i].name);
    groups.push_back(std::move(members));
  }
  return {{"runs", runs},
          {"indistinguishable", groups},
          {"criterion", kCriterion},
          {"notes", list.notes}};
}

}  // namespace bhroute::cli
