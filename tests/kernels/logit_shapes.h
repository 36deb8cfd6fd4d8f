#pragma once
// Rows of router logits of every shape that routing must stand: the tests' common diet.

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

namespace bhroute::testing {

enum class Shape { normal, wide, tied, saturated, infinite, nan, signed_zero, extreme };
inline constexpr Shape kShapes[] = {Shape::normal,      Shape::wide,     Shape::tied,
                                    Shape::saturated,   Shape::infinite, Shape::nan,
                                    Shape::signed_zero, Shape::extreme};

inline std::string_view name(Shape shape) {
  constexpr std::string_view names[] = {"normal",   "wide", "tied",        "saturated",
                                        "infinite", "nan",  "signed_zero", "extreme"};
  return names[static_cast<int>(shape)];
}

/// One value of a row of this shape.
inline float draw(Shape shape, std::mt19937& random) {
  std::normal_distribution<float> normal;
  const float z = normal(random);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  constexpr float inf = std::numeric_limits<float>::infinity();
  switch (shape) {
    case Shape::normal:
      return z;
    case Shape::wide:
      return 25.0f * z;
    case Shape::tied:
      return 0.5f * std::round(2.0f * z);
    case Shape::saturated:
      return one_in(3) ? 40.0f + z : (one_in(2) ? -40.0f + z : z);
    case Shape::infinite:
      return one_in(6) ? (one_in(2) ? inf : -inf) : z;
    case Shape::nan:
      return one_in(3) ? std::numeric_limits<float>::quiet_NaN() : z;
    case Shape::signed_zero:
      return one_in(2) ? 0.0f : (one_in(2) ? -0.0f : z);
    case Shape::extreme:
      return one_in(4) ? std::copysign(3e38f, z) : z * 1e-40f;
  }
  return z;
}

inline void fill_row(Shape shape, std::mt19937& random, float* row, std::size_t n) {
  std::generate_n(row, n, [&] { return draw(shape, random); });
}

/// `rows_each` rows of every shape.
inline std::vector<float> rows_of_every_shape(std::size_t num_experts, std::size_t rows_each,
                                              unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> logits(std::size(kShapes) * rows_each * num_experts);
  float* row = logits.data();
  for (Shape shape : kShapes) {
    fill_row(shape, random, row, rows_each * num_experts);
    row += rows_each * num_experts;
  }
  return logits;
}

}  // namespace bhroute::testing
