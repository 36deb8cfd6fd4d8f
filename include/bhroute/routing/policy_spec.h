#pragma once
// A policy as a user writes it: the same JSON object in files, on the command line and in results.
//   bh:alpha=0.05,min_k=1,max_k=16,weights=native      top_k:k=5,weights=mass      a path to a JSON file
//   {"rule": "bh", "alpha": 0.05, "min_k": 1, "max_k": 16, "weights": "native", "temperature": 1.0,
//    "layers": {"3": {"alpha": 0.1, "min_k": 3}}, "table": "t.safetensors", "table_sha256": "..."}
// Lists in the short form are joined by '/', a layer's own parameter is written layers.3.alpha=0.1.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "bhroute/calibration/null_spec.h"
#include "bhroute/core/error.h"
#include "bhroute/routing/rule.h"

namespace bhroute::routing {

enum class WeightRule {
  native,        ///< what the model was trained with
  renormalized,  ///< selected weights sum to 1 (the original system)
  mass           ///< selected weights sum to the router mass of the model's own top_k
};
std::string_view to_string(WeightRule rule) noexcept;

/// The value of one key. Counts are std::size_t, other numbers double.
using ParameterValue = std::variant<double, std::size_t, bool, WeightRule, std::string, std::vector<double>,
                                    std::vector<std::size_t>, calibration::Statistic>;
/// What one layer has of its own: key -> value.
using LayerParameters = std::map<std::string, ParameterValue, std::less<>>;

/// The bounds of an adaptive count; both k for a fixed one.
struct CountBounds {
  std::size_t min_k = 1, max_k = 1;
};

struct PolicySpec {
  Rule rule = Rule::bh;
  double alpha = 0.05;      ///< procedures but hc...: target level, 0 < alpha < 1
  std::size_t min_k = 1;    ///< all but the fixed counts
  std::size_t max_k = 8;    ///< all but the fixed counts
  std::size_t k = 8;        ///< top_k
  WeightRule weights = WeightRule::native;
  double temperature = 1.0;    ///< > 0; a warning outside [0.5, 2]
  bool clamp_p_values = false; ///< procedures: the original system's clamping to [eps, 1-eps]
  std::string table{};           ///< procedures: path of the table, "" = given apart (--table) or searched for
  std::string table_sha256{};    ///< of that file, "" = not checked
  double lambda = 0.5;      ///< storey, 0 < lambda < 1
  double kappa = 0.5;       ///< e_bh: e = kappa*p^(kappa-1), 0 < kappa < 1
  double beta = 0.5;        ///< hc_star: share of ranks searched; skip_ratio: share of the largest weight; 0 < beta <= 1
  double t = 0.4;           ///< ser, 0 <= t <= 1
  double p = 0.5;           ///< top_p, 0 < p <= 1
  double m = 0.3;           ///< min_p, 0 <= m <= 1
  double level = 0.05;      ///< prob_threshold, 0 <= level <= 1
  std::vector<std::size_t> ks{};      ///< top_k_per_layer: the count of layer 0, 1, ..., by index as in the table
  std::vector<double> edges{};        ///< entropy: rising, in nats; bin b = #{edges <= entropy}
  std::vector<std::size_t> counts{};  ///< entropy: one more than edges
  std::size_t rank = 5;     ///< rank_signal: whose log-probability is read, 1 = the largest
  double k0 = 5.0;          ///< rank_signal: the count at z = 0
  double gain = 0.5;        ///< rank_signal: experts per unit of z
  double mean = 0.0;        ///< rank_signal: calibrated mean of the log-probability
  double sd = 1.0;          ///< rank_signal: calibrated standard deviation, > 0
  bool dither = false;      ///< rank_signal: false = round half up; true = round by a hash of the token's own logits
  calibration::Statistic statistic = calibration::Statistic::log_prob;  ///< critical: what is compared
  std::vector<double> criticals{};  ///< critical: of ranks min_k+1..max_k; rank j passes if its statistic is above.
                                    ///< JSON and C++: a number, or "always" / -inf, "never" / +inf
  std::map<int, LayerParameters> layers{};  ///< overrides by layer index; not of rule, table, table_sha256

  /// The spec of one layer: its overrides applied, no `layers`; top_k_per_layer becomes top_k (k = 0 beyond the list).
  PolicySpec for_layer(int layer) const;
  /// Of this spec without its layers.
  CountBounds bounds() const noexcept;
  /// The most slots that any layer needs.
  std::size_t largest_k() const;
  bool operator==(const PolicySpec&) const = default;
};

/// The value of a key of the spec's rule. Errors: unknown key, a value of another kind (a count where a number is
/// due, ...). Bounds are validate()'s.
Result<ParameterValue> get_parameter(const PolicySpec& spec, std::string_view key);
Result<void> set_parameter(PolicySpec& spec, std::string_view key, const ParameterValue& value);
/// The keys that a rule understands, besides `rule` and `layers`.
const std::vector<std::string>& policy_keys(Rule rule);

/// Checks every bound, of each layer too: 0 < alpha < 1, temperature > 0, 1 <= min_k <= max_k, finite parameters;
/// with num_experts > 0 also max_k (k) <= num_experts. Errors name the key, its value and the bound.
Result<void> validate(const PolicySpec& spec, std::size_t num_experts = 0);

/// A policy's JSON file, of at most 1 MiB. A relative `table` in it is relative to the file. Unknown keys are errors
/// ("did you mean ...").
Result<PolicySpec> read_policy(const std::filesystem::path& path);
/// "rule:key=value,..." or, if it names an existing file or ends in .json, read_policy of it.
Result<PolicySpec> parse_policy(std::string_view text);
/// A relative `table` as seen from `folder`, where the file that names it lies.
void resolve_table(PolicySpec& spec, const std::filesystem::path& folder);
Result<PolicySpec> policy_from_json(const nlohmann::json& object, std::string_view where = "policy");
nlohmann::json to_json(const PolicySpec& spec);
/// The short form that parse_policy reads back to an equal spec.
std::string to_string(const PolicySpec& spec);

/// Errors: the file at `path` has another hash than the policy's table_sha256. Nothing to check = success.
Result<void> check_table_hash(const PolicySpec& spec, const std::string& path);

}  // namespace bhroute::routing
