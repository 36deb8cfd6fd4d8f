// Softmax of one token's logits, per target. Included by routing_kernels.cpp only.
//
// A row is padded with NaN to whole vectors; NaN takes part in nothing. With an infinite maximum
// the experts that reach it share the mass equally: exp((r - max)/T) becomes 1 for them and 0 for
// the rest.

#if defined(BHROUTE_KERNELS_ROW_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BHROUTE_KERNELS_ROW_SOFTMAX_INL_H_
#undef BHROUTE_KERNELS_ROW_SOFTMAX_INL_H_
#else
#define BHROUTE_KERNELS_ROW_SOFTMAX_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bhroute::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using DoubleTag = hn::ScalableTag<double>;

/// A token's logits, readable up to the next whole vector, NaN beyond `size`.
struct Row {
  const float* values;
  std::size_t size;
};

inline Row PadRow(const float* values, std::size_t size, float* padded) {
  const std::size_t lanes = hn::Lanes(FloatTag());
  if (size % lanes == 0) return {values, size};
  std::memcpy(padded, values, size * sizeof(float));
  std::fill_n(padded + size, lanes - size % lanes, std::numeric_limits<float>::quiet_NaN());
  return {padded, size};
}

/// The largest lane. Highway's EMU128 begins at the lowest finite number, and so makes -FLT_MAX of
/// nothing but -inf.
template <class V>
HWY_INLINE float LargestLane(FloatTag d, V v) {
#if HWY_TARGET == HWY_EMU128
  HWY_ALIGN float lanes[hn::MaxLanes(d)];
  hn::Store(v, d, lanes);
  return *std::max_element(lanes, lanes + hn::Lanes(d));
#else
  return hn::GetLane(hn::MaxOfLanes(d, v));
#endif
}

/// The largest logit; -inf if there is none.
inline float RowMax(Row row) {
  const FloatTag d;
  const auto lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto max = lowest;
  for (std::size_t i = 0; i < row.size; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, row.values + i);
    max = hn::Max(max, hn::IfThenElse(hn::Eq(v, v), v, lowest));
  }
  return LargestLane(d, max);
}

inline double CountEqual(Row row, float value) {
  double count = 0.0;
  for (std::size_t i = 0; i < row.size; ++i) count += row.values[i] == value ? 1.0 : 0.0;
  return count;
}

/// The float lanes of v, summed pairwise into double lanes.
template <class V>
HWY_INLINE hn::Vec<DoubleTag> SumToDouble(V v) {
  const DoubleTag d;
#if HWY_TARGET == HWY_SCALAR  // one lane has no halves
  return hn::PromoteTo(d, v);
#else
  const hn::Half<FloatTag> half;
  return hn::Add(hn::PromoteTo(d, hn::LowerHalf(half, v)),
                 hn::PromoteTo(d, hn::UpperHalf(half, v)));
#endif
}

/// Sum of exp((r - max) * inverse_temperature) over the row. Rounding the argument x in float costs
/// |x| e^x ulps of the sum, less than half of one; the lanes are added up in double.
inline double SumExp(Row row, float max, double inverse_temperature) {
  if (std::isinf(max)) return CountEqual(row, max);
  const FloatTag d;
  const auto vmax = hn::Set(d, max);
  const auto scale =
      hn::Set(d, static_cast<float>(std::clamp<double>(inverse_temperature, FLT_MIN, FLT_MAX)));
  auto sum = hn::Zero(DoubleTag());
  for (std::size_t i = 0; i < row.size; i += hn::Lanes(d)) {
    const auto x = hn::Mul(hn::Sub(hn::LoadU(d, row.values + i), vmax), scale);
    sum = hn::Add(sum, SumToDouble(ExpNonPositive(d, x)));
  }
  return hn::GetLane(hn::SumOfLanes(DoubleTag(), sum));
}

/// Sum of exp(x) * x over the row, x = r - max <= 0, max finite; exp(x) = 0 counts as 0.
inline double SumExpTimes(Row row, float max) {
  const FloatTag d;
  const auto vmax = hn::Set(d, max);
  auto sum = hn::Zero(DoubleTag());
  for (std::size_t i = 0; i < row.size; i += hn::Lanes(d)) {
    const auto x = hn::Sub(hn::LoadU(d, row.values + i), vmax);
    const auto e = ExpNonPositive(d, x);
    sum = hn::Add(sum, SumToDouble(hn::IfThenElseZero(hn::Gt(e, hn::Zero(d)), hn::Mul(e, x))));
  }
  return hn::GetLane(hn::SumOfLanes(DoubleTag(), sum));
}

/// exps[i] = exp((r[ids[i]] - reference) * inverse_temperature) in double, where no rounding of the
/// argument can hurt; returns their sum. Every r[ids[i]] <= reference, none NaN.
inline double ExpOf(const float* logits, const std::int32_t* ids, std::size_t count,
                    float reference, double inverse_temperature, double* exps) {
  const DoubleTag d;
  if (std::isinf(reference)) {
    for (std::size_t i = 0; i < count; ++i) exps[i] = logits[ids[i]] == reference ? 1.0 : 0.0;
  } else {
    for (std::size_t i = 0; i < count; ++i)
      exps[i] = static_cast<double>(logits[ids[i]]) - reference;
    std::fill_n(exps + count, hn::Lanes(d), 0.0);
    const auto scale = hn::Set(d, inverse_temperature);
    for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
      hn::Store(ExpNonPositive(d, hn::Mul(hn::Load(d, exps + i), scale)), d, exps + i);
    }
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) sum += exps[i];
  return sum;
}

}  // namespace bhroute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BHROUTE_KERNELS_ROW_SOFTMAX_INL_H_
