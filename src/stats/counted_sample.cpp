#include "bhroute/stats/counted_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bhroute::stats {
namespace {

using Counts = std::vector<std::uint64_t>;

Result<void> check_shape(const std::vector<float>& values, const Counts& counts,
                         const std::string& where) {
  if (values.size() != counts.size())
    return invalid_input(where, "values and counts differ in length",
                         fmt::format("{} and {}", values.size(), counts.size()), "equal lengths");
  if (values.empty()) return invalid_input(where, "empty sample", "", "at least one value");
  return {};
}

Result<void> check_entry(const std::vector<float>& values, const Counts& counts, std::size_t i,
                         const std::string& where) {
  if (!std::isfinite(values[i]))
    return invalid_input(where, fmt::format("value [{}] is not finite", i),
                         fmt::format("{}", values[i]));
  if (i > 0 && !(values[i - 1] < values[i]))
    return invalid_input(where, fmt::format("values do not rise at [{}]", i),
                         fmt::format("{} after {}", values[i], values[i - 1]),
                         "strictly rising values");
  if (counts[i] == 0)
    return invalid_input(where, fmt::format("count [{}] is too small", i), "0", "at least 1");
  return {};
}

Result<void> check(const std::vector<float>& values, const Counts& counts,
                   const std::string& where) {
  if (auto shape = check_shape(values, counts, where); !shape) return shape;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (auto entry = check_entry(values, counts, i, where); !entry) return entry;
  return {};
}

Result<Counts> suffix_sums(const Counts& counts, const std::string& where) {
  Counts suffix(counts.size() + 1, 0);
  for (std::size_t i = counts.size(); i > 0; --i)
    if (__builtin_add_overflow(suffix[i], counts[i - 1], &suffix[i - 1]))
      return invalid_input(where, "counts are too large", "a sum beyond 64 bits",
                           "a sum below 2^64");
  return suffix;
}

}  // namespace

std::string_view to_string(PValueForm form) noexcept {
  return form == PValueForm::conformal ? "conformal" : "gridded";
}

Result<PValueForm> parse_p_value_form(std::string_view text) {
  if (text == "conformal") return PValueForm::conformal;
  if (text == "gridded") return PValueForm::gridded;
  return invalid_input("p-value form", "unknown name", std::string(text), "conformal or gridded");
}

Result<CountedSample> CountedSample::create(std::vector<float> values,
                                            std::vector<std::uint64_t> counts, std::string where) {
  return check(values, counts, where)
      .and_then([&] { return suffix_sums(counts, where); })
      .map([&](Counts suffix) { return CountedSample(std::move(values), std::move(suffix)); });
}

std::uint64_t CountedSample::count_at_least(double z) const noexcept {
  if (std::isnan(z)) return size();
  const auto first = std::lower_bound(values_.begin(), values_.end(), z,
                                      [](float value, double bound) { return value < bound; });
  return suffix_[static_cast<std::size_t>(first - values_.begin())];
}

double CountedSample::conformal_p_value(double z) const noexcept {
  return (1.0 + static_cast<double>(count_at_least(z))) / (1.0 + static_cast<double>(size()));
}

double CountedSample::gridded_p_value(double z) const noexcept {
  if (std::isnan(z)) return 1.0;
  const auto above = std::upper_bound(values_.begin(), values_.end(), z,
                                      [](double bound, float value) { return bound < value; });
  const std::uint64_t at_most = size() - suffix_[static_cast<std::size_t>(above - values_.begin())];
  return 1.0 - static_cast<double>(at_most) / static_cast<double>(size());
}

std::vector<std::uint64_t> CountedSample::counts() const {
  Counts counts(values_.size());
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = count(i);
  return counts;
}

CountedSample CountedSample::merge(const CountedSample& a, const CountedSample& b) {
  std::vector<float> values;
  values.reserve(a.values_.size() + b.values_.size());
  std::set_union(a.values_.begin(), a.values_.end(), b.values_.begin(), b.values_.end(),
                 std::back_inserter(values));
  // #{>= v} of both together is the sum of the two, so the suffix sums need no detour by the
  // counts.
  Counts suffix(values.size() + 1, 0);
  for (std::size_t i = 0; i < values.size(); ++i)
    suffix[i] = a.count_at_least(values[i]) + b.count_at_least(values[i]);
  return CountedSample(std::move(values), std::move(suffix));
}

}  // namespace bhroute::stats
