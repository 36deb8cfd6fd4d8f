#include "bhroute/evaluation/evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "decode_text.h"
#include "excerpt_probe.h"
#include "expert_counter.h"
#include "observer_list.h"
#include "router_metrics.h"
#include "scoring_consumer.h"

namespace bhroute::evaluation {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

template <class T>
double mean(const std::vector<T>& values) {
  if (values.empty()) return kUndefined;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// llama-perplexity's mean and standard error, term by term.
void fill_losses(RunResult& result, const std::vector<double>& losses) {
  double sum = 0.0, sum_of_squares = 0.0;
  for (double loss : losses) {
    sum += loss;
    sum_of_squares += loss * loss;
  }
  const auto count = static_cast<double>(losses.size());
  result.num_tokens = losses.size();
  result.loss = sum / count;
  const double variance = sum_of_squares / count - result.loss * result.loss;
  result.loss_se = count > 1.0 ? std::sqrt(std::max(variance, 0.0) / (count - 1.0)) : kUndefined;
  result.perplexity = std::exp(result.loss);
  result.perplexity_se = result.loss_se * result.perplexity;
  result.token_losses.assign(losses.begin(), losses.end());
}

void fill_comparison(RunResult& result, const RowScores& scores) {
  result.top1_agreement = mean(scores.top1_agrees);
  // A mean below 0 is rounding.
  result.kl = scores.kl.empty() ? kUndefined : std::max(mean(scores.kl), 0.0);
}

double relative_flops(const ModelDescription& model, double mean_experts) {
  const auto d = static_cast<double>(model.d_model);
  const double router = 2.0 * d * static_cast<double>(model.num_experts);
  const double expert = 3.0 * 2.0 * d * static_cast<double>(model.expert_d_ff);
  if (expert == 0.0) return kUndefined;
  return (router + mean_experts * expert) / (router + static_cast<double>(model.top_k) * expert);
}

// Over all layers, each by its own bounds.
std::pair<double, double> shares_at_bounds(const routing::PolicySpec& policy,
                                           const std::map<int, LayerResult>& layers) {
  double floor = 0.0, ceiling = 0.0, tokens = 0.0;
  for (const auto& [index, layer] : layers) {
    const auto num = static_cast<double>(layer.experts.num_tokens());
    const routing::CountBounds bounds = policy.for_layer(index).bounds();
    floor += num * layer.experts.share_at(bounds.min_k);
    ceiling += num * layer.experts.share_at(bounds.max_k);
    tokens += num;
  }
  return {floor / tokens, ceiling / tokens};
}

void fill_experts(RunResult& result, const ExpertCounter& counter, const ModelDescription& model) {
  const routing::PolicySpec& policy = result.policy;
  const ExpertCounts all = pooled_counts(counter.layers());
  result.layers = counter.layers();
  result.mean_experts = all.mean();
  result.sd_experts = all.sd();
  result.min_experts = all.min();
  result.max_experts = all.max();
  std::tie(result.floor_share, result.ceiling_share) = shares_at_bounds(policy, result.layers);
  result.relative_flops = relative_flops(model, result.mean_experts);
  result.num_nan_logits = counter.num_nan_logits();
  result.num_unroutable = counter.num_unroutable();
  fill_derived_metrics(result, model.num_experts);
}

void fill_metrics(RunResult& result, const RouterMetrics& metrics) {
  result.top_k_overlap = metrics.top_k_overlap();
  result.retained_mass = metrics.retained_mass();
  result.layer_consistency = metrics.layer_consistency();
  result.determinism = kUndefined;
}

Result<void> fill_probe(RunResult& result, ModelRunner& model, const routing::Policy* policy,
                        std::size_t own_k, const WindowedText& text) {
  return probe_excerpts(model, policy, own_k, text).map([&](Probe probe) {
    result.determinism = probe.determinism;
    result.distinct_experts = std::move(probe.distinct_experts);
  });
}

void fill_speed(RunResult& result, std::size_t num_decoded, double seconds) {
  const auto tokens = static_cast<double>(num_decoded);
  result.tokens_per_second = tokens / seconds;
  result.ms_per_token = 1e3 * seconds / tokens;
}

Result<void> check(const ModelRunner& model, const WindowedText& text, const OwnLogits* own,
                   Score score) {
  const std::size_t wanted = num_scored(text, score);
  if (wanted == 0) return invalid_input("text", "no position is scored");
  if (own != nullptr && own->num_rows() != wanted)
    return invalid_input("own logits", "of another text or setting",
                         std::to_string(own->num_rows()), std::to_string(wanted) + " rows");
  if (own != nullptr && own->row(0).size() != model.description().vocab_size)
    return invalid_input("own logits", "of another model", std::to_string(own->row(0).size()),
                         std::to_string(model.description().vocab_size) + " columns");
  return {};
}

// The model's own routing as a policy: with fewer slots than its top_k it takes what fits.
routing::PolicySpec own_policy(const ModelRunner& model, bool plain_override) {
  routing::PolicySpec spec;
  spec.rule = routing::Rule::top_k;
  spec.k = plain_override ? model.expert_slots()
                          : std::min(model.description().top_k, model.expert_slots());
  return spec;
}

}  // namespace

Result<RunResult> evaluate(ModelRunner& model, const WindowedText& text,
                           const routing::Policy* policy, const OwnLogits* own,
                           const EvaluateOptions& options, ProgressSink& progress) {
  if (auto checked = check(model, text, own, options.score); !checked)
    return tl::make_unexpected(checked.error());
  const ModelDescription& description = model.description();
  RunResult result;
  const bool plain = policy == nullptr && options.plain_override;
  result.policy = policy != nullptr ? policy->spec() : own_policy(model, plain);
  const std::size_t own_k = own_policy(model, plain).k;
  ExpertCounter counter(description.num_experts, own_k);
  RouterMetrics metrics(own_k, description.top_k);
  ObserverList observers({&counter, &metrics});
  if (options.log != nullptr) {
    options.log->set_policy(policy, own_k);
    observers.add(*options.log);
  }
  ScoringConsumer scorer(text, options.score, own, description.vocab_size, options.num_threads);
  auto scope = RoutingScope::enter(model, policy, &observers, plain);
  if (!scope) return tl::make_unexpected(scope.error());
  const auto seconds =
      decode_text(model, text, scored_span(text, options.score, 0).first, &scorer, "evaluate",
                  progress, options.log != nullptr ? 1 : std::size_t(-1));
  if (!seconds) return tl::make_unexpected(seconds.error());
  if (scorer.num_rows() != scorer.scores().losses.size())
    return failure("model", "not every scored position came out", std::to_string(scorer.num_rows()),
                   std::to_string(scorer.scores().losses.size()));
  fill_losses(result, scorer.scores().losses);
  fill_comparison(result, scorer.scores());
  fill_experts(result, counter, description);
  fill_metrics(result, metrics);
  fill_speed(result, text.num_windows * text.window,
             *seconds - scorer.seconds() - counter.seconds() - metrics.seconds());
  if (!options.probe) return result;
  if (auto probed = fill_probe(result, model, policy, own_k, text); !probed)
    return tl::make_unexpected(probed.error());
  return result;
}

}  // namespace bhroute::evaluation
