#pragma once
// Bytes -> a policy, a table and logits. The first bytes choose, each by its remainder, so that all
// inputs mean something; the rest are float32 logits as they lie.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "routing/synthetic_tables.h"

namespace bhroute::fuzz {

inline constexpr std::size_t kHeader = 12, kMaxTokens = 16;
inline constexpr std::array<std::size_t, 9> kNumExperts = {1, 2, 3, 7, 8, 16, 33, 64, 130};
inline constexpr std::array<double, 6> kTemperatures = {1.0, 0.7, 1.9, 0.01, 1e-30, 1e30};
inline constexpr std::size_t kMostPerExpert =
    16;  ///< tables of a null for each expert take long to compile

struct RoutingCase {
  routing::PolicySpec spec;
  std::size_t num_experts = 0;
  int null = 0;  ///< a testing::NullShape; 3 = no table
  calibration::Statistic statistic{};
  routing::RouteRequest request;
  std::vector<float> logits;  ///< whole rows
};

/// The header's bytes, read one after the other.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  std::size_t below(std::size_t bound) { return next() % bound; }
  std::size_t from(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  double share() { return static_cast<double>(next() * 256 + next()) / 65536.0; }

 private:
  std::size_t next() { return static_cast<unsigned char>(bytes_[at_++]); }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

inline void set_levels(routing::PolicySpec& spec, std::size_t num_experts, double share) {
  spec.alpha = spec.lambda = spec.kappa = spec.beta = spec.t = spec.p = spec.m = spec.level = share;
  spec.k = spec.max_k;
  spec.ks = {spec.max_k};
  spec.edges = {share, 4.0 * share + 0.5};
  spec.counts = {spec.min_k, spec.max_k, spec.min_k};
  spec.rank = 1 + static_cast<std::size_t>(share * static_cast<double>(num_experts));
  spec.k0 = 8.0 * share;
  spec.mean = -4.0 * share;
  for (std::size_t j = spec.min_k; j < spec.max_k; ++j)
    spec.criticals.push_back(4.0 * share - 0.25 * static_cast<double>(j));
}

inline std::vector<float> rows_of(std::string_view bytes, std::size_t num_experts) {
  const std::size_t tokens =
      std::clamp<std::size_t>(bytes.size() / (4 * num_experts), 1, kMaxTokens);
  std::vector<float> logits(tokens * num_experts);
  std::memcpy(logits.data(), bytes.data(), std::min(bytes.size(), logits.size() * 4));
  return logits;
}

/// `bytes` has at least kHeader bytes.
inline RoutingCase routing_case(std::string_view bytes) {
  Choices choose(bytes);
  RoutingCase made;
  made.spec.rule = routing::all_rules()[choose.below(routing::all_rules().size())];
  made.null = static_cast<int>(choose.below(4));
  made.num_experts = kNumExperts[choose.below(kNumExperts.size())];
  if (made.null == static_cast<int>(testing::NullShape::per_expert))
    made.num_experts = std::min(made.num_experts, kMostPerExpert);
  made.statistic = static_cast<calibration::Statistic>(choose.below(3));
  made.spec.statistic = made.statistic;
  made.spec.min_k = choose.from(1, made.num_experts);
  made.spec.max_k = choose.from(made.spec.min_k, made.num_experts);
  made.spec.weights = static_cast<routing::WeightRule>(choose.below(3));
  made.spec.temperature = kTemperatures[choose.below(kTemperatures.size())];
  set_levels(made.spec, made.num_experts, choose.share());
  const std::size_t flags = choose.below(256);
  made.request = {.dense_weights = (flags & 1) != 0, .allow_unroutable = (flags & 2) != 0};
  made.spec.dither = (flags & 4) != 0;
  made.spec.clamp_p_values = (flags & 8) != 0;
  made.logits = rows_of(bytes.substr(kHeader), made.num_experts);
  return made;
}

}  // namespace bhroute::fuzz
