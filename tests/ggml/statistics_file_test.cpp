#include "ggml/statistics_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace bhroute::ggml {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::stringstream content;
  content << std::ifstream(file).rdbuf();
  return content.str();
}

// The writer is another thread: it is given ten seconds on a busy machine.
bool comes_to_hold(const std::filesystem::path& file, const std::string& text) {
  for (int i = 0; i < 2000 && content_of(file) != text; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return content_of(file) == text;
}

struct Counter {
  // Tests run side by side, each in a process of its own.
  std::filesystem::path path =
      testing::TempDir() + "bhroute_statistics_file" + std::to_string(getpid()) + ".txt";
  std::atomic<int> value{0};
  StatisticsFile file;  // last: its thread reads the others

  Counter() {
    std::filesystem::remove(path);
    file.open(path, [this] { return std::to_string(value.load()); });
  }
  ~Counter() {
    file.finish();
    std::filesystem::remove(path);
  }
  void count_to(int end) {
    for (value = 0; value < end; ++value) file.touch();
    file.touch();
  }
};

TEST(StatisticsFile, HoldsTheLastOfManyChangesWithoutAnother) {
  Counter counter;
  counter.count_to(1000);
  EXPECT_TRUE(comes_to_hold(counter.path, "1000\n")) << content_of(counter.path);
  counter.count_to(2000);  // after an idle while
  EXPECT_TRUE(comes_to_hold(counter.path, "2000\n")) << content_of(counter.path);
}

TEST(StatisticsFile, FinishWritesAtOnceAndForTheLastTime) {
  Counter counter;
  counter.count_to(3);
  counter.value = 4;
  counter.file.finish();
  EXPECT_EQ(content_of(counter.path), "4\n");
  counter.count_to(9);
  counter.file.finish();
  EXPECT_EQ(content_of(counter.path), "4\n");
}

TEST(StatisticsFile, AForkedChildHasNoWriterAndEndsAllTheSame) {
  Counter counter;
  counter.count_to(3);
  // A write of the parent's that is under way would come after the child's.
  ASSERT_TRUE(comes_to_hold(counter.path, "3\n"));
  const pid_t child = fork();
  if (child == 0) {
    counter.value = 77;
    counter.file.finish();
    _exit(content_of(counter.path) == "77\n" ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace bhroute::ggml
