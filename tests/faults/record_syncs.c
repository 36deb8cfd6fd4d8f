/* Preloaded: writes each fsync and rename of a process, in their order, to the file
 * $BHROUTE_SYNC_LOG. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell(const char* what, const char* path, const char* other) {
  const char* file = getenv("BHROUTE_SYNC_LOG");
  const int log = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
  if (log < 0) return;
  dprintf(log, "%s\t%s\t%s\n", what, path, other);
  close(log);
}

static void tell_descriptor(const char* what, int descriptor) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  tell(what, path, "");
}

int fsync(int descriptor) {
  tell_descriptor("fsync", descriptor);
  return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
  tell_descriptor("fsync", descriptor);
  return (int)syscall(SYS_fdatasync, descriptor);
}

int rename(const char* from, const char* to) {
  char whole[PATH_MAX];
  tell("rename", realpath(from, whole) ? whole : from, to);
  return ((int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename"))(from, to);
}
