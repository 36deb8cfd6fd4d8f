// bhroute explain: one token's logits, step by step.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "command.h"
#include "explanation.h"
#include "json_output.h"
#include "number_flags.h"
#include "table_source.h"
#include "token_logits.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string table, logits, policy;
  int layer = 0;
  bool why = false, normalizes_weights = false;
};

// Without --policy: the default rule, within what a token with few experts can have.
Result<routing::PolicySpec> read_policy(const std::string& text, std::size_t num_experts) {
  if (!text.empty()) return routing::parse_policy(text);
  routing::PolicySpec spec;
  spec.max_k = std::min(spec.max_k, num_experts);
  return spec;
}

routing::RouterFacts facts_of(const Flags& flags, const calibration::CalibrationTable& table,
                              std::size_t num_experts) {
  constexpr std::size_t usual = 8;  // a table that does not say: what most such models have
  const std::size_t top_k = table.metadata.top_k > 0 ? table.metadata.top_k : usual;
  return {num_experts, std::min(top_k, num_experts), flags.normalizes_weights};
}

// A table that holds fewer layers than its model has falls back in the others, wherever they lie;
// beyond those no model has a layer.
Result<void> check_layer(const Flags& flags, const calibration::CalibrationTable& table) {
  const auto indices = std::views::keys(table.layers);
  const auto held = static_cast<int>(table.layers.size());
  const int missing = std::max(0, static_cast<int>(table.metadata.num_layers) - held);
  const int last = indices.empty() ? -1 : table.layers.rbegin()->first;
  if (table.layers.contains(flags.layer) || (missing > 0 && flags.layer <= last + missing))
    return {};
  return invalid_input(flags.table, "no such layer", std::to_string(flags.layer),
                       fmt::format("{}", fmt::join(indices, ", ")));
}

Result<void> check_count(const Flags& flags, std::size_t num_logits,
                         const calibration::CalibrationTable& table) {
  const std::size_t num_experts = table.metadata.num_experts;
  if (num_experts == 0 || num_logits == num_experts) return {};
  return invalid_input(flags.logits, "another number of logits than the table has experts",
                       std::to_string(num_logits), std::to_string(num_experts));
}

Result<Explanation> explain(const Flags& flags) {
  auto logits = read_token_logits(flags.logits);
  if (!logits) return tl::make_unexpected(logits.error());
  const auto spec = read_policy(flags.policy, logits->size());
  if (!spec) return tl::make_unexpected(spec.error());
  if (auto ok = routing::validate(*spec, logits->size()); !ok)
    return tl::make_unexpected(ok.error());
  if (flags.why && spec->rule != routing::Rule::bh)
    return invalid_input("--why", "compares p-values, which this policy has none of",
                         to_string(*spec), "a bh policy");
  const auto table = open_table(flags.table);
  if (!table) return tl::make_unexpected(table.error());
  warn_of_other_table(*spec, flags.table);
  if (auto ok = check_count(flags, logits->size(), **table); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = check_layer(flags, **table); !ok) return tl::make_unexpected(ok.error());
  const auto policy = routing::make_policy(*spec, facts_of(flags, **table, logits->size()), *table);
  if (!policy) return tl::make_unexpected(policy.error());
  Explanation found{
      std::move(*logits),           flags.layer, flags.table + ", " + describe(**table),
      spec->for_layer(flags.layer), {},          {}};
  const LogitsView view{found.logits.data(), 1, found.logits.size(), found.logits.size()};
  if (auto ok = (*policy)->route(view, flags.layer, {.stats = true}, found.decision); !ok)
    return tl::make_unexpected(ok.error());
  if (flags.why) found.why = alternatives(found.logits, *spec);
  return found;
}

Result<void> run(const Flags& flags, const Context& context) {
  return explain(flags).map([&](const Explanation& found) {
    context.console.out(context.json ? json_text(to_json(found)) : readable(found));
  });
}

}  // namespace

Action declare_explain(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("table", flags->table, "A table, or a folder of the original system's pickles")
      ->type_name("TABLE")
      ->required();
  app.add_option("--layer", flags->layer, "The layer's index, as in the model's tensor names")
      ->check(in_range(0, 10000))
      ->type_name("L")
      ->required();
  app.add_option("--logits", flags->logits,
                 "One token's router logits: numbers separated by blanks or commas,\n"
                 "a .npy of shape [N] or [1, N], or - for stdin")
      ->type_name("FILE")
      ->required();
  app.add_option("--policy", flags->policy,
                 "bh:alpha=A,min_k=K,max_k=K,weights=RULE,... , top_k:k=K or a JSON file\n"
                 "(default bh:alpha=0.05,min_k=1,max_k=8)")
      ->type_name("POLICY");
  app.add_flag("--why", flags->why, "Also what p-values that do not work would select, and why");
  app.add_flag("--normalizes-weights", flags->normalizes_weights,
               "The model renormalises its own weights (Mixtral, Qwen3-MoE)");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
