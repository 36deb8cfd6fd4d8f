#include "bhroute/stats/correlation.h"

#include <cmath>

namespace bhroute::stats {

void Correlation::add(double x, double y) noexcept {
  const auto n = static_cast<double>(++n_);
  const double dx = x - mean_x_, dy = y - mean_y_;
  mean_x_ += dx / n;
  mean_y_ += dy / n;
  xx_ += dx * (x - mean_x_);
  yy_ += dy * (y - mean_y_);
  xy_ += dx * (y - mean_y_);
}

std::optional<double> Correlation::r() const noexcept {
  if (n_ < 2 || xx_ <= 0.0 || yy_ <= 0.0) return std::nullopt;
  return xy_ / std::sqrt(xx_ * yy_);
}

}  // namespace bhroute::stats
