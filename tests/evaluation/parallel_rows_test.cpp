#include "../../src/evaluation/parallel_rows.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace bhroute::evaluation {
namespace {

RC_GTEST_PROP(ParallelRows, CoversEveryRowOnce, ()) {
  const auto rows = *rc::gen::inRange<std::size_t>(0, 50);
  const auto threads = *rc::gen::inRange<std::size_t>(0, 6);
  const auto least = *rc::gen::inRange<std::size_t>(0, 20);
  std::vector<std::atomic<int>> seen(rows);
  std::atomic<std::size_t> parts = 0;
  parallel_rows(rows, threads, least, [&](std::size_t begin, std::size_t end) {
    ++parts;
    for (std::size_t r = begin; r < end; ++r) ++seen[r];
  });
  for (const auto& count : seen) RC_ASSERT(count.load() == 1);
  RC_ASSERT(parts.load() <= std::max<std::size_t>(threads, 1));
}

TEST(ParallelRows, FewRowsStayOnTheCallersThread) {
  std::set<std::thread::id> ids;
  parallel_rows(10, 4, 10,
                [&](std::size_t, std::size_t) { ids.insert(std::this_thread::get_id()); });
  EXPECT_EQ(ids, std::set{std::this_thread::get_id()});
}

TEST(ParallelRows, ManyRowsUseSeveralThreads) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  parallel_rows(10, 2, 1, [&](std::size_t, std::size_t) {
    const std::scoped_lock lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(ids.size(), 2U);
}

TEST(ParallelRows, WideRowsAreWorthAThreadSooner) {
  EXPECT_EQ(rows_worth_a_thread(1 << 20), 1U);
  EXPECT_GT(rows_worth_a_thread(64), rows_worth_a_thread(8192));
  EXPECT_GT(rows_worth_a_thread(0), 0U);
}

}  // namespace
}  // namespace bhroute::evaluation
