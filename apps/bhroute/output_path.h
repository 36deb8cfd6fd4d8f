#pragma once

#include <string>
#include <utility>

#include "bhroute/core/error.h"
#include "bhroute/core/folder_lock.h"

namespace bhroute::cli {

/// Whether a file can be written at `path`, asked before long work starts. `flag` names it in
/// errors.
Result<void> check_writable(const std::string& path, const std::string& flag);

/// Whether `path` is a folder that can be written to, or one that could be made; makes nothing.
Result<void> check_folder(const std::string& path, const std::string& flag);

/// The folder of a command's finished runs: made if it is not there, locked for as long as the
/// result lives, rid of what a killed run left. Errors: `flag` names a folder that cannot be made
/// or written to; another run works in it.
Result<FolderLock> claim_folder(const std::string& path, const std::string& flag,
                                const std::string& command);

/// The last two of these, for a folder that is there.
Result<FolderLock> lock_folder(const std::string& path, const std::string& command);

/// A folder of its own under $TMPDIR (or /tmp), removed with all its content at the end.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> create();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() { remove(); }

  const std::string& path() const noexcept { return path_; }
  void remove() noexcept;

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace bhroute::cli
