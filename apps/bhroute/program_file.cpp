#include "program_file.h"

#include <elf.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace bhroute::cli {
namespace {

bool is_program(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

template <class Record>
bool read_at(std::ifstream& file, std::uint64_t offset, Record& record) {
  file.seekg(static_cast<std::streamoff>(offset));
  return static_cast<bool>(file.read(reinterpret_cast<char*>(&record), sizeof record));
}

bool is_elf(const Elf64_Ehdr& header) { return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0; }

// This process's own program: of the word size and machine that the plugin was built for.
bool same_kind(const Elf64_Ehdr& header) {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  Elf64_Ehdr own{};
  return read_at(self, 0, own) && own.e_ident[EI_CLASS] == header.e_ident[EI_CLASS] &&
         own.e_machine == header.e_machine;
}

bool has_interpreter(std::ifstream& file, const Elf64_Ehdr& header) {
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!read_at(file, header.e_phoff + i * header.e_phentsize, segment)) return false;
    if (segment.p_type == PT_INTERP) return true;
  }
  return false;
}

}  // namespace

Result<std::filesystem::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (is_program(name)) return name;
    return invalid_input("exec", "no such program", name, "a file that may be executed");
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = std::filesystem::path(folder.empty() ? "." : folder) / name;
    if (is_program(candidate)) return candidate;
  }
  return invalid_input("exec", "no such program in PATH", name);
}

Result<void> check_takes_preload(const std::filesystem::path& program) {
  std::ifstream file(program, std::ios::binary);
  Elf64_Ehdr header{};
  if (!read_at(file, 0, header) || !is_elf(header)) return {};
  if (!same_kind(header))
    return failure("exec", "the program is for another machine than the plugin", program.string());
  if (!has_interpreter(file, header))
    return failure("exec", "the program is linked statically, no plugin can enter it",
                   program.string(), "a llama.cpp built with shared libraries");
  return {};
}

}  // namespace bhroute::cli
