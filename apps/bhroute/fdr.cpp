// bhroute fdr: a multiple-testing procedure on a column of p-values, without any model.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bhroute/stats/procedure.h"
#include "command.h"
#include "json_output.h"
#include "p_value_file.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string file, method = "bh";
  stats::ProcedureParameters parameters;
};

bool uses(const Flags& flags, std::string_view parameter) {
  if (parameter == "lambda") return flags.method == "storey";
  if (parameter == "kappa") return flags.method == "e_bh";
  if (parameter == "beta") return flags.method == "hc_star";
  return !flags.method.starts_with("hc");
}

std::vector<std::pair<std::string, double>> parameters_of(const Flags& flags) {
  std::vector<std::pair<std::string, double>> list;
  const stats::ProcedureParameters& p = flags.parameters;
  for (const auto& [name, value] : {std::pair<const char*, double>{"alpha", p.alpha},
                                    {"lambda", p.lambda},
                                    {"kappa", p.kappa},
                                    {"beta", p.beta}})
    if (uses(flags, name)) list.emplace_back(name, value);
  return list;
}

std::vector<bool> booleans(const std::vector<std::uint8_t>& mask) {
  return {mask.begin(), mask.end()};
}

nlohmann::json to_json(const Flags& flags, const stats::TestResult& result) {
  nlohmann::json object = {{"method", flags.method},
                           {"num_hypotheses", result.p_values.size()},
                           {"num_rejections", result.num_rejections},
                           {"p_values", result.p_values},
                           {"rejected", booleans(result.mask)},
                           {"adjusted_p_values", result.adjusted_p_values},
                           {"critical_values", result.critical_values},
                           {"versions", versions_json()}};
  for (const auto& [name, value] : parameters_of(flags)) object[name] = value;
  return object;
}

std::string readable(const Flags& flags, const stats::TestResult& result) {
  std::string text = flags.method;
  for (const auto& [name, value] : parameters_of(flags))
    text += fmt::format(", {} = {}", name, value);
  text += fmt::format(": {} of {} rejected\n\n{:>6} {:>12} {:>12}\n", result.num_rejections,
                      result.p_values.size(), "index", "p-value", "adjusted");
  for (std::size_t i = 0; i < result.p_values.size(); ++i) {
    const std::string adjusted =
        result.adjusted_p_values.empty() ? "-" : fmt::format("{:.6g}", result.adjusted_p_values[i]);
    text += fmt::format("{:>6} {:>12.6g} {:>12}{}\n", i + 1, result.p_values[i], adjusted,
                        result.mask[i] ? "  rejected" : "");
  }
  return text;
}

Result<void> run(const Flags& flags, const Context& context) {
  const auto procedure = stats::make_procedure(flags.method, flags.parameters);
  if (!procedure) return tl::make_unexpected(procedure.error());
  return read_p_values(flags.file).map([&](const std::vector<double>& p_values) {
    const stats::TestResult result = stats::run(*procedure, p_values);
    context.console.out(context.json ? json_text(to_json(flags, result)) : readable(flags, result));
  });
}

}  // namespace

Action declare_fdr(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("p_values", flags->file,
                 "A CSV file of one column of p-values, a header or none; - for stdin")
      ->type_name("FILE")
      ->required();
  app.add_option("--alpha", flags->parameters.alpha, "Level, between 0 and 1 (default 0.05)")
      ->type_name("A");
  app.add_option("--method", flags->method,
                 fmt::format("{} (default bh)", fmt::join(stats::procedure_names(), ", ")))
      ->type_name("METHOD");
  app.add_option("--lambda", flags->parameters.lambda, "storey (default 0.5)")->type_name("L");
  app.add_option("--kappa", flags->parameters.kappa,
                 "e_bh: e = kappa * p^(kappa - 1) (default 0.5)")
      ->type_name("K");
  app.add_option("--beta", flags->parameters.beta, "hc_star: share of ranks (default 0.5)")
      ->type_name("B");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
