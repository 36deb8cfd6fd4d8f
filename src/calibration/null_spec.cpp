#include "bhroute/calibration/null_spec.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "bhroute/stats/log_sum_exp.h"

namespace bhroute::calibration {
namespace {

constexpr std::array<std::pair<std::string_view, Statistic>, 3> kStatistics = {
    {{"logit", Statistic::logit},
     {"log_prob", Statistic::log_prob},
     {"standardized", Statistic::standardized}}};
constexpr std::array<std::pair<std::string_view, Pooling>, 2> kPoolings = {
    {{"pooled", Pooling::pooled}, {"per_expert", Pooling::per_expert}}};
constexpr std::string_view kTrimmed = "trimmed:";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class Names, class T>
std::string_view name_of(const Names& names, T value) noexcept {
  for (const auto& [name, candidate] : names)
    if (candidate == value) return name;
  return "?";
}

float log_prob(float logit, const stats::LogSumExp& token) noexcept {
  if (std::isnan(logit)) return logit;
  if (token.num_infinite > 0.0)
    return static_cast<float>(logit == kInfinity ? -std::log(token.num_infinite) : -kInfinity);
  const double shifted = logit == token.largest ? 0.0 : logit - token.largest;
  return static_cast<float>(shifted - token.log_sum);
}

struct Moments {
  double mean = 0.0, sd = 0.0;
};

// Of the finite logits.
Moments moments(std::span<const float> logits) noexcept {
  double sum = 0.0, squares = 0.0, n = 0.0;
  for (float logit : logits)
    if (std::isfinite(logit)) sum += logit, ++n;
  if (n == 0.0) return {};
  const double mean = sum / n;
  for (float logit : logits)
    if (std::isfinite(logit)) squares += (logit - mean) * (logit - mean);
  return {mean, std::sqrt(squares / n)};
}

float standardized(float logit, const Moments& token) noexcept {
  if (!std::isfinite(logit)) return logit;
  return token.sd == 0.0 ? 0.0f : static_cast<float>((logit - token.mean) / token.sd);
}

template <class Token>
void transform(std::span<const float> logits, std::span<float> out, const Token& token,
               float (*value)(float, const Token&) noexcept) noexcept {
  for (std::size_t i = 0; i < logits.size(); ++i) out[i] = value(logits[i], token);
}

}  // namespace

std::string_view to_string(Statistic statistic) noexcept { return name_of(kStatistics, statistic); }
std::string_view to_string(Pooling pooling) noexcept { return name_of(kPoolings, pooling); }

std::string to_string(const NullSpec& null) {
  switch (null.kind) {
    case NullKind::all:
      return "all";
    case NullKind::unselected:
      return "unselected";
    case NullKind::trimmed:
      break;
  }
  return fmt::format("{}{}", kTrimmed, null.num_trimmed);
}

Result<Statistic> parse_statistic(std::string_view text) {
  for (const auto& [name, value] : kStatistics)
    if (name == text) return value;
  return invalid_input("statistic", "unknown statistic", std::string(text),
                       "logit, log_prob or standardized");
}

Result<Pooling> parse_pooling(std::string_view text) {
  for (const auto& [name, value] : kPoolings)
    if (name == text) return value;
  return invalid_input("pooling", "unknown pooling", std::string(text), "pooled or per_expert");
}

Result<NullSpec> parse_null(std::string_view text) {
  if (text == "all") return NullSpec{NullKind::all, 0};
  if (text == "unselected") return NullSpec{NullKind::unselected, 0};
  if (text.starts_with(kTrimmed)) {
    const std::string_view number = text.substr(kTrimmed.size());
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), n);
    if (error == std::errc{} && end == number.data() + number.size() && n > 0)
      return NullSpec{NullKind::trimmed, n};
  }
  return invalid_input("null", "unknown null", std::string(text),
                       "all, unselected or trimmed:N with N >= 1");
}

void compute_statistic(Statistic statistic, std::span<const float> logits,
                       std::span<float> out) noexcept {
  switch (statistic) {
    case Statistic::logit:
      for (std::size_t i = 0; i < logits.size(); ++i) out[i] = logits[i];
      return;
    case Statistic::log_prob:
      return transform(logits, out, stats::log_sum_exp(logits), &log_prob);
    case Statistic::standardized:
      return transform(logits, out, moments(logits), &standardized);
  }
}

}  // namespace bhroute::calibration
