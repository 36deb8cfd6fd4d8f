#include "bhroute/calibration/null_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace bhroute::calibration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> statistic(Statistic which, std::vector<float> logits) {
  compute_statistic(which, logits, logits);
  return logits;
}

TEST(NullSpec, WordsRoundTrip) {
  for (Statistic s : {Statistic::logit, Statistic::log_prob, Statistic::standardized})
    EXPECT_EQ(parse_statistic(to_string(s)), s);
  for (Pooling p : {Pooling::pooled, Pooling::per_expert})
    EXPECT_EQ(parse_pooling(to_string(p)), p);
  for (const NullSpec& n :
       {NullSpec{}, NullSpec{NullKind::unselected, 0}, NullSpec{NullKind::trimmed, 12}})
    EXPECT_EQ(parse_null(to_string(n)), n);
  EXPECT_EQ(to_string(NullSpec{NullKind::trimmed, 3}), "trimmed:3");
}

TEST(NullSpec, UnknownWordsNameTheKnown) {
  EXPECT_EQ(to_string(parse_statistic("p").error()),
            "statistic: unknown statistic, got p, want logit, log_prob or standardized");
  EXPECT_EQ(to_string(parse_pooling("").error()),
            "pooling: unknown pooling, want pooled or per_expert");
  for (const char* text : {"", "All", "trimmed", "trimmed:", "trimmed:0", "trimmed:-1",
                           "trimmed:3x", "trimmed: 3", "trimmed:99999999999999999999"})
    EXPECT_THAT(to_string(parse_null(text).error()),
                HasSubstr("want all, unselected or trimmed:N with N >= 1"))
        << text;
}

TEST(Statistic, LogitIsItself) {
  EXPECT_THAT(statistic(Statistic::logit, {1.5f, -kInf}), ElementsAre(1.5f, -kInf));
}

// By hand: logsumexp(0, log 2, log 5) = log 8.
TEST(Statistic, LogProb) {
  const auto out = statistic(Statistic::log_prob, {0.0f, std::log(2.0f), std::log(5.0f)});
  EXPECT_FLOAT_EQ(out[0], std::log(1.0f / 8));
  EXPECT_FLOAT_EQ(out[1], std::log(2.0f / 8));
  EXPECT_FLOAT_EQ(out[2], std::log(5.0f / 8));
}

TEST(Statistic, LogProbDoesNotOverflow) {
  EXPECT_THAT(statistic(Statistic::log_prob, {3e38f, -3e38f}), ElementsAre(0.0f, -kInf));
  EXPECT_FLOAT_EQ(statistic(Statistic::log_prob, {1000.0f, 1000.0f})[0], -std::log(2.0f));
}

TEST(Statistic, LogProbOfInfinitiesAndNan) {
  EXPECT_THAT(statistic(Statistic::log_prob, {kInf, 1, kInf, -kInf}),
              ElementsAre(-std::log(2.0f), -kInf, -std::log(2.0f), -kInf));
  EXPECT_THAT(statistic(Statistic::log_prob, {kInf, 1}), ElementsAre(0.0f, -kInf));
  const auto out = statistic(Statistic::log_prob, {0, kNan, 0, -kInf});
  EXPECT_FLOAT_EQ(out[0], -std::log(2.0f));
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_EQ(out[3], -kInf);
  EXPECT_FLOAT_EQ(statistic(Statistic::log_prob, {-kInf, -kInf})[0], -std::log(2.0f));
}

// By hand: mean 3, population sd 2.
TEST(Statistic, Standardized) {
  EXPECT_THAT(statistic(Statistic::standardized, {1, 5, 1, 5}), ElementsAre(-1, 1, -1, 1));
}

TEST(Statistic, StandardizedEdges) {
  EXPECT_THAT(statistic(Statistic::standardized, {0.1f, 0.1f, 0.1f}), ElementsAre(0, 0, 0));
  EXPECT_THAT(statistic(Statistic::standardized, {1, 5, kInf, -kInf}),
              ElementsAre(-1, 1, kInf, -kInf));
  EXPECT_TRUE(std::isnan(statistic(Statistic::standardized, {kNan, 1})[0]));
  EXPECT_THAT(statistic(Statistic::standardized, {kInf, -kInf}), ElementsAre(kInf, -kInf));
  EXPECT_THAT(statistic(Statistic::standardized, {3e38f, -3e38f}), ElementsAre(1, -1));
}

TEST(Statistic, NoExperts) {
  for (Statistic s : {Statistic::logit, Statistic::log_prob, Statistic::standardized})
    EXPECT_TRUE(statistic(s, {}).empty());
}

std::vector<float> any_floats() {
  std::vector<float> logits;
  for (std::uint32_t bits : *rc::gen::arbitrary<std::vector<std::uint32_t>>())
    logits.push_back(std::bit_cast<float>(bits));
  return logits;
}

RC_GTEST_PROP(Statistic, RisesWithTheLogitWithinAToken, (bool extreme)) {
  std::vector<float> logits = any_floats();
  if (!extreme)
    for (float& logit : logits) logit = std::isfinite(logit) ? std::fmod(logit, 30.0f) : logit;
  for (Statistic which : {Statistic::log_prob, Statistic::standardized}) {
    std::vector<float> out(logits.size());
    compute_statistic(which, logits, out);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      RC_ASSERT(std::isnan(out[i]) == std::isnan(logits[i]));
      for (std::size_t j = 0; j < logits.size(); ++j)
        RC_ASSERT(!(logits[i] <= logits[j]) || out[i] <= out[j]);
    }
  }
}

}  // namespace
}  // namespace bhroute::calibration
