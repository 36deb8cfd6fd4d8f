#include "bhroute/core/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
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

// "x.json.a1B2c3.tmp", as mkstemps names it, or with a process's number.
bool is_leftover(const std::filesystem::path& path) {
  if (path.extension() != ".tmp") return false;
  const std::string mark = path.stem().extension().string();
  const auto all = [&](auto is) {
    return mark.size() > 1 && std::all_of(mark.begin() + 1, mark.end(), is);
  };
  return all([](unsigned char c) { return std::isdigit(c) != 0; }) ||
         (mark.size() == 7 && all([](unsigned char c) { return std::isalnum(c) != 0; }));
}

}  // namespace

void remove_leftovers(const std::filesystem::path& folder) noexcept {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end;
       entry.increment(ignored))
    if (is_leftover(entry->path())) std::filesystem::remove(entry->path(), ignored);
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
  std::string temporary = path.string() + ".XXXXXX.tmp";
  const int descriptor = ::mkstemps(temporary.data(), 4);
  if (descriptor < 0) return failure(path.string(), "cannot write: " + last_error());
  bool ok = write_all(descriptor, content) && ::fchmod(descriptor, 0644) == 0;
  std::string reason = ok ? "" : last_error();
  if (::close(descriptor) != 0 && ok) ok = false, reason = last_error();
  if (ok) return put_in_place(temporary, path);
  ::unlink(temporary.c_str());
  return failure(path.string(), "cannot write: " + reason);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return invalid_input(path.string(), "is a folder", "", "a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return invalid_input(path.string(), "cannot read: " + last_error());
  std::string content;
  char buffer[1 << 16];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    content.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (content.size() > max_bytes)
      return invalid_input(path.string(), "file too large",
                           fmt::format("more than {} bytes", max_bytes),
                           fmt::format("at most {} bytes", max_bytes));
  }
  if (file.bad()) return failure(path.string(), "reading failed");
  return content;
}

}  // namespace bhroute
