#pragma once
// A folder that lives as long as the object, and whole files written and read; names that are
// taken.

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "bhroute/core/file.h"

namespace bhroute::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bhroute.XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void spill(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Another process's files of the next `count` names that this process would write `path` under, as
/// where two containers share a volume and their processes one number. Returns the names.
inline std::vector<std::filesystem::path> take_next_temporaries(const std::filesystem::path& path,
                                                                int count = 4) {
  const auto own = make_temporary(path).value();
  std::filesystem::remove(own);
  const std::string name = own.string(), end = ".tmp";
  const std::size_t dash = name.rfind('-');
  std::uint64_t next = std::stoull(name.substr(dash + 1));
  std::vector<std::filesystem::path> taken;
  while (count-- > 0) {
    taken.push_back(name.substr(0, dash + 1) + std::to_string(++next) + end);
    spill(taken.back(), "another's");
  }
  return taken;
}

}  // namespace bhroute::testing
