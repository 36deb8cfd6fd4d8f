#include "ggml/say.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <future>

namespace bhroute::ggml {
namespace {

using namespace std::chrono_literals;

std::FILE* with_words_waiting() {
  std::FILE* stream = std::tmpfile();
  std::fputs("words", stream);
  return stream;
}

off_t num_written(std::FILE* stream) { return lseek(fileno(stream), 0, SEEK_CUR); }

TEST(FlushUnlessHeld, WritesWhatWaits) {
  std::FILE* stream = with_words_waiting();
  EXPECT_EQ(num_written(stream), 0);
  flush_unless_held(stream);
  EXPECT_EQ(num_written(stream), 5);
  std::fclose(stream);
}

TEST(FlushUnlessHeld, LeavesItsLockFree) {
  std::FILE* stream = with_words_waiting();
  flush_unless_held(stream);
  std::async(std::launch::async, [&] {
    EXPECT_EQ(ftrylockfile(stream), 0);
    funlockfile(stream);
  }).wait();
  std::fclose(stream);
}

// As where another thread waits in a write to a full pipe while the program ends.
TEST(FlushUnlessHeld, DoesNotWaitForAThreadThatHoldsTheStream) {
  std::FILE* stream = with_words_waiting();
  flockfile(stream);
  const auto flushed = std::async(std::launch::async, [&] { flush_unless_held(stream); });
  EXPECT_EQ(flushed.wait_for(5s), std::future_status::ready);
  EXPECT_EQ(num_written(stream), 0);
  funlockfile(stream);
  flushed.wait();
  std::fclose(stream);
}

}  // namespace
}  // namespace bhroute::ggml
