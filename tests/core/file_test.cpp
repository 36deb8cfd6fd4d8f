#include "bhroute/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bhroute/core/file_limits.h"
#include "bhroute/core/stop.h"
#include "core/temporary_folder.h"

namespace bhroute {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::size_t num_entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder),
                                                std::filesystem::directory_iterator()));
}

TEST(File, RoundTripsAnyBytes) {
  testing::TemporaryFolder folder;
  std::string content(200'000, 'x');
  content[7] = '\0';
  content[199'999] = '\xff';
  ASSERT_TRUE(write_file(folder / "a", content));
  EXPECT_EQ(read_file(folder / "a", kMaxTextBytes).value(), content);
  ASSERT_TRUE(write_file(folder / "a", ""));
  EXPECT_EQ(read_file(folder / "a", kMaxTextBytes).value(), "");
}

TEST(File, ReplacesAndLeavesNothingBeside) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a", "old"));
  ASSERT_TRUE(write_file(folder / "a", "new"));
  EXPECT_EQ(read_file(folder / "a", kMaxTextBytes).value(), "new");
  EXPECT_EQ(num_entries(folder.path()), 1u);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST(File, AFailedWriteKeepsWhatWasThere) {
  testing::TemporaryFolder folder;
  std::filesystem::create_directories(folder / "target/inside");  // a rename onto it must fail
  const auto result = write_file(folder / "target", "new");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::failure);
  EXPECT_TRUE(std::filesystem::exists(folder / "target/inside"));
  EXPECT_EQ(num_entries(folder.path()), 1u);
}

/// The number of a process that has ended and been waited for.
pid_t ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(File, LeftoversOfEndedProcessesAreRemovedAndNothingElse) {
  testing::TemporaryFolder folder;
  const auto of = [](pid_t process) { return fmt::format("r.json.bhroute-{}-3.tmp", process); };
  const std::string ended = of(ended_process()), own = of(::getpid());
  const std::vector<std::string> others{of(1),
                                        "r.json",
                                        "notes.tmp",
                                        "r.json.a1B2c3.tmp",
                                        "a.4711.tmp",
                                        "r.bhroute-4.tmp",
                                        "r.bhroute--3.tmp",
                                        "r.bhroute-99999999999999-3.tmp",
                                        "bhroute-4-3.tmp",
                                        "r.bhroute-4-3x.tmp",
                                        "r.bhroute-4-3"};
  for (const std::string& name : others) std::ofstream(folder / name) << "x";
  for (const std::string& name : {ended, own}) std::ofstream(folder / name) << "x";
  std::filesystem::create_directory(folder / of(ended_process()));
  remove_leftovers(folder.path());
  EXPECT_FALSE(std::filesystem::exists(folder / ended));
  EXPECT_FALSE(std::filesystem::exists(folder / own)) << "an ended process of the same number";
  for (const std::string& name : others)
    EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  EXPECT_EQ(num_entries(folder.path()), others.size() + 1) << "a folder is none of ours";
  remove_leftovers(folder / "none");  // nothing to do is no error
}

TEST(File, AFileUnderWayIsKnownByItsProcess) {
  testing::TemporaryFolder folder;
  const auto name = make_temporary(folder / "a.bin").value();
  EXPECT_EQ(std::filesystem::file_size(name), 0u);
  EXPECT_EQ(name.parent_path(), folder.path());
  EXPECT_THAT(name.filename().string(),
              AllOf(StartsWith(fmt::format("a.bin.bhroute-{}-", ::getpid())), EndsWith(".tmp")));
  EXPECT_NE(name, make_temporary(folder / "a.bin").value()) << "two threads may write one file";
  EXPECT_THAT(to_string(make_temporary(folder / "none/a.bin").error()),
              HasSubstr("none/a.bin: cannot write: No such file"));
}

TEST(File, ANameThatIsTakenIsLeftToItsOwner) {
  testing::TemporaryFolder folder;
  const auto taken = testing::take_next_temporaries(folder / "a");
  const auto made = make_temporary(folder / "a").value();
  EXPECT_EQ(testing::slurp(made), "");
  ASSERT_TRUE(write_file(folder / "a", "mine"));
  for (const auto& file : taken) EXPECT_EQ(testing::slurp(file), "another's") << file;
  EXPECT_THAT(taken, ::testing::Not(::testing::Contains(made)));
}

TEST(File, WhatWasWrittenAsItCameIsPutInPlace) {
  testing::TemporaryFolder folder;
  std::ofstream(folder / "a.1.tmp") << "as it came";
  ASSERT_TRUE(write_file(folder / "a", "old"));
  ASSERT_TRUE(put_in_place(folder / "a.1.tmp", folder / "a"));
  EXPECT_EQ(read_file(folder / "a", kMaxTextBytes).value(), "as it came");
  EXPECT_EQ(num_entries(folder.path()), 1u);
  std::filesystem::create_directories(folder / "target/inside");
  std::ofstream(folder / "b.1.tmp") << "x";
  EXPECT_FALSE(put_in_place(folder / "b.1.tmp", folder / "target"));
  EXPECT_EQ(num_entries(folder.path()), 2u) << "what cannot be put in place is removed";
  EXPECT_THAT(to_string(put_in_place(folder / "none", folder / "c").error()),
              HasSubstr("c: cannot write: No such file"));
}

TEST(File, NamesAMissingFolder) {
  testing::TemporaryFolder folder;
  const auto result = write_file(folder / "missing/a", "x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().where, folder / "missing/a");
  EXPECT_THAT(result.error().what, StartsWith("cannot write: "));
  EXPECT_THAT(result.error().what, HasSubstr("No such file"));
}

TEST(File, ReadingSaysWhatIsWrong) {
  testing::TemporaryFolder folder;
  EXPECT_THAT(to_string(read_file(folder / "missing", kMaxTextBytes).error()),
              HasSubstr("No such file"));
  EXPECT_THAT(to_string(read_file(folder.path(), kMaxTextBytes).error()),
              HasSubstr("is a folder, want a file"));
}

TEST(File, SizeLimitIsInclusive) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a", "12345"));
  EXPECT_TRUE(read_file(folder / "a", 5));
  const auto result = read_file(folder / "a", 4);
  ASSERT_FALSE(result);
  EXPECT_THAT(to_string(result.error()),
              HasSubstr("file too large, got 5 bytes, want at most 4 bytes"));
}

/// A pipe in the file system, and who writes to it.
class PipedFile : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); }
  std::thread write(std::string content) {
    return std::thread([this, content] { std::ofstream(path) << content; });
  }
  testing::TemporaryFolder folder;
  std::filesystem::path path = folder / "pipe";
};

TEST_F(PipedFile, IsReadToItsEnd) {
  std::string content(200'000, 'x');
  auto writer = write(content);
  EXPECT_EQ(read_file(path, kMaxTextBytes).value(), content);
  writer.join();
}

TEST_F(PipedFile, HasALimitToo) {
  auto writer = write("12345");
  EXPECT_THAT(to_string(read_file(path, 4).error()),
              HasSubstr("pipe: file too large, got more than 4 bytes, want at most 4 bytes"));
  writer.join();
}

TEST_F(PipedFile, ThatNobodyWritesToIsLeftWhenAStopIsAskedFor) {
  std::thread asker([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    request_stop();
  });
  const auto result = read_file(path, 10);
  asker.join();
  clear_stop();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::stopped);
}

TEST_F(PipedFile, ThatKeepsComingIsLeftToo) {
  std::thread writer([this] {
    ::signal(SIGPIPE, SIG_IGN);
    std::ofstream file(path);
    for (int i = 0; i < 200 && file; ++i) {
      if (i == 5) request_stop();
      file << "x" << std::flush;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  const auto result = read_file(path, 1000);
  clear_stop();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::stopped);
  writer.join();
}

TEST_F(PipedFile, ThatNobodyReadsIsLeftWhenAStopIsAskedFor) {
  request_stop();
  const auto result = write_file(path, "x");
  clear_stop();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::stopped);
}

TEST_F(PipedFile, IsWrittenToAndStays) {
  std::string got;
  std::thread reader([&] { got = read_file(path, 100).value_or("none"); });
  EXPECT_TRUE(write_file(path, "through"));
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  EXPECT_THAT(to_string(make_temporary(path).error()),
              HasSubstr("pipe: is a device, a pipe or a standard stream"));
  EXPECT_EQ(num_entries(folder.path()), 1u);
}

TEST(File, ADeviceIsWrittenToAndStays) {
  EXPECT_TRUE(write_file("/dev/null", "x"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_THAT(to_string(write_file("/dev/full", "x").error()),
              HasSubstr("/dev/full: cannot write: No space left"));
}

TEST(File, ALinkStaysAndItsTargetIsReplaced) {
  testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "there");
  ASSERT_TRUE(write_file(folder / "there/file", "old"));
  for (const char* name : {"there/file", "there/new"}) {
    std::filesystem::create_symlink(name, folder / "link");
    ASSERT_TRUE(write_file(folder / "link", "new"));
    const auto temporary = make_temporary(folder / "link").value();
    EXPECT_EQ(temporary.parent_path().filename(), "there") << "a rename needs one file system";
    ASSERT_TRUE(put_in_place(temporary, folder / "link"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_EQ(read_file(folder / name, 9).value(), "");
    std::filesystem::remove(folder / "link");
  }
}

TEST(File, ALoopOfLinksIsNoFile) {
  testing::TemporaryFolder folder;
  std::filesystem::create_symlink("b", folder / "a");
  std::filesystem::create_symlink("a", folder / "b");
  EXPECT_THAT(to_string(write_file(folder / "a", "x").error()),
              HasSubstr("a: cannot write: Too many levels of symbolic links"));
  EXPECT_FALSE(make_temporary(folder / "a"));
  EXPECT_EQ(num_entries(folder.path()), 2u);
}

/// A log that a shell appends to: by its own name, and as /dev/stdout.
TEST(File, WhatStandardOutputGoesToIsNotReplaced) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "log", "before "));
  const int kept = ::dup(STDOUT_FILENO);
  const int log = ::open((folder / "log").c_str(), O_WRONLY | O_APPEND);
  ::dup2(log, STDOUT_FILENO);
  const bool ok = write_file("/dev/stdout", "one ") && write_file(folder / "log", "two");
  const auto temporary = make_temporary(folder / "log");
  ::dup2(kept, STDOUT_FILENO);
  ::close(log), ::close(kept);
  EXPECT_TRUE(ok);
  EXPECT_FALSE(temporary);
  EXPECT_EQ(read_file(folder / "log", 99).value(), "before one two");
}

TEST(File, PermissionsAreTheCallersAndThoseOfWhatIsReplaced) {
  testing::TemporaryFolder folder;
  const auto mode = [&] {
    struct stat status {};
    EXPECT_EQ(::stat((folder / "a").c_str(), &status), 0);
    return status.st_mode & 0777;
  };
  const mode_t before = ::umask(077);
  ASSERT_TRUE(write_file(folder / "a", "secret"));
  EXPECT_EQ(mode(), 0600u);
  ::umask(before);
  ASSERT_TRUE(write_file(folder / "a", "still"));
  EXPECT_EQ(mode(), 0600u);
  ASSERT_TRUE(put_in_place(make_temporary(folder / "a").value(), folder / "a"));
  EXPECT_EQ(mode(), 0600u);
}

TEST(File, APartIsRead) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a", "12345"));
  EXPECT_EQ(read_part(folder / "a", 1, 3).value(), "234");
  EXPECT_EQ(read_part(folder / "a", 3, 10).value(), "45");
  EXPECT_EQ(read_part(folder / "a", 9, 1).value(), "");
  EXPECT_THAT(to_string(read_part(folder.path(), 0, 1).error()), HasSubstr("is a folder"));
  EXPECT_EQ(size_of_file(folder / "a"), 5u);
  EXPECT_EQ(size_of_file(folder.path()), std::nullopt);
  EXPECT_EQ(size_of_file("/dev/null"), std::nullopt);
}

}  // namespace
}  // namespace bhroute
