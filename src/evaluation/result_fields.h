#pragma once
// The numbers of a RunResult, listed once: JSON, CSV and units are made from here.

#include "bhroute/evaluation/run_result.h"

namespace bhroute::evaluation {

struct RealField {
  const char* key;
  double RunResult::*member;
  const char* unit;
};

struct CountField {
  const char* key;
  std::size_t RunResult::*member;
  const char* unit;
};

struct OptionalField {
  const char* key;
  std::optional<double> RunResult::*member;
  const char* unit;
};

inline constexpr RealField kRealFields[] = {
    {"perplexity", &RunResult::perplexity, "exp(loss), no unit"},
    {"perplexity_se", &RunResult::perplexity_se, "standard error of perplexity, no unit"},
    {"loss", &RunResult::loss, "nats per scored token"},
    {"loss_se", &RunResult::loss_se, "nats per scored token, standard error"},
    {"kl", &RunResult::kl, "nats per scored token, KL(own routing || policy)"},
    {"top1_agreement", &RunResult::top1_agreement, "share of scored tokens, 0 to 1"},
    {"mean_experts", &RunResult::mean_experts, "experts per token and layer"},
    {"sd_experts", &RunResult::sd_experts, "experts per token and layer"},
    {"floor_share", &RunResult::floor_share,
     "share of tokens and layers with min_k experts, 0 to 1"},
    {"ceiling_share", &RunResult::ceiling_share,
     "share of tokens and layers with max_k experts, 0 to 1"},
    {"relative_flops", &RunResult::relative_flops,
     "FLOPs of router and selected experts relative to the model's own top_k; slots of weight 0, "
     "which an engine may compute all the same, are not counted"},
    {"activation_ratio", &RunResult::activation_ratio, "mean_experts over the number of experts"},
    {"flops_reduction", &RunResult::flops_reduction, "1 - relative_flops"},
    {"expert_utilisation", &RunResult::expert_utilisation,
     "share of the experts that any token selected, mean over layers"},
    {"gini", &RunResult::gini, "Gini coefficient of the experts' tokens, mean over layers, 0 to 1"},
    {"adaptive_range", &RunResult::adaptive_range, "experts, max_experts - min_experts"},
    {"selection_entropy", &RunResult::selection_entropy,
     "nats, entropy of the experts' shares of the selections, mean over layers"},
    {"layer_variance", &RunResult::layer_variance,
     "experts squared, variance of the layers' mean experts"},
    {"layer_consistency", &RunResult::layer_consistency,
     "correlation of a token's counts in neighbouring layers, mean over pairs, -1 to 1"},
    {"top_k_overlap", &RunResult::top_k_overlap,
     "share of the model's own top_k that is selected, 0 to 1"},
    {"retained_mass", &RunResult::retained_mass,
     "router mass of the selected experts over that of the model's own top_k"},
    {"determinism", &RunResult::determinism,
     "share of choices that are the same when the tokens are decoded a second time, 0 to 1"},
    {"tokens_per_second", &RunResult::tokens_per_second, "decoded tokens per second"},
    {"ms_per_token", &RunResult::ms_per_token, "milliseconds per decoded token"},
};

inline constexpr CountField kCountFields[] = {
    {"num_tokens", &RunResult::num_tokens, "scored tokens"},
    {"min_experts", &RunResult::min_experts, "experts per token and layer"},
    {"max_experts", &RunResult::max_experts, "experts per token and layer"},
    {"num_nan_logits", &RunResult::num_nan_logits, "router logits"},
    {"num_unroutable", &RunResult::num_unroutable, "tokens and layers"},
};

inline constexpr OptionalField kOptionalFields[] = {
    {"loss_difference", &RunResult::loss_difference,
     "nats per scored token, this run minus the baseline, paired by token"},
    {"loss_difference_se", &RunResult::loss_difference_se,
     "nats per scored token, standard error of the paired difference"},
    {"loss_difference_low", &RunResult::loss_difference_low,
     "nats per scored token, lower bound of the 95 % interval of loss_difference"},
    {"loss_difference_high", &RunResult::loss_difference_high,
     "nats per scored token, upper bound of the 95 % interval of loss_difference"},
    {"static_difference", &RunResult::static_difference,
     "nats per scored token, this run minus a fixed number of experts at the same mean, paired"},
    {"static_difference_low", &RunResult::static_difference_low,
     "nats per scored token, lower bound of the 95 % interval of static_difference"},
    {"static_difference_high", &RunResult::static_difference_high,
     "nats per scored token, upper bound of the 95 % interval of static_difference"},
};

}  // namespace bhroute::evaluation
