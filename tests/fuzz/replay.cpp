// Runs a target over the files of a folder, without libFuzzer:  replay_NAME FOLDER
// Files named good_* must be accepted, hostile_* refused; others, as libFuzzer names them, only
// survived.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/target.h"

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool as_named(const std::string& name, bool accepted) {
  if (name.starts_with("good_")) return accepted;
  return !name.starts_with("hostile_") || !accepted;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fprintf(stderr, "usage: %s FOLDER\n", arguments[0]), 2;
  int replayed = 0, wrong = 0;
  for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) {
    const std::string name = entry.path().filename().string();
    std::printf("%s\n", name.c_str());
    std::fflush(stdout);  // the last line names the file of a crash
    const bool accepted = bhroute::fuzz::accepts(content_of(entry.path()));
    ++replayed;
    if (as_named(name, accepted)) continue;
    ++wrong;
    std::printf("%s: %s\n", name.c_str(), accepted ? "accepted" : "refused");
  }
  std::printf("%d files, %d not as their names say\n", replayed, wrong);
  return replayed == 0 || wrong != 0;
}
