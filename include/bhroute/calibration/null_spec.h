#pragma once
// What H0 means: which number is tested, which logits it is compared with, and whether experts share them.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute::calibration {

/// The number computed from a token's logits and tested against the null.
enum class Statistic {
  logit,        ///< the raw router logit
  log_prob,     ///< logit - logsumexp over the token's experts
  standardized  ///< (logit - mean)/sd over the token's experts (population sd)
};

/// Whose logits form the null distribution.
enum class NullKind {
  all,         ///< every logit of the layer (the original system)
  unselected,  ///< the experts that the model's own top_k leaves out
  trimmed      ///< without each token's n largest
};

enum class Pooling { pooled, per_expert };

struct NullSpec {
  NullKind kind = NullKind::all;
  std::size_t num_trimmed = 0;  ///< for `trimmed` only
  bool operator==(const NullSpec&) const = default;
};

std::string_view to_string(Statistic statistic) noexcept;
std::string_view to_string(Pooling pooling) noexcept;
std::string to_string(const NullSpec& null);  ///< "all", "unselected", "trimmed:3"
Result<Statistic> parse_statistic(std::string_view text);
Result<Pooling> parse_pooling(std::string_view text);
Result<NullSpec> parse_null(std::string_view text);

/// The one routine that makes the float statistic, read by calibration, the reference and the fast path alike.
/// Computed in double, rounded once; a non-decreasing function of the logit within a token. NaN logits give NaN
/// and take no part in sums. With +inf among the logits: `log_prob` = -log(number of +inf) for those, -inf for
/// the rest; `standardized` = +-inf for +-inf, the rest standardised among the finite; sd 0 gives 0.
/// `out` has logits.size() values and may be the same memory.
void compute_statistic(Statistic statistic, std::span<const float> logits, std::span<float> out) noexcept;

}  // namespace bhroute::calibration
