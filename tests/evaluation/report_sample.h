#pragma once
// Small results.json objects for the tests of the report: invented numbers, easy to reckon with.

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace bhroute::evaluation {

using nlohmann::json;

inline json sample_run(std::string name, std::string role, std::string marking, double mean,
                       double loss) {
  return {{"name", std::move(name)},
          {"role", std::move(role)},
          {"marking", std::move(marking)},
          {"loss", loss},
          {"perplexity", std::exp(loss)},
          {"mean_experts", mean},
          {"loss_se", 0.03},
          {"loss_difference", loss - 4.0},
          {"loss_difference_se", 0.01},
          {"relative_flops", mean / 8.0},
          {"tokens_per_second", 1000.0}};
}

inline json sample_static(int k, double loss) {
  json run = sample_run("static top-" + std::to_string(k), "reference", "static", k, loss);
  run["policy"] = {{"rule", "top_k"}, {"k", k}};
  return run;
}

inline json sample_baseline() {
  json run = sample_static(8, 4.0);
  run.update(
      json{{"name", "own"}, {"role", "baseline"}, {"marking", ""}, {"loss_difference", 0.0}});
  return run;
}

inline json sample_bh(double alpha, double mean, double loss, std::string role = "grid",
                      std::string marking = "") {
  json run =
      sample_run("bh " + std::to_string(alpha) + marking, std::move(role), marking, mean, loss);
  run["policy"] = {{"rule", "bh"}, {"alpha", alpha}, {"min_k", 1}, {"max_k", 16}};
  run["null"] = marking == "unselected" ? "unselected" : "all";
  run["floor_share"] = 0.9;
  return run;
}

/// Static curve: 1 -> 7, 2 -> 6, 4 -> 5, 8 -> 4 nats. Both grid points lie 0.5 nats above it.
inline json sample_results() {
  json runs{sample_baseline(),
            sample_static(1, 7.0),
            sample_static(2, 6.0),
            sample_static(4, 5.0),
            sample_bh(0.05, 1.5, 7.0),
            sample_bh(0.2, 3.0, 6.0),
            sample_bh(0.05, 1.5, 7.4, "reference", "renormalized"),
            sample_bh(0.05, 4.0, 5.25, "reference", "unselected")};
  return {{"model", {{"name", "sample"}, {"num_experts", 64}, {"top_k", 8}}}, {"runs", runs}};
}

}  // namespace bhroute::evaluation
