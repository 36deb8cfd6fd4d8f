#include "evaluation_output.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "bhroute/routing/alpha_note.h"
#include "json_output.h"

namespace bhroute::cli {
namespace {

using evaluation::RunResult;

std::string line(const char* label, const std::string& value) {
  return fmt::format("{:<24}{}\n", label, value);
}

std::string losses(const Evaluation& e) {
  const RunResult& r = e.run;
  std::string text =
      line("perplexity", fmt::format("{:.4f} +/- {:.4f}", r.perplexity, r.perplexity_se));
  text += line("loss", fmt::format("{:.4f} +/- {:.4f} nats a token, {} tokens scored ({})", r.loss,
                                   r.loss_se, r.num_tokens, e.score));
  if (!e.own_loss) return text;
  text += line("own routing",
               fmt::format("perplexity {:.4f}, loss {:.4f}", std::exp(*e.own_loss), *e.own_loss));
  if (r.loss_difference)
    text += line("difference",
                 fmt::format("{:+.4f} +/- {:.4f} nats a token (policy - own routing, paired)",
                             *r.loss_difference, r.loss_difference_se.value_or(0.0)));
  text += line("KL(own || policy)", fmt::format("{:.4f} nats", r.kl));
  return text + line("top-1 agreement", fmt::format("{:.2f} %", 100.0 * r.top1_agreement));
}

std::string experts(const Evaluation& e) {
  const RunResult& r = e.run;
  std::string text =
      line("experts per token",
           fmt::format("mean {:.3f}, sd {:.3f}, min {}, max {} (own top_k {})", r.mean_experts,
                       r.sd_experts, r.min_experts, r.max_experts, e.model.top_k));
  if (!routing::is_static(r.policy.rule))
    text += line("bounds", fmt::format("{:.1f} % of tokens at min_k = {}, {:.1f} % at max_k = {}",
                                       100.0 * r.floor_share, r.policy.min_k,
                                       100.0 * r.ceiling_share, r.policy.max_k));
  std::string layers;
  for (const auto& [layer, result] : r.layers)
    layers += fmt::format("{}{}: {:.2f}", layers.empty() ? "" : ", ", layer, result.experts.mean());
  text += line("mean experts by layer", layers);
  if (r.num_nan_logits > 0) text += line("NaN router logits", std::to_string(r.num_nan_logits));
  return text + line("MoE FLOPs", fmt::format("{:.3f} of the own top_k's", r.relative_flops));
}

std::string metrics(const RunResult& r) {
  std::string text = line(
      "router", fmt::format("{:.1f} % of the own top_k selected, {:.1f} % of its router mass kept",
                            100.0 * r.top_k_overlap, 100.0 * r.retained_mass));
  std::string distinct;
  for (const auto& each : r.distinct_experts)
    distinct += fmt::format("{}{}: {:.1f}", distinct.empty() ? "" : ", ", each.batch, each.experts);
  if (!distinct.empty()) text += line("distinct by batch", distinct + " experts a layer");
  for (const auto& task : r.tasks)
    text += line(task.task.c_str(),
                 fmt::format("{:.1f} % right ({} of {}), 95 % interval {:.1f} to {:.1f} %",
                             100.0 * task.accuracy, task.num_correct, task.num_items,
                             100.0 * task.accuracy_low, 100.0 * task.accuracy_high));
  return text;
}

}  // namespace

nlohmann::json to_json(const Evaluation& e) {
  nlohmann::json object = evaluation::to_json(e.run, false);
  object[kFormatVersionKey] = kRunFormat.version;
  object["model"] = {{"path", e.model.path},
                     {"sha256", e.model.sha256},
                     {"name", e.model.name},
                     {"top_k", e.model.top_k}};
  object["text"] = {
      {"path", e.text_path}, {"sha256", e.text_sha256}, {"tokens_sha256", e.tokens_sha256}};
  object["window"] = e.window;
  object["num_windows"] = e.num_windows;
  object["score"] = e.score;
  object["versions"] = versions_json();
  object["command"] = e.command_line;
  object["units"] = evaluation::result_units();
  if (const auto note = routing::alpha_note(e.run.policy); !note.empty()) object["note"] = note;
  if (e.own_loss) object["own_loss"] = *e.own_loss;
  if (e.own_loss) object["own_perplexity"] = std::exp(*e.own_loss);
  return object;
}

std::string readable(const Evaluation& e) {
  std::string text = line("policy", to_string(e.run.policy));
  if (const auto note = routing::alpha_note(e.run.policy); !note.empty()) text += line("", note);
  if (routing::uses_p_values(e.run.policy.rule))
    text += line("table", e.run.table.empty() ? "none: empirical fallback" : e.run.table);
  text += losses(e) + experts(e) + metrics(e.run);
  return text + line("speed", fmt::format("{:.1f} tokens/s, {:.3f} ms a token",
                                          e.run.tokens_per_second, e.run.ms_per_token));
}

}  // namespace bhroute::cli
