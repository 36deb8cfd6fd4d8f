#include "bhroute/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "bhroute/core/stop.h"

namespace bhroute {
namespace {

std::string last_error() { return std::strerror(errno); }

constexpr int kPatience =
    100;  // milliseconds between looks at a stop, where somebody else is waited for

// A file takes what it is given; a pipe that is full is waited for, as long as no stop is asked
// for.
bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN && check_stop()) {
      pollfd wait{descriptor, POLLOUT, 0};
      ::poll(&wait, 1, kPatience);
      continue;
    }
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// The rename itself must reach the disk too.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

constexpr std::string_view kMark = ".bhroute-", kEnd = ".tmp";

/// The process that writes a file of such a name as make_temporary gives; none for other names.
std::optional<pid_t> writer_of(const std::string& name) {
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string::npos || mark == 0 || !name.ends_with(kEnd)) return std::nullopt;
  const char* const end = name.data() + name.size() - kEnd.size();
  pid_t process = 0;
  const auto number = std::from_chars(name.data() + mark + kMark.size(), end, process);
  if (number.ec != std::errc() || process <= 0 || *number.ptr != '-') return std::nullopt;
  std::uint64_t count = 0;
  const auto rest = std::from_chars(number.ptr + 1, end, count);
  if (rest.ec != std::errc() || rest.ptr != end) return std::nullopt;
  return process;
}

// This process writes nothing yet: a file of its number is of one before, as in containers, where
// numbers come again.
bool is_at_work(pid_t process) {
  return process != ::getpid() && (::kill(process, 0) == 0 || errno == EPERM);
}

// A device, a pipe or a socket: renaming a file onto it would take it away.
bool is_special(const std::filesystem::path& path) {
  std::error_code problem;
  return std::filesystem::is_other(path, problem) && !problem;
}

// This process's own standard output or error, by whatever name: 1 or 2; else 0. A log that a shell
// appends to is not replaced.
int standard_stream(const std::filesystem::path& path) {
  struct stat status {
  }, own{};
  if (::stat(path.c_str(), &status) != 0) return 0;
  for (int stream : {STDOUT_FILENO, STDERR_FILENO})
    if (::fstat(stream, &own) == 0 && own.st_dev == status.st_dev && own.st_ino == status.st_ino)
      return stream;
  return 0;
}

bool is_written_through(const std::filesystem::path& path) {
  return is_special(path) || standard_stream(path) != 0;
}

// The permissions of what is replaced, if anything is.
void keep_mode(const std::filesystem::path& path, int descriptor) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode))
    ::fchmod(descriptor, status.st_mode & 07777);
}

// Of a pipe that nobody reads, opening to write would wait for ever.
int open_special(const std::filesystem::path& path) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0 || errno != ENXIO || !check_stop()) return descriptor;
    ::poll(nullptr, 0, kPatience);
  }
}

Result<void> write_through(const std::filesystem::path& path, std::string_view content) {
  const int stream = standard_stream(path);
  const int descriptor = stream != 0 ? stream : open_special(path);
  bool ok = descriptor >= 0 && write_all(descriptor, content);
  const std::string reason = ok ? "" : last_error();
  if (descriptor > STDERR_FILENO) ::close(descriptor);
  if (auto go_on = check_stop(); !ok && !go_on) return go_on;
  if (ok) return {};
  return failure(path.string(), "cannot write: " + reason);
}

Result<void> sync_and_rename(int descriptor, const std::filesystem::path& temporary,
                             const std::filesystem::path& target,
                             const std::filesystem::path& path) {
  bool ok = descriptor >= 0 && ::fsync(descriptor) == 0;
  std::string reason = ok ? "" : last_error();
  if (descriptor >= 0 && ::close(descriptor) != 0 && ok) ok = false, reason = last_error();
  if (ok && ::rename(temporary.c_str(), target.c_str()) != 0) ok = false, reason = last_error();
  if (!ok) {
    ::unlink(temporary.c_str());
    return failure(path.string(), "cannot write: " + reason);
  }
  sync_folder(target.parent_path());
  return {};
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<std::uint64_t> count{0};
  return path.string() + fmt::format("{}{}-{}{}", kMark, ::getpid(), ++count, kEnd);
}

// A new file of a name that was free; -1 if there can be none.
int open_temporary(const std::filesystem::path& path, std::filesystem::path& temporary) {
  std::error_code ignored;
  if (std::filesystem::is_symlink(path, ignored)) return errno = ELOOP, -1;  // target_of gave up
  for (;;) {
    temporary = temporary_name(path);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
}

// A descriptor that is closed with it.
class Input {
 public:
  Input(int descriptor, std::string where) : descriptor_(descriptor), where_(std::move(where)) {
    struct stat status {};
    is_file_ = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  }
  Input(Input&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        is_file_(other.is_file_),
        where_(std::move(other.where_)) {}
  ~Input() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
  }
  const std::string& where() const { return where_; }
  bool skip_to(std::size_t begin) const {
    return ::lseek(descriptor_, static_cast<off_t>(begin), SEEK_SET) >= 0;
  }

  // Up to `size` bytes, 0 at the end. A read alone would go on after a signal, and wait for a
  // writer for ever.
  Result<std::size_t> read(char* bytes, std::size_t size) const {
    for (;;) {
      pollfd wait{descriptor_, POLLIN, 0};
      const int ready = ::poll(&wait, 1, kPatience);
      if (auto go_on = check_stop(); !is_file_ && !go_on) return tl::make_unexpected(go_on.error());
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      const ssize_t got = ::read(descriptor_, bytes, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR && errno != EAGAIN)
        return failure(where_, "reading failed: " + last_error());
    }
  }

 private:
  int descriptor_;
  bool is_file_ = false;  // what waits for nobody is read to its end, whatever was asked for
  std::string where_;
};

// Without O_NONBLOCK, opening a pipe would wait for its writer.
Result<Input> open_input(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return invalid_input(path.string(), "is a folder", "", "a file");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return invalid_input(path.string(), "cannot read: " + last_error());
  return Input(descriptor, path.string());
}

tl::unexpected<Error> too_large(const std::string& where, const std::string& size,
                                std::size_t max_bytes) {
  return invalid_input(where, "file too large", size + " bytes",
                       fmt::format("at most {} bytes", max_bytes));
}

// The limit comes first: a string that grows may take twice its size for a moment.
Result<std::string> read_all(const Input& input, std::size_t max_bytes) {
  std::string content;
  char buffer[1 << 16];
  for (;;) {
    const auto got = input.read(buffer, sizeof buffer);
    if (!got) return tl::make_unexpected(got.error());
    if (*got == 0) return content;
    if (content.size() + *got > max_bytes)
      return too_large(input.where(), fmt::format("more than {}", max_bytes), max_bytes);
    content.append(buffer, *got);
  }
}

}  // namespace

bool is_standard_stream(const std::filesystem::path& path) noexcept {
  return standard_stream(path) != 0;
}

std::filesystem::path target_of(std::filesystem::path path) {
  constexpr int most_links = 40;  // the kernel's own limit
  std::error_code problem;
  for (int i = 0; i < most_links && std::filesystem::is_symlink(path, problem); ++i) {
    const auto target = std::filesystem::read_symlink(path, problem);
    if (problem) break;
    path = path.parent_path() / target;  // an absolute target stands alone
  }
  return path;
}

Result<std::filesystem::path> make_temporary(const std::filesystem::path& path) {
  if (is_written_through(path))
    return failure(path.string(), "is a device, a pipe or a standard stream", "", "a file");
  std::filesystem::path temporary;
  const int descriptor = open_temporary(target_of(path), temporary);
  if (descriptor < 0) return failure(path.string(), "cannot write: " + last_error());
  keep_mode(path, descriptor);
  ::close(descriptor);
  return temporary;
}

void remove_leftovers(const std::filesystem::path& folder) noexcept {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end;
       entry.increment(ignored)) {
    if (!std::filesystem::is_regular_file(entry->symlink_status(ignored))) continue;
    const auto writer = writer_of(entry->path().filename().string());
    if (writer && !is_at_work(*writer)) std::filesystem::remove(entry->path(), ignored);
  }
}

Result<void> put_in_place(const std::filesystem::path& temporary,
                          const std::filesystem::path& path) {
  int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) descriptor = ::open(temporary.c_str(), O_WRONLY | O_CLOEXEC);
  return sync_and_rename(descriptor, temporary, target_of(path), path);
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
  if (is_written_through(path)) return write_through(path, content);
  const std::filesystem::path target = target_of(path);
  std::filesystem::path temporary;
  const int descriptor = open_temporary(target, temporary);
  if (descriptor < 0) return failure(path.string(), "cannot write: " + last_error());
  keep_mode(path, descriptor);
  if (write_all(descriptor, content)) return sync_and_rename(descriptor, temporary, target, path);
  const std::string reason = last_error();
  ::close(descriptor);
  ::unlink(temporary.c_str());
  return failure(path.string(), "cannot write: " + reason);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  if (const auto size = size_of_file(path); size && *size > max_bytes)
    return too_large(path.string(), std::to_string(*size), max_bytes);
  return open_input(path).and_then([&](const Input& input) { return read_all(input, max_bytes); });
}

Result<std::string> read_stdin(std::size_t max_bytes) {
  return read_all(Input(STDIN_FILENO, "stdin"), max_bytes);
}

Result<std::string> read_part(const std::filesystem::path& path, std::size_t begin,
                              std::size_t size) {
  const auto input = open_input(path);
  if (!input) return tl::make_unexpected(input.error());
  if (begin > 0 && !input->skip_to(begin))
    return failure(path.string(), "cannot be read from a place");
  std::string part(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto got = input->read(part.data() + done, size - done);
    if (!got) return tl::make_unexpected(got.error());
    if (*got == 0) break;
    done += *got;
  }
  part.resize(done);
  return part;
}

std::optional<std::size_t> size_of_file(const std::filesystem::path& path) noexcept {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) return std::nullopt;
  const auto size = std::filesystem::file_size(path, problem);
  return problem ? std::nullopt : std::optional<std::size_t>(size);
}

}  // namespace bhroute
