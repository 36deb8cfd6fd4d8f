#include "ggml/preload.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>

namespace bhroute::ggml {
namespace {

struct Started {
  long process = 0;
  int descriptor = -1;
};

std::optional<Started> started_by_exec() {
  const char* value = std::getenv(kExecVariable);
  Started started;
  if (value == nullptr || std::sscanf(value, "%ld:%d", &started.process, &started.descriptor) != 2)
    return std::nullopt;
  return started;
}

bool was_taken(const Started& started) {
  struct stat mark {};
  return fstat(started.descriptor, &mark) != 0 || mark.st_size > 0;  // closed: nobody can say
}

int kept_stderr = -1;  // programs may have closed theirs when this is needed

// A program that ran to its end and never took the plugin was not routed, and must not look as if
// it had been.
void check_at_exit(int status, void*) {
  const auto started = started_by_exec();
  if (!started || started->process != getpid() || was_taken(*started)) return;
  dprintf(kept_stderr,
          "bhroute: exec: the program ended without taking the plugin, nothing was "
          "routed (ggml linked into it statically, or no llama.cpp program)\n");
  if (status == 0) _exit(1);
}

// Only then are the plugin's symbols in the program's own scope.
bool is_preloaded() {
  void* program = dlopen(nullptr, RTLD_LAZY);
  return program != nullptr && dlsym(program, kVersionSymbol) != nullptr;
}

bool has_registered_backends() {
  const auto count =
      reinterpret_cast<std::size_t (*)()>(dlsym(RTLD_DEFAULT, "ggml_backend_reg_count"));
  return count != nullptr && count() > 0;
}

}  // namespace

void enter_by_preload(void (*register_plugin)()) {
  const auto started = started_by_exec();
  if (!started || !is_preloaded()) return;
  if (started->process == getpid()) {
    kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    on_exit(check_at_exit, nullptr);
  }
  if (has_registered_backends()) register_plugin();
}

void mark_taken() {
  const auto started = started_by_exec();
  if (started && write(started->descriptor, "1", 1) != 1) return;  // closed by the host
}

}  // namespace bhroute::ggml
