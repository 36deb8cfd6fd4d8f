#include "bhroute/kernels/compressed_rows.h"

#include <gtest/gtest.h>

#include <vector>

namespace bhroute::kernels {
namespace {

using Ids = std::vector<std::int32_t>;

// Three tokens, at most three of four experts.
const Ids kNum = {2, 0, 3};
const Ids kIds = {3, 1, -1, -1, -1, -1, 0, 3, 2};

TEST(CompressedRows, PairsByExpertInTheOrderOfTokens) {
  Ids offsets(5), pairs(9, 7);
  compress_rows(3, 3, 4, kNum.data(), kIds.data(), offsets.data(), pairs.data());
  EXPECT_EQ(offsets, (Ids{0, 1, 2, 3, 5}));
  EXPECT_EQ(pairs, (Ids{6, 1, 8, 0, 7, -1, -1, -1, -1}));
}

TEST(CompressedRows, CountsTokensOfEachExpert) {
  Ids counts(4, 9);
  count_experts(3, 3, 4, kNum.data(), kIds.data(), counts.data());
  EXPECT_EQ(counts, (Ids{1, 1, 1, 2}));
}

TEST(CompressedRows, NoTokens) {
  Ids offsets(5, 9), counts(4, 9);
  compress_rows(0, 3, 4, nullptr, nullptr, offsets.data(), nullptr);
  count_experts(0, 3, 4, nullptr, nullptr, counts.data());
  EXPECT_EQ(offsets, Ids(5, 0));
  EXPECT_EQ(counts, Ids(4, 0));
}

TEST(CompressedRows, UnselectedSlotsInEveryForm) {
  const auto filled = [](Unselected form) {
    Ids ids = kIds;
    fill_unselected(form, 3, 3, 4, kNum.data(), ids.data());
    return ids;
  };
  EXPECT_EQ(filled(Unselected::minus_one), kIds);
  EXPECT_EQ(filled(Unselected::num_experts), (Ids{3, 1, 4, 4, 4, 4, 0, 3, 2}));
  EXPECT_EQ(filled(Unselected::distinct), (Ids{3, 1, 0, 0, 1, 2, 0, 3, 2}));
}

}  // namespace
}  // namespace bhroute::kernels
