#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "bhroute/stats/kde.h"

namespace bhroute::stats {
namespace {

constexpr const char* kWant = "scott, silverman or a positive number";

Result<double> check_width(double width) {
  if (std::isfinite(width) && width > 0.0) return width;
  return invalid_input("bandwidth", "not a usable width", fmt::format("{}", width), kWant);
}

double standard_deviation(const CountedSample& sample) noexcept {
  const auto values = sample.values();
  const double n = static_cast<double>(sample.size());
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += static_cast<double>(sample.count(i)) * values[i];
  const double mean = sum / n;
  double squares = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    squares += static_cast<double>(sample.count(i)) * (values[i] - mean) * (values[i] - mean);
  return std::sqrt(squares / (n - 1.0));
}

}  // namespace

std::string to_string(const Bandwidth& bandwidth) {
  if (const double* width = std::get_if<double>(&bandwidth)) return fmt::format("{}", *width);
  return std::get<BandwidthRule>(bandwidth) == BandwidthRule::scott ? "scott" : "silverman";
}

Result<Bandwidth> parse_bandwidth(std::string_view text) {
  if (text == "scott") return Bandwidth(BandwidthRule::scott);
  if (text == "silverman") return Bandwidth(BandwidthRule::silverman);
  double width = 0.0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, width);
  if (error != std::errc() || stop != end)
    return invalid_input("bandwidth", "neither a rule nor a number", std::string(text), kWant);
  return check_width(width).map([](double checked) { return Bandwidth(checked); });
}

Result<double> bandwidth_value(const Bandwidth& bandwidth, const CountedSample& sample) {
  if (const double* width = std::get_if<double>(&bandwidth)) return check_width(*width);
  if (sample.values().size() < 2)
    return invalid_input("bandwidth", to_string(bandwidth) + " needs a spread",
                         "a sample of one distinct value", "two, or a number as bandwidth");
  const double n = static_cast<double>(sample.size());
  const bool scott = std::get<BandwidthRule>(bandwidth) == BandwidthRule::scott;
  return standard_deviation(sample) * std::pow(scott ? n : 0.75 * n, -0.2);
}

}  // namespace bhroute::stats
