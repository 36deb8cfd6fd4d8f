#include "gaussian_smoothing.h"

#include <array>

#include "bhroute/stats/kde.h"

namespace bhroute::stats {
namespace {

// A value lies within 1/8 of its bin's centre (in bandwidths); by Cramer's bound on Hermite
// functions what the expansion leaves out after 12 terms is below 0.44 * (1/8)^13 * sqrt(12!) / 13!
// = 3e-18.
constexpr double kBinWidth = 0.25;
constexpr std::size_t kTerms = 12;
// Phi(-8.5) = 1e-17: beyond it a bin is fully covered or not at all, to double precision.
constexpr double kReach = 8.5 + kBinWidth;

// moments[k] = sum of count * d^k / k!, d = (value - centre) / h.
struct Bin {
  double centre = 0.0;
  std::array<double, kTerms + 1> moments{};
};

void add(Bin& bin, double d, double count) noexcept {
  double term = count;
  for (std::size_t k = 0; k <= kTerms; ++k) {
    bin.moments[k] += term;
    term *= d / static_cast<double>(k + 1);
  }
}

std::vector<Bin> gather_bins(const CountedSample& sample, double h) {
  std::vector<Bin> bins;
  const auto values = sample.values();
  double start = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (bins.empty() || values[i] - start > kBinWidth * h) {
      start = values[i];
      bins.push_back({start + 0.5 * kBinWidth * h, {}});
    }
    const double count = static_cast<double>(sample.count(i));
    add(bins.back(), (values[i] - bins.back().centre) / h, count);
  }
  return bins;
}

// Sum of count * Phi(u - d) = M_0 Phi(u) - phi(u) * sum of M_k He_{k-1}(u), k >= 1, since the k-th
// derivative of Phi is (-1)^(k-1) He_{k-1} phi.
double covered(const Bin& bin, double u) noexcept {
  double previous = 0.0, hermite = 1.0, sum = 0.0;
  for (std::size_t k = 1; k <= kTerms; ++k) {
    sum += bin.moments[k] * hermite;
    const double next = u * hermite - static_cast<double>(k - 1) * previous;
    previous = hermite;
    hermite = next;
  }
  return bin.moments[0] * kernel_cdf(SmoothingKernel::gaussian, u) -
         kernel_density(SmoothingKernel::gaussian, u) * sum;
}

}  // namespace

std::vector<double> gaussian_cdf_on_grid(const CountedSample& sample, double h,
                                         std::span<const double> grid) {
  const std::vector<Bin> bins = gather_bins(sample, h);
  std::vector<double> cdf;
  cdf.reserve(grid.size());
  std::size_t first = 0;
  double below = 0.0;
  for (const double z : grid) {
    while (first < bins.size() && (z - bins[first].centre) / h > kReach)
      below += bins[first++].moments[0];
    double sum = below;
    for (std::size_t i = first; i < bins.size(); ++i) {
      const double u = (z - bins[i].centre) / h;
      if (u < -kReach) break;
      sum += covered(bins[i], u);
    }
    cdf.push_back(sum / static_cast<double>(sample.size()));
  }
  return cdf;
}

}  // namespace bhroute::stats
