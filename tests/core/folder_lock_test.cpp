#include "bhroute/core/folder_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "core/temporary_folder.h"

namespace bhroute {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// flock belongs to the open file, so one process is enough to be refused by itself.
TEST(FolderLock, ASecondOneIsRefusedByTheNameOfTheFirst) {
  testing::TemporaryFolder folder;
  const auto first = FolderLock::acquire(folder.path(), "bhroute sweep -o here");
  ASSERT_TRUE(first) << to_string(first.error());
  const auto second = FolderLock::acquire(folder.path(), "bhroute sweep again");
  ASSERT_FALSE(second);
  EXPECT_THAT(to_string(second.error()),
              AllOf(HasSubstr(folder.path().string() + ": another run works in this folder"),
                    HasSubstr("process " + std::to_string(::getpid()) + " on "),
                    HasSubstr(" since 20"), HasSubstr("bhroute sweep -o here")));
  EXPECT_THAT(content_of(folder / ".lock"),
              HasSubstr("bhroute sweep -o here"));  // the refused one wrote nothing
}

TEST(FolderLock, LeavesNothingBehind) {
  testing::TemporaryFolder folder;
  { ASSERT_TRUE(FolderLock::acquire(folder.path(), "one")); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_TRUE(FolderLock::acquire(folder.path(), "two"));
}

TEST(FolderLock, AFileThatACrashLeftIsNoLock) {
  testing::TemporaryFolder folder;
  std::ofstream(folder / ".lock") << "process 1 on elsewhere since long ago: and a longer text "
                                     "than the next owner's, to be cut off";
  const auto lock = FolderLock::acquire(folder.path(), "new");
  ASSERT_TRUE(lock) << to_string(lock.error());
  EXPECT_TRUE(content_of(folder / ".lock").ends_with("UTC: new"));
}

TEST(FolderLock, AKilledOwnerLetsGo) {
  testing::TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FolderLock::acquire(folder.path(), "child");
    const char told = lock ? 'y' : 'n';
    if (::write(ready[1], &told, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  ASSERT_EQ(told, 'y');
  EXPECT_FALSE(FolderLock::acquire(folder.path(), "parent"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / ".lock"));
  EXPECT_TRUE(FolderLock::acquire(folder.path(), "parent"));
}

TEST(FolderLock, AFolderThatIsNotThereIsWrongInput) {
  testing::TemporaryFolder folder;
  const auto lock = FolderLock::acquire(folder / "none", "x");
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().kind, ErrorKind::invalid_input);
  EXPECT_THAT(to_string(lock.error()), HasSubstr("cannot be written to (No such file"));
}

}  // namespace
}  // namespace bhroute
