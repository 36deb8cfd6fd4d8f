// A self-check in sentences and as JSON.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bhroute/evaluation/self_check.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

constexpr double kShown = 0.05;  // the alpha that sentences speak of

std::string h0_of(const calibration::TableMetadata& table) {
  switch (table.null.kind) {
    case calibration::NullKind::all:
      return "the logit is one of the layer's logits";
    case calibration::NullKind::unselected:
      return "the logit looks like that of an expert the router leaves out";
    case calibration::NullKind::trimmed:
      break;
  }
  return fmt::format("the logit looks like one outside a token's {} largest",
                     table.null.num_trimmed);
}

std::string layer_list(const SelfCheck& check, Verdict verdict) {
  std::string text;
  for (const auto& [index, layer] : check.layers)
    if (layer.verdict == verdict)
      text += fmt::format("{}{} ({:.3f})", text.empty() ? "" : ", ", index, layer.ks);
  return text;
}

const RateCheck* rate_at(const LayerCheck& layer, double alpha) {
  const auto found = std::ranges::find(layer.rates, alpha, &RateCheck::alpha);
  return found == layer.rates.end() ? nullptr : &*found;
}

// The layer whose share under H0 is farthest from alpha.
std::string worst_rate(const SelfCheck& check) {
  double worst = -1.0;
  std::string text;
  for (const auto& [index, layer] : check.layers) {
    const RateCheck* rate = rate_at(layer, kShown);
    if (rate == nullptr || std::abs(rate->h0_share - kShown) <= worst) continue;
    worst = std::abs(rate->h0_share - kShown);
    text =
        fmt::format("layer {}: {:.4f} of H0's p-values are <= {}", index, rate->h0_share, kShown);
  }
  return text;
}

std::string consequence(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "a p-value there is the share of H0's logits that are as large";
    case Verdict::roughly:
      return "counts will be somewhat off what was calibrated; orders and comparisons are not "
             "touched";
    case Verdict::fails:
      break;
  }
  return "alpha has no meaning there on this text: calibrate on text like this one, or treat alpha "
         "as a dial only";
}

void add_verdicts(const SelfCheck& check, std::vector<std::string>& words) {
  for (Verdict verdict : {Verdict::holds, Verdict::roughly, Verdict::fails}) {
    const std::string layers = layer_list(check, verdict);
    if (!layers.empty())
      words.push_back(
          fmt::format("H0 {} in layers {}: {}.", to_string(verdict), layers, consequence(verdict)));
  }
}

void add_bound(const SelfCheck& check, std::vector<std::string>& words) {
  double most = 0.0;
  for (const auto& [index, layer] : check.layers)
    if (const RateCheck* rate = rate_at(layer, kShown))
      most = std::max(most, rate->mean_rejections);
  const double bound = kShown * static_cast<double>(check.fresh.num_experts);
  if (check.is_bounded())
    words.push_back(fmt::format(
        "The null `all` makes p-values uniform by construction, so at most N*alpha = {:.2f} "
        "experts "
        "a token are selected at alpha {} on average, before min_k; measured: at most {:.2f} in "
        "any "
        "layer{}.",
        bound, kShown, most, most <= bound ? "" : ", beyond the bound: this text is another one"));
  else
    words.push_back(fmt::format(
        "The bound N*alpha = {:.2f} at alpha {} is the null `all`'s, pooled, and does not apply to "
        "this table; measured: at most {:.2f} experts a token in any layer, before min_k.",
        bound, kShown, most));
}

json rate_json(const RateCheck& rate, double num_experts) {
  return {{"alpha", rate.alpha},
          {"h0_share", rate.h0_share},
          {"mean_p_below", rate.mean_p_below},
          {"mean_rejections", rate.mean_rejections},
          {"bound", rate.alpha * num_experts}};
}

json drift_json(const LogitDrift& drift) {
  if (std::isnan(drift.ks)) return nullptr;
  return {{"ks", drift.ks}, {"mean_shift", drift.mean_shift}, {"sd_ratio", drift.sd_ratio}};
}

json layer_json(int index, const LayerCheck& layer, double num_experts) {
  json qq = json::array(), rates = json::array();
  for (const auto& [expected, observed] : layer.qq) qq.push_back({expected, observed});
  for (const RateCheck& rate : layer.rates) rates.push_back(rate_json(rate, num_experts));
  return {{"layer", index},
          {"num_p_values", layer.num_p_values},
          {"ks", layer.ks},
          {"verdict", std::string(to_string(layer.verdict))},
          {"qq", qq},
          {"rates", rates},
          {"drift", drift_json(layer.drift)}};
}

}  // namespace

std::vector<std::string> in_words(const SelfCheck& check) {
  std::vector<std::string> words;
  words.push_back(
      fmt::format("H0 of the null `{}`: {}.", to_string(check.table.null), h0_of(check.table)));
  add_verdicts(check, words);
  if (const auto rate = worst_rate(check); !rate.empty())
    words.push_back("Farthest from its level is " + rate + ".");
  add_bound(check, words);
  words.push_back(
      "min_k >= 1 selects experts whatever their p-values are, and the p-values of one token "
      "depend "
      "on each other: alpha is a dial with a meaning, no guarantee on false selections.");
  return words;
}

json to_json(const SelfCheck& check) {
  json layers = json::array();
  const auto num_experts = static_cast<double>(check.fresh.num_experts);
  for (const auto& [index, layer] : check.layers)
    layers.push_back(layer_json(index, layer, num_experts));
  return {{"null", to_string(check.table.null)},
          {"statistic", std::string(to_string(check.table.statistic))},
          {"pooling", std::string(to_string(check.table.pooling))},
          {"model", check.fresh.model_name},
          {"num_experts", check.fresh.num_experts},
          {"num_tokens", check.fresh.num_tokens},
          {"text_sha256", check.fresh.text_sha256},
          {"calibration_text_sha256", check.table.text_sha256},
          {"bound_applies", check.is_bounded()},
          {"layers", layers},
          {"summary", in_words(check)}};
}

}  // namespace bhroute::evaluation
