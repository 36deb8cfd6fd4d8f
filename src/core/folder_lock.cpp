#include "bhroute/core/folder_lock.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "bhroute/core/log.h"

namespace bhroute {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "an unknown host";
}

std::string describe_owner(std::string_view command) {
  return fmt::format("process {} on {} since {:%F %T} UTC: {}", ::getpid(), host_name(),
                     fmt::gmtime(std::time(nullptr)), command);
}

std::string read_owner(int descriptor) {
  std::array<char, 4096> text{};
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size))
                  : "a process that has not named itself yet";
}

// The holder before removes its file when it is done: what was locked must still be what lies
// there.
bool lies_there(int descriptor, const std::filesystem::path& file) {
  struct stat locked {
  }, there{};
  return ::fstat(descriptor, &locked) == 0 && ::stat(file.c_str(), &there) == 0 &&
         locked.st_ino == there.st_ino && locked.st_dev == there.st_dev;
}

bool write_owner(int descriptor, std::string_view owner) {
  return ::ftruncate(descriptor, 0) == 0 &&
         ::pwrite(descriptor, owner.data(), owner.size(), 0) == static_cast<ssize_t>(owner.size());
}

}  // namespace

Result<FolderLock> FolderLock::acquire(const std::filesystem::path& folder,
                                       std::string_view command) {
  const std::filesystem::path file = folder / ".lock";
  for (;;) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0)
      return invalid_input(folder.string(), std::string("the folder cannot be written to (") +
                                                std::strerror(errno) + ")");
    FolderLock lock(file, descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      const std::string owner = read_owner(descriptor);
      ::close(std::exchange(lock.descriptor_, -1));
      if (reason == EINTR) continue;
      if (reason == EWOULDBLOCK)
        return failure(folder.string(), "another run works in this folder", owner, "one at a time");
      log_warning(fmt::format("{}: cannot be locked ({}); a second run in it would not be noticed",
                              folder.string(), std::strerror(reason)));
      return lock;
    }
    if (lies_there(descriptor, file)) {
      if (!write_owner(descriptor, describe_owner(command)))
        return failure(file.string(), std::string("cannot write: ") + std::strerror(errno));
      return lock;
    }
    ::close(std::exchange(lock.descriptor_, -1));
  }
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

// Removed while it is still locked, so that nobody's newer lock is.
FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  if (lies_there(descriptor_, file_)) ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace bhroute
