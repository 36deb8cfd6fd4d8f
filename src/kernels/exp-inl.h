// exp of numbers up to 0, per target. Included by routing_kernels.cpp only.

#if defined(BHROUTE_KERNELS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BHROUTE_KERNELS_EXP_INL_H_
#undef BHROUTE_KERNELS_EXP_INL_H_
#else
#define BHROUTE_KERNELS_EXP_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace bhroute::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Per lane type: ln 2 in two parts, a number whose addition rounds to an integer in the lowest
/// bits, the mantissa's width, and the argument below which 2^n is no normal number.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float kLn2High = 0.693145751953125f, kLn2Low = 1.42860682e-6f;
  static constexpr float kRound = 12582912.0f, kLowest = -87.0f;
  static constexpr int kMantissaBits = 23;
};
template <>
struct ExpConstants<double> {
  static constexpr double kLn2High = 0.693147180369123816490, kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kRound = 6755399441055744.0, kLowest = -708.0;
  static constexpr int kMantissaBits = 52;
};

/// exp(x) for x <= 0 to a relative 3e-9 and the lane type's rounding: half the work of Highway's
/// Exp, which also serves positive and denormal results. 0 where the result would be denormal, for
/// -inf and for NaN.
///
/// exp(x) = 2^n exp(r), |r| <= ln(2)/2; exp(r) = 1 + r + r^2 q(r), q by Remez' exchange for the
/// relative error.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ExpNonPositive(D d, V x) {
  using T = hn::TFromD<D>;
  using C = ExpConstants<T>;
  const hn::RebindToSigned<D> di;
  const auto set = [d](double value) HWY_ATTR { return hn::Set(d, static_cast<T>(value)); };
  const V rounded = hn::MulAdd(x, set(1.4426950408889634), set(C::kRound));
  const V n = hn::Sub(rounded, set(C::kRound));
  const V r = hn::NegMulAdd(n, set(C::kLn2Low), hn::NegMulAdd(n, set(C::kLn2High), x));
  const V r2 = hn::Mul(r, r);
  const V low = hn::MulAdd(r, set(0.16666520399191034), set(0.49999993432137446));
  const V high = hn::MulAdd(r, set(0.0083687450985311732), set(0.041668390778786153));
  const V q = hn::MulAdd(r2, hn::MulAdd(r2, set(0.0013814540535095441), high), low);
  const V p = hn::Add(hn::MulAdd(r2, q, r), set(1.0));
  const auto exponent = hn::ShiftLeft<C::kMantissaBits>(hn::BitCast(di, rounded));
  const V y = hn::BitCast(d, hn::Add(hn::BitCast(di, p), exponent));
  return hn::IfThenElseZero(hn::Ge(x, set(C::kLowest)), y);
}

}  // namespace bhroute::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BHROUTE_KERNELS_EXP_INL_H_
