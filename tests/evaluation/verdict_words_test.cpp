#include "../../src/evaluation/verdict_words.h"

#include <gtest/gtest.h>

namespace bhroute::evaluation {
namespace {

ReportRun bh(double alpha, std::size_t max_k, double loss = 0.0) {
  ReportRun run;
  run.alpha = alpha;
  run.max_k = max_k;
  run.loss = loss;
  return run;
}

TEST(VerdictWords, Numbers) {
  EXPECT_EQ(nats(4.1081), "4.108 nats");
  EXPECT_EQ(plus_minus(0.5, 0.0123), "0.500 ± 0.012");
  EXPECT_EQ(plus_minus(-0.5, std::nullopt), "−0.500");
  EXPECT_EQ(percent(0.9521), "95.2 %");
  EXPECT_EQ(experts(3.653), "3.65 experts");
  EXPECT_EQ(decimal(0.10), "0.1");
}

TEST(VerdictWords, CountsAndLists) {
  EXPECT_EQ(count(1, "grid point"), "1 grid point");
  EXPECT_EQ(count(0, "grid point"), "0 grid points");
  EXPECT_EQ(list({}), "");
  EXPECT_EQ(list({"a"}), "a");
  EXPECT_EQ(list({"a", "b"}), "a and b");
  EXPECT_EQ(list({"a", "b", "c"}), "a, b and c");
}

TEST(VerdictWords, LowestLoss) {
  const ReportRun high = bh(0.1, 4, 6.0), low = bh(0.2, 4, 5.0);
  EXPECT_EQ(lowest_loss({&high, &low}), &low);
  EXPECT_EQ(lowest_loss({}), nullptr);
}

TEST(VerdictWords, ReferenceMaxKIsSixteenWhereThereIsOne) {
  const ReportRun a = bh(0.2, 16), b = bh(0.05, 16), c = bh(0.05, 64);
  EXPECT_EQ(at_reference_max_k({&a, &b, &c}), (std::vector<const ReportRun*>{&b, &a}));
}

TEST(VerdictWords, ReferenceMaxKIsTheMiddleOneElsewhere) {
  const ReportRun a = bh(0.2, 2), b = bh(0.2, 4), c = bh(0.2, 8);
  EXPECT_EQ(at_reference_max_k({&a, &b, &c}), (std::vector<const ReportRun*>{&b}));
}

}  // namespace
}  // namespace bhroute::evaluation
