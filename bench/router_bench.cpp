// router_bench [--json] [--repetitions N]: CPU ns/token of the routing kernels beside a copy and a
// partial sort.
//
// Every repetition runs each contender once, in turn, so that a slow moment of the machine meets
// all of them alike. Ratios are taken within a repetition; the table shows medians and [min-max].

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/core/isa.h"
#include "bhroute/kernels/routing_kernels.h"

namespace {

constexpr std::size_t kNumTokens = 65536;
constexpr std::size_t kTopK = 8;
constexpr double kAlpha = 0.05;

struct Work {
  std::size_t num_experts;
  std::vector<float> logits;
  std::vector<float> critical_logits;
  std::vector<float> copy;
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  std::vector<std::int32_t> counts;
  std::vector<float> exps;          // scratch of the partial sort
  std::vector<std::int32_t> order;  // likewise
};

/// z with P(Z >= z) = p for a standard normal Z, by bisection.
float normal_quantile_above(double p) {
  double low = -40.0, high = 40.0;
  while (high - low > 1e-9) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > p ? low : high) = middle;
  }
  return static_cast<float>(high);
}

/// Standard normal logits, one expert in sixteen raised by 5 (by 4.5 to 5.5): about 4 of 64 pass at
/// alpha 0.05.
std::vector<float> planted_logits(std::size_t num_experts) {
  std::mt19937 random(20240501);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> raise(4.5f, 5.5f);
  std::vector<float> logits(kNumTokens * num_experts);
  for (float& r : logits) r = normal(random);
  for (std::size_t t = 0; t < kNumTokens; ++t) {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, num_experts / 16); ++i) {
      logits[t * num_experts + random() % num_experts] += raise(random);
    }
  }
  return logits;
}

Work make_work(std::size_t n) {
  Work work{.num_experts = n,
            .logits = planted_logits(n),
            .critical_logits = {},
            .copy = std::vector<float>(kNumTokens * n),
            .ids = std::vector<std::int32_t>(kNumTokens * n),
            .weights = std::vector<float>(kNumTokens * n),
            .counts = std::vector<std::int32_t>(kNumTokens),
            .exps = std::vector<float>(n),
            .order = std::vector<std::int32_t>(n)};
  for (std::size_t k = 1; k <= n; ++k) {
    work.critical_logits.push_back(
        normal_quantile_above(static_cast<double>(k) / static_cast<double>(n) * kAlpha));
  }
  return work;
}

void copy_logits(Work& work) {
  const std::size_t n = work.num_experts;
  for (std::size_t t = 0; t < kNumTokens; ++t) {
    std::memcpy(work.copy.data() + t * n, work.logits.data() + t * n, n * sizeof(float));
  }
}

/// What a router does without this library: softmax over all experts, partial sort of their
/// indices.
void sort_token(Work& work, std::size_t t, std::size_t k) {
  const float* r = work.logits.data() + t * work.num_experts;
  const float max = *std::max_element(r, r + work.num_experts);
  float sum = 0.0f;
  for (std::size_t i = 0; i < work.num_experts; ++i) sum += work.exps[i] = std::exp(r[i] - max);
  std::iota(work.order.begin(), work.order.end(), 0);
  std::partial_sort(work.order.begin(), work.order.begin() + static_cast<std::ptrdiff_t>(k),
                    work.order.end(), [r](std::int32_t a, std::int32_t b) { return r[a] > r[b]; });
  for (std::size_t i = 0; i < k; ++i) {
    work.ids[t * k + i] = work.order[i];
    work.weights[t * k + i] = work.exps[static_cast<std::size_t>(work.order[i])] / sum;
  }
}

void partial_sort(Work& work) {
  for (std::size_t t = 0; t < kNumTokens; ++t)
    sort_token(work, t, std::min(kTopK, work.num_experts));
}

bhroute::kernels::RouteInputs inputs(const Work& work) {
  return {.logits = work.logits.data(),
          .num_tokens = kNumTokens,
          .num_experts = work.num_experts,
          .token_stride = work.num_experts};
}

bhroute::kernels::RouteOutputs outputs(Work& work) {
  return {work.ids.data(), work.weights.data(), work.counts.data()};
}

struct Contender {
  std::string name;
  std::string isa;  // "" = not a kernel
  std::function<void(Work&)> run;
  std::vector<double> ns_per_token{};
  double mean_selected = 0.0;
};

Contender step_up(const std::string& isa, std::size_t max_k) {
  return {fmt::format("bh max_k {}", max_k), isa, [max_k](Work& work) {
            bhroute::kernels::route_step_up(inputs(work), work.critical_logits.data(), 1,
                                            std::min(max_k, work.num_experts), outputs(work));
          }};
}

Contender top_k(const std::string& isa) {
  return {fmt::format("top_k {}", kTopK), isa, [](Work& work) {
            bhroute::kernels::route_top_k(inputs(work), std::min(kTopK, work.num_experts),
                                          outputs(work));
          }};
}

/// The baselines come first: (a) the copy, (b) the partial sort.
std::vector<Contender> contenders() {
  std::vector<Contender> all = {{"(a) copy", "", copy_logits},
                                {"(b) partial sort", "", partial_sort}};
  const auto isas = bhroute::supported_isas();
  std::vector<std::string> shown = {"scalar", "avx2"};
  if (std::find(shown.begin(), shown.end(), isas.front()) == shown.end())
    shown.push_back(isas.front());
  for (const std::string& isa : shown) {
    if (std::find(isas.begin(), isas.end(), isa) == isas.end()) continue;
    all.push_back(step_up(isa, 16));
    all.push_back(step_up(isa, 64));
    all.push_back(top_k(isa));
  }
  return all;
}

/// CPU time of this thread: other processes on the machine don't count.
double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

double time_once(Contender& contender, Work& work) {
  if (!contender.isa.empty() && !bhroute::force_isa(contender.isa)) std::abort();
  const double start = cpu_nanoseconds();
  contender.run(work);
  return (cpu_nanoseconds() - start) / kNumTokens;
}

void measure(std::vector<Contender>& all, Work& work, std::size_t repetitions) {
  for (Contender& contender : all) {  // warm up, and count what is selected
    time_once(contender, work);
    const double selected = std::accumulate(work.counts.begin(), work.counts.end(), 0.0);
    contender.mean_selected = contender.isa.empty() ? 0.0 : selected / kNumTokens;
  }
  for (std::size_t i = 0; i < repetitions; ++i) {
    for (Contender& contender : all) contender.ns_per_token.push_back(time_once(contender, work));
  }
}

struct Spread {
  double median, min, max;
};

Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

Spread ratio(const Contender& contender, const Contender& baseline) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < contender.ns_per_token.size(); ++i) {
    ratios.push_back(contender.ns_per_token[i] / baseline.ns_per_token[i]);
  }
  return spread(std::move(ratios));
}

std::string cell(const Spread& s) {
  return fmt::format("{:.2f} [{:.2f}-{:.2f}]", s.median, s.min, s.max);
}

void print_table(std::size_t n, const std::vector<Contender>& all) {
  fmt::print("\nN = {}, {} tokens\n{:<18} {:<7} {:>8}  {:>24}  {:>22}  {:>22}\n", n, kNumTokens,
             "contender", "isa", "selected", "ns/token", "ratio to (a)", "ratio to (b)");
  for (const Contender& c : all) {
    fmt::print("{:<18} {:<7} {:>8.2f}  {:>24}  {:>22}  {:>22}\n", c.name, c.isa, c.mean_selected,
               cell(spread(c.ns_per_token)), cell(ratio(c, all[0])), cell(ratio(c, all[1])));
  }
}

nlohmann::json to_json(const Spread& s) {
  return {{"median", s.median}, {"min", s.min}, {"max", s.max}};
}

nlohmann::json to_json(std::size_t n, const std::vector<Contender>& all) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Contender& c : all) {
    rows.push_back({{"num_experts", n},
                    {"num_tokens", kNumTokens},
                    {"contender", c.name},
                    {"isa", c.isa},
                    {"mean_selected", c.mean_selected},
                    {"ns_per_token", to_json(spread(c.ns_per_token))},
                    {"ratio_to_copy", to_json(ratio(c, all[0]))},
                    {"ratio_to_partial_sort", to_json(ratio(c, all[1]))}});
  }
  return rows;
}

struct Options {
  bool json = false;
  std::size_t repetitions = 15;
};

/// False if an argument is not understood.
bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--repetitions" && i + 1 < argc) {
      const std::string_view value = argv[++i];
      const auto end = value.data() + value.size();
      const auto [rest, error] = std::from_chars(value.data(), end, options.repetitions);
      if (error != std::errc() || rest != end || options.repetitions == 0) return false;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr, "usage: router_bench [--json] [--repetitions N]\n");
    return 2;
  }
  nlohmann::json results = nlohmann::json::array();
  for (std::size_t n : {8, 64, 128, 256}) {
    Work work = make_work(n);
    auto all = contenders();
    measure(all, work, options.repetitions);
    if (!options.json) print_table(n, all);
    for (auto& row : to_json(n, all)) results.push_back(std::move(row));
  }
  if (options.json) fmt::print("{}\n", results.dump(2));
  return 0;
}
