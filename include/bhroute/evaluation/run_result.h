#pragma once
// One configuration's result, and its JSON form.

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bhroute/core/error.h"
#include "bhroute/evaluation/scoring.h"
#include "bhroute/routing/policy_spec.h"

namespace bhroute::evaluation {

/// Counts of experts per token, of one layer or of all.
struct ExpertCounts {
  std::vector<std::uint64_t> histogram;  ///< [k] = tokens with k experts, k = 0..num_experts
  double mean() const;
  double sd() const;  ///< population
  std::size_t min() const;
  std::size_t max() const;
  std::uint64_t num_tokens() const;
  double share_at(std::size_t k) const;
};

struct LayerResult {
  ExpertCounts experts;
  std::vector<std::uint64_t> utilisation;  ///< [expert] = tokens that selected it
};

/// How many different experts of a layer a batch of tokens of different sequences needs.
struct DistinctExperts {
  std::size_t batch = 0;  ///< tokens
  double experts = 0.0;   ///< mean over layers and batches
};

/// Accuracy on a task's file, with Wilson's 95 % interval.
struct TaskScore {
  std::string task, path, sha256;  ///< form ("lambada", "hellaswag") and file
  std::size_t num_items = 0, num_correct = 0;
  double accuracy = 0.0, accuracy_low = 0.0, accuracy_high = 1.0;  ///< shares, 0 to 1
};

/// Keys of design's `evaluate --json` and of results.json; losses in nats.
struct RunResult {
  std::string name;                ///< e.g. "bh alpha=0.05 max_k=16"
  std::string role = "reference";  ///< baseline, grid or reference
  std::string
      marking;        ///< "", "renormalized", "unselected", "static": what sets it beside the grid
  std::string null;   ///< name of the table's null ("all", "unselected"); "" for top_k
  std::string table;  ///< the table's path
  routing::PolicySpec policy;
  double perplexity = 0.0;
  double perplexity_se = 0.0;  ///< perplexity * loss_se, llama-perplexity's "+/-"
  double loss = 0.0;
  double loss_se = 0.0;
  std::size_t num_tokens = 0;  ///< scored
  double mean_experts = 0.0;
  double sd_experts = 0.0;
  std::size_t min_experts = 0, max_experts = 0;
  double floor_share = 0.0, ceiling_share = 0.0;
  double kl = 0.0;  ///< mean KL(own routing || policy), nats
  double top1_agreement = 0.0;
  double relative_flops =
      0.0;  ///< MoE part (router and selected experts) relative to the model's own top_k
  double tokens_per_second = 0.0, ms_per_token = 0.0;
  // docs/metrics.md has the formulas; NaN where one is not defined.
  double activation_ratio = 0.0, flops_reduction = 0.0, expert_utilisation = 0.0, gini = 0.0;
  double adaptive_range = 0.0, selection_entropy = 0.0, layer_variance = 0.0,
         layer_consistency = 0.0;
  double top_k_overlap = 0.0, retained_mass = 0.0;
  double determinism = 0.0;                       ///< NaN without a probe
  std::vector<DistinctExperts> distinct_experts;  ///< empty without a probe
  std::vector<TaskScore> tasks;                   ///< empty where none was asked for
  std::size_t num_nan_logits = 0, num_unroutable = 0;
  std::map<int, LayerResult> layers;
  std::vector<float>
      token_losses;  ///< in order of windows and positions: what pairs two configurations
  // Against the baseline, paired by token; absent until there is one.
  std::optional<double> loss_difference, loss_difference_se;
  std::optional<double> loss_difference_low,
      loss_difference_high;  ///< 95 %, block bootstrap over windows
  // Against a fixed number of experts at the same mean; absent where no fixed counts lie on both
  // sides.
  std::optional<double> static_difference, static_difference_low, static_difference_high;
  std::string static_reference;  ///< which: "top_k weights=native, k 4 and 5"
};

/// A number that is NaN or infinite is left out.
nlohmann::json to_json(const RunResult& result, bool with_token_losses);
/// The unit of each key that holds a number, as an object of strings.
nlohmann::json result_units();
Result<RunResult> run_result_from_json(const nlohmann::json& object, std::string_view where);
/// Fills loss_difference and loss_difference_se. Errors: different numbers of scored tokens.
Result<void> pair_with_baseline(RunResult& result, const RunResult& baseline);

}  // namespace bhroute::evaluation
