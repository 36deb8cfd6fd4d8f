#include "program_file.h"

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
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

/// Set-user-id, set-group-id or capabilities: the loader then leaves out what the caller preloads.
bool has_own_rights(const std::filesystem::path& program) {
  struct stat facts {};
  if (stat(program.c_str(), &facts) != 0) return false;
  const bool other_user = (facts.st_mode & S_ISUID) != 0 && facts.st_uid != getuid();
  const bool other_group = (facts.st_mode & S_ISGID) != 0 && facts.st_gid != getgid();
  const bool capable = getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
  return other_user || other_group || (capable && getuid() != 0);
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
  if (has_own_rights(program))
    return failure("exec", "the program runs with rights of its own, no plugin can enter it",
                   program.string(), "a copy without set-user-id, set-group-id and capabilities");
  return {};
}

std::string model_of(const std::vector<std::string>& program) {
  for (std::size_t i = 0; i + 1 < program.size(); ++i)
    if (program[i] == "-m" || program[i] == "--model") return program[i + 1];
  const char* variable = std::getenv("LLAMA_ARG_MODEL");
  return variable == nullptr ? "" : variable;
}

}  // namespace bhroute::cli
