#include "bhroute/stats/procedure.h"

#include <fmt/format.h>

#include <type_traits>

#include "bhroute/core/did_you_mean.h"

namespace bhroute::stats {
namespace {

using Parameters = ProcedureParameters;

struct Method {
  const char* name;
  Procedure (*make)(const Parameters&);
};

constexpr Method kMethods[] = {
    {"bh", [](const Parameters& p) -> Procedure { return BenjaminiHochberg{p.alpha}; }},
    {"by", [](const Parameters& p) -> Procedure { return BenjaminiYekutieli{p.alpha}; }},
    {"storey",
     [](const Parameters& p) -> Procedure {
       return Storey{p.alpha, p.lambda};
     }},
    {"bky", [](const Parameters& p) -> Procedure { return TwoStage{p.alpha}; }},
    {"bonferroni", [](const Parameters& p) -> Procedure { return Bonferroni{p.alpha}; }},
    {"holm", [](const Parameters& p) -> Procedure { return Holm{p.alpha}; }},
    {"hochberg", [](const Parameters& p) -> Procedure { return Hochberg{p.alpha}; }},
    {"fixed", [](const Parameters& p) -> Procedure { return FixedLevel{p.alpha}; }},
    {"e_bh",
     [](const Parameters& p) -> Procedure {
       return EBenjaminiHochberg{p.alpha, p.kappa};
     }},
    {"hc",
     [](const Parameters&) -> Procedure {
       return HigherCriticism{HcSearch::all, 1.0};
     }},
    {"hc_plus",
     [](const Parameters&) -> Procedure {
       return HigherCriticism{HcSearch::below_uniform, 1.0};
     }},
    {"hc_star", [](const Parameters& p) -> Procedure {
       return HigherCriticism{HcSearch::first_share, p.beta};
     }}};

Result<void> check_open(const char* key, double value) {
  if (value > 0.0 && value < 1.0) return {};
  return invalid_input(key, "out of range", fmt::format("{}", value),
                       fmt::format("0 < {} < 1", key));
}

Result<void> check(std::string_view name, const Parameters& p) {
  if (name.starts_with("hc")) {
    const bool fits = name != "hc_star" || (p.beta > 0.0 && p.beta <= 1.0);
    if (fits) return {};
    return invalid_input("beta", "out of range", fmt::format("{}", p.beta), "0 < beta <= 1");
  }
  if (auto ok = check_open("alpha", p.alpha); !ok) return ok;
  if (name == "storey") return check_open("lambda", p.lambda);
  if (name == "e_bh") return check_open("kappa", p.kappa);
  return {};
}

}  // namespace

const std::vector<std::string>& procedure_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Method& method : kMethods) list.emplace_back(method.name);
    return list;
  }();
  return names;
}

Result<Procedure> make_procedure(std::string_view name, const ProcedureParameters& parameters) {
  for (const Method& method : kMethods) {
    if (name != method.name) continue;
    return check(name, parameters).map([&] { return method.make(parameters); });
  }
  return invalid_input("method", "unknown procedure", std::string(name),
                       suggestion(name, procedure_names()));
}

TestResult run(const Procedure& procedure, std::span<const double> p_values) {
  return std::visit([&](const auto& one) { return run(one, p_values); }, procedure);
}

std::optional<StepTest> step_test(const Procedure& procedure, std::size_t num_hypotheses) {
  return std::visit(
      [&](const auto& one) -> std::optional<StepTest> {
        using T = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<T, Storey> || std::is_same_v<T, TwoStage> ||
                      std::is_same_v<T, HigherCriticism>)
          return std::nullopt;
        else
          return step_test(one, num_hypotheses);
      },
      procedure);
}

}  // namespace bhroute::stats
