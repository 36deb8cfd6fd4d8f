#pragma once
// Correlation of pairs that come one at a time.

#include <cstddef>
#include <optional>

namespace bhroute::stats {

/// Pearson's r by running means (Welford 1962; the pair form in Chan, Golub & LeVeque 1983).
class Correlation {
 public:
  void add(double x, double y) noexcept;
  std::size_t n() const noexcept { return n_; }
  /// Nothing for fewer than two pairs, or where x or y does not vary.
  std::optional<double> r() const noexcept;

 private:
  std::size_t n_ = 0;
  double mean_x_ = 0.0, mean_y_ = 0.0, xx_ = 0.0, yy_ = 0.0, xy_ = 0.0;
};

}  // namespace bhroute::stats
