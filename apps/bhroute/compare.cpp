// bhroute compare: two runs of the same text, paired.

#include "bhroute/evaluation/compare.h"

#include <fmt/format.h>

#include "command.h"
#include "json_output.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string a, b;
};

std::string described(const char* side, const evaluation::StoredRun& run) {
  return fmt::format("{}  {}, {}: loss {:.4f}, perplexity {:.3f}, {:.3f} experts a token\n", side,
                     run.result.name, run.model_name, run.result.loss, run.result.perplexity,
                     run.result.mean_experts);
}

std::string readable(const evaluation::Comparison& found, const evaluation::StoredRun& a,
                     const evaluation::StoredRun& b) {
  return fmt::format(
      "{}{}A - B {:+.4f} nats a token, 95 % interval {:+.4f} to {:+.4f} ({} tokens in {} "
      "windows)\n{}\n",
      described("A", a), described("B", b), found.difference.estimate, found.difference.low,
      found.difference.high, found.num_tokens, found.num_windows, found.verdict);
}

Result<void> run(const Flags& flags, const Context& context) {
  const auto a = evaluation::load_run(flags.a);
  if (!a) return tl::make_unexpected(a.error());
  const auto b = evaluation::load_run(flags.b);
  if (!b) return tl::make_unexpected(b.error());
  return evaluation::compare_runs(*a, *b).map([&](const evaluation::Comparison& found) {
    context.console.out(context.json ? json_text(to_json(found, *a, *b)) : readable(found, *a, *b));
  });
}

}  // namespace

Action declare_compare(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("run_a", flags->a,
                 "DIR/runs/NAME.json of a sweep, or the file of evaluate --summary")
      ->type_name("RUN")
      ->required();
  app.add_option("run_b", flags->b, "The same of the other run")->type_name("RUN")->required();
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
