#pragma once

#include <string>
#include <utility>

#include "bhroute/core/error.h"

namespace bhroute::cli {

/// Whether a file can be written at `path`, asked before long work starts. `flag` names it in
/// errors.
Result<void> check_writable(const std::string& path, const std::string& flag);

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
