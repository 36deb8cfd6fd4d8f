#include "output_path.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "bhroute/core/file.h"

namespace bhroute::cli {

namespace fs = std::filesystem;

namespace {

Result<void> check_access(const fs::path& folder, const std::string& flag) {
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return invalid_input(
      flag, std::string("the folder cannot be written to (") + std::strerror(errno) + ")",
      folder.string(), "a folder that can");
}

fs::path or_here(const fs::path& folder) { return folder.empty() ? "." : folder; }

/// The path, or the folder above it that exists; the last one above where none can be looked up.
fs::path nearest_there(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored)) {
    fs::path above = or_here(path.parent_path());
    if (above == path) break;
    path = std::move(above);
  }
  return path;
}

}  // namespace

Result<void> check_writable(const std::string& path, const std::string& flag) {
  std::error_code ignored;
  if (path.empty()) return invalid_input(flag, "missing", "", "a path to write to");
  if (fs::is_directory(path, ignored))
    return invalid_input(flag, "is a folder", path, "a file's path");
  if (fs::is_other(path, ignored)) {  // a device or a pipe is written to, not replaced
    if (::access(path.c_str(), W_OK) == 0) return {};
    return invalid_input(flag, std::string("cannot be written to (") + std::strerror(errno) + ")",
                         path);
  }
  const fs::path target = target_of(path);
  if (fs::is_symlink(target, ignored))
    return invalid_input(flag, "is a link to itself", path, "a file's path");
  const fs::path folder = or_here(target.parent_path());
  if (!fs::is_directory(folder, ignored))
    return invalid_input(flag, "there is no such folder", folder.string(), "a folder that exists");
  return check_access(folder, flag);
}

Result<void> check_folder(const std::string& path, const std::string& flag) {
  std::error_code problem;
  if (path.empty()) return invalid_input(flag, "missing", "", "a folder");
  const fs::path nearest = nearest_there(path);
  const bool is_folder = fs::is_directory(nearest, problem);
  if (problem)
    return invalid_input(flag, "cannot be looked up (" + problem.message() + ")", nearest.string(),
                         "a folder that can");
  if (!is_folder)
    return invalid_input(flag, "is not a folder", nearest.string(), "a folder, or a new path");
  return check_access(nearest, flag);
}

Result<FolderLock> claim_folder(const std::string& path, const std::string& flag,
                                const std::string& command) {
  std::error_code error;
  fs::create_directories(fs::path(path) / "runs", error);
  if (error) return invalid_input(flag, "cannot make the folder (" + error.message() + ")", path);
  auto lock = lock_folder(path, command);
  if (lock && lock->is_held()) remove_leftovers(fs::path(path) / "runs");
  return lock;
}

Result<FolderLock> lock_folder(const std::string& path, const std::string& command) {
  auto lock = FolderLock::acquire(path, command);
  // Where nothing could be locked, what lies there may be another run's, at work.
  if (lock && lock->is_held()) remove_leftovers(path);
  return lock;
}

Result<TemporaryFolder> TemporaryFolder::create() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return failure("TMPDIR", "no folder for temporary files (" + error.message() + ")");
  std::string path = (parent / "bhroute.XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr)
    return failure(path,
                   std::string("cannot make a temporary folder (") + std::strerror(errno) + ")");
  return TemporaryFolder(std::move(path));
}

void TemporaryFolder::remove() noexcept {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
  path_.clear();
}

}  // namespace bhroute::cli
