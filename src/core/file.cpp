#include "bhroute/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>

namespace bhroute {
namespace {

std::string last_error() { return std::strerror(errno); }

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
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

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<std::uint64_t> count{0};
  return path.string() + fmt::format("{}{}-{}{}", kMark, ::getpid(), ++count, kEnd);
}

// A new file of a name that was free; -1 if there can be none.
int open_temporary(const std::filesystem::path& path, std::filesystem::path& temporary) {
  for (;;) {
    temporary = temporary_name(path);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
}

Result<std::ifstream> open_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return invalid_input(path.string(), "is a folder", "", "a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return invalid_input(path.string(), "cannot read: " + last_error());
  return file;
}

tl::unexpected<Error> too_large(const std::string& where, const std::string& size,
                                std::size_t max_bytes) {
  return invalid_input(where, "file too large", size + " bytes",
                       fmt::format("at most {} bytes", max_bytes));
}

}  // namespace

Result<std::filesystem::path> make_temporary(const std::filesystem::path& path) {
  std::filesystem::path temporary;
  const int descriptor = open_temporary(path, temporary);
  if (descriptor < 0) return failure(path.string(), "cannot write: " + last_error());
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
  const int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  bool ok = descriptor >= 0 && ::fsync(descriptor) == 0;
  std::string reason = ok ? "" : last_error();
  if (descriptor >= 0) ::close(descriptor);
  if (ok && ::rename(temporary.c_str(), path.c_str()) != 0) ok = false, reason = last_error();
  if (!ok) {
    ::unlink(temporary.c_str());
    return failure(path.string(), "cannot write: " + reason);
  }
  sync_folder(path.parent_path());
  return {};
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path temporary;
  const int descriptor = open_temporary(path, temporary);
  if (descriptor < 0) return failure(path.string(), "cannot write: " + last_error());
  bool ok = write_all(descriptor, content) && ::fchmod(descriptor, 0644) == 0;
  std::string reason = ok ? "" : last_error();
  if (::close(descriptor) != 0 && ok) ok = false, reason = last_error();
  if (ok) return put_in_place(temporary, path);
  ::unlink(temporary.c_str());
  return failure(path.string(), "cannot write: " + reason);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  if (const auto size = size_of_file(path); size && *size > max_bytes)
    return too_large(path.string(), std::to_string(*size), max_bytes);
  auto file = open_file(path);
  if (!file) return tl::make_unexpected(file.error());
  return read_all(*file, path.string(), max_bytes);
}

Result<std::string> read_part(const std::filesystem::path& path, std::size_t begin,
                              std::size_t size) {
  auto file = open_file(path);
  if (!file) return tl::make_unexpected(file.error());
  std::string part(size, '\0');
  if (begin > 0) file->seekg(static_cast<std::streamoff>(begin));
  file->read(part.data(), static_cast<std::streamsize>(size));
  if (file->bad()) return failure(path.string(), "reading failed");
  part.resize(static_cast<std::size_t>(file->gcount()));
  return part;
}

std::optional<std::size_t> size_of_file(const std::filesystem::path& path) noexcept {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) return std::nullopt;
  const auto size = std::filesystem::file_size(path, problem);
  return problem ? std::nullopt : std::optional<std::size_t>(size);
}

Result<std::string> read_all(std::istream& file, const std::string& where, std::size_t max_bytes) {
  std::string content;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    content.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (content.size() > max_bytes)
      return too_large(where, fmt::format("more than {}", max_bytes), max_bytes);
  }
  if (file.bad()) return failure(where, "reading failed");
  return content;
}

}  // namespace bhroute
