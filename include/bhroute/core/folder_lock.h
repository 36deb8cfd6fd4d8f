#pragma once
// One process at a time in a folder of results.

#include <filesystem>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

/// Holds `folder` by an exclusive flock(2) on its file `.lock`, which names the owner: pid, host, command, since when.
/// The kernel lets go of it when its process ends, however that ends, so nothing stays locked after a crash.
class FolderLock {
 public:
  /// Errors: another process holds it (failure, the owner named); the folder cannot be written to (invalid_input).
  /// Where the file system knows no locks, a warning, and nothing is held.
  static Result<FolderLock> acquire(const std::filesystem::path& folder, std::string_view command);

  bool is_held() const noexcept { return descriptor_ >= 0; }

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  FolderLock(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
  std::filesystem::path file_;
  int descriptor_;  // -1 = nothing is held
};

}  // namespace bhroute
