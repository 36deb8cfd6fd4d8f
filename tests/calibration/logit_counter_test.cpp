#include "bhroute/calibration/logit_counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <ctime>
#include <limits>
#include <map>

#include "calibration/tables.h"

namespace bhroute::calibration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr Resolution kAll[] = {Resolution::bf16, Resolution::f16, Resolution::float32};

std::map<float, std::uint64_t> counted(const LogitCounter& counter) {
  std::map<float, std::uint64_t> result;
  const auto sample = counter.sample().value();
  const auto counts = sample.counts();
  for (std::size_t i = 0; i < counts.size(); ++i) result[sample.values()[i]] = counts[i];
  return result;
}

TEST(Resolution, WordsRoundTrip) {
  for (Resolution r : kAll) EXPECT_EQ(parse_resolution(to_string(r)), r);
  EXPECT_THAT(to_string(parse_resolution("f32").error()),
              HasSubstr("got f32, want bf16, f16 or float32"));
}

TEST(RoundUp, Float32StepsAre2ToTheMinus12) {
  EXPECT_EQ(round_up(Resolution::float32, 1.0f), 1.0f);
  EXPECT_EQ(round_up(Resolution::float32, 1.0001f), 1.0f + 1.0f / 4096);
  EXPECT_EQ(round_up(Resolution::float32, -1.0001f), -1.0f);
  EXPECT_EQ(round_up(Resolution::float32, 1e-30f), 1.0f / 4096);
  EXPECT_EQ(round_up(Resolution::float32, -1e-30f), 0.0f);
  EXPECT_EQ(round_up(Resolution::float32, 4096.0005f), 4096.0005f);
  EXPECT_EQ(round_up(Resolution::float32, -1e30f), -1e30f);
}

TEST(RoundUp, ShortFormatsSaturate) {
  EXPECT_EQ(round_up(Resolution::f16, 70000.0f), 65504.0f);
  EXPECT_EQ(round_up(Resolution::f16, 65505.0f), 65504.0f);
  EXPECT_EQ(round_up(Resolution::f16, -70000.0f), -65504.0f);
  EXPECT_EQ(round_up(Resolution::bf16, std::numeric_limits<float>::max()), 0x1.fep127f);
  EXPECT_EQ(round_up(Resolution::bf16, 1.0f + 1e-6f), 1.0f + 1.0f / 128);
  EXPECT_EQ(round_up(Resolution::bf16, -1.0f - 1e-6f), -1.0f);
}

TEST(RoundUp, ZeroHasOneSign) {
  for (Resolution r : kAll)
    for (float z : {0.0f, -0.0f, -1e-42f})
      EXPECT_EQ(std::bit_cast<std::uint32_t>(round_up(r, z)), 0u) << to_string(r);
}

TEST(RoundUp, KeepsEveryValueOfTheShortFormats) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float bf16 = std::bit_cast<float>(bits << 16);
    ASSERT_TRUE(!std::isfinite(bf16) || round_up(Resolution::bf16, bf16) == bf16) << bits;
    const float f16 = static_cast<float>(std::bit_cast<_Float16>(static_cast<std::uint16_t>(bits)));
    ASSERT_TRUE(!std::isfinite(f16) || round_up(Resolution::f16, f16) == f16) << bits;
  }
}

// The grid's next smaller value must lie below z: found through the 16-bit formats' own order.
TEST(RoundUp, IsTheSmallestF16ValueAbove) {
  const auto f16 = [](int bits) {
    return static_cast<float>(std::bit_cast<_Float16>(static_cast<std::uint16_t>(bits)));
  };
  for (int bits = 0; bits < 0x7bff; ++bits) {
    const float low = f16(bits), high = f16(bits + 1), between = low + (high - low) / 3;
    ASSERT_EQ(round_up(Resolution::f16, between), high) << bits;
    ASSERT_EQ(round_up(Resolution::f16, -between), -low) << bits;
  }
}

RC_GTEST_PROP(RoundUp, IsNeverBelowAndIdempotent, (std::uint32_t bits)) {
  const float z = std::bit_cast<float>(bits);
  RC_PRE(std::isfinite(z) && std::fabs(z) <= 65504.0f);
  for (Resolution r : kAll) {
    const float up = round_up(r, z);
    RC_ASSERT(up >= z);
    RC_ASSERT(round_up(r, up) == up);
    if (r == Resolution::float32)
      RC_ASSERT(std::fabs(z) >= 4096 || double(up) - 1.0 / 4096 < double(z));
  }
}

TEST(LogitCounter, CountsAtTheRoundedValues) {
  LogitCounter counter;
  counter.add(std::vector<float>{1.0f, 1.0f, 0.9999f, -0.0f, 0.0f, 5000.5f, -5000.5f, 4096.0f,
                                 -4096.0f, -4095.99f});
  EXPECT_EQ(counter.size(), 10u);
  const auto got = counted(counter);
  EXPECT_EQ(got, (std::map<float, std::uint64_t>{{-5000.5f, 1},
                                                 {-4096.0f, 1},
                                                 {round_up(Resolution::float32, -4095.99f), 1},
                                                 {0.0f, 2},
                                                 {1.0f, 3},
                                                 {4096.0f, 1},
                                                 {5000.5f, 1}}));
}

TEST(LogitCounter, LeavesOutWhatIsNotFinite) {
  for (Resolution r : kAll) {
    LogitCounter counter(r);
    counter.add(std::vector<float>{kNan, kInf, -kInf});
    EXPECT_EQ(counter.size(), 0u);
    EXPECT_EQ(counter.num_not_finite(), 3u);
    EXPECT_THAT(to_string(counter.sample().error()), HasSubstr("nothing was counted"));
    counter.add(2.0f);
    EXPECT_EQ(counted(counter), (std::map<float, std::uint64_t>{{2.0f, 1}}));
  }
}

TEST(LogitCounter, ReachesTheEndsOfEachFormat) {
  const float max = std::numeric_limits<float>::max();
  for (Resolution r : kAll) {
    LogitCounter counter(r);
    counter.add(std::vector<float>{max, -max, 1e-45f, -1e-45f});
    const auto sample = counter.sample().value();
    EXPECT_EQ(sample.values().front(), round_up(r, -max));
    EXPECT_EQ(sample.values().back(), round_up(r, max));
    EXPECT_EQ(sample.size(), 4u);
  }
}

TEST(LogitCounter, DifferentResolutionsDoNotMerge) {
  LogitCounter a(Resolution::bf16), b(Resolution::f16);
  EXPECT_EQ(to_string(a.merge(b).error()), "counts: different resolutions, got f16, want bf16");
}

std::vector<float> some_floats() {
  std::vector<float> values;
  for (std::uint32_t bits : *rc::gen::arbitrary<std::vector<std::uint32_t>>()) {
    const float z = std::bit_cast<float>(bits);
    values.push_back(bits % 3 == 0 && std::isfinite(z) ? std::fmod(z, 3.0f) : z);
  }
  return values;
}

RC_GTEST_PROP(LogitCounter, CountsLikeAMapAndMergesExactly, ()) {
  const auto first = some_floats(), second = some_floats();
  for (Resolution r : kAll) {
    std::map<float, std::uint64_t> want;
    LogitCounter a(r), b(r);
    a.add(first);
    b.add(second);
    for (const auto& values : {first, second})
      for (float z : values)
        if (std::isfinite(z)) ++want[round_up(r, z)];
    testing::must(a.merge(b));
    RC_ASSERT(a.size() + a.num_not_finite() == first.size() + second.size());
    if (!want.empty()) RC_ASSERT(counted(a) == want);
  }
}

// On the path of a running model: a loose bound that only a change of kind breaks; the figure is
// printed.
TEST(LogitCounter, CostsLittlePerValue) {
  auto logits = testing::random_logits(20'000, 64, 3);
  for (Resolution r : kAll) {
    LogitCounter counter(r);
    const std::clock_t start = std::clock();  // CPU time: a busy machine must not fail the test
    counter.add(logits);
    const double nanoseconds = 1e9 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    const double each = nanoseconds / static_cast<double>(logits.size());
    RecordProperty(std::string(to_string(r)) + "_ns_per_value", std::to_string(each));
    EXPECT_LT(each, 200.0) << to_string(r);
  }
}

}  // namespace
}  // namespace bhroute::calibration
