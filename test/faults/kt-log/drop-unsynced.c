/*
 * Loaded before libc by the fault tests: after each successful fsync or fdatasync of a file of the database, keeps a copy
 * of it beside it (`NAME.synced`). After a kill, the copy holds exactly what a disk had to keep in a power failure.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void keep(int fd) {
  char link[64], path[4096], copy[4200], draft[4200], buffer[65536];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  const char *name = strrchr(path, '/');
  if (name == NULL || strncmp(name, "/log.sqlite", 11) != 0 || strstr(name, ".synced") != NULL) return;
  snprintf(copy, sizeof copy, "%s.synced", path);
  snprintf(draft, sizeof draft, "%s.synced.tmp", path);
  int in = open(path, O_RDONLY), out = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (in < 0 || out < 0) return;
  ssize_t count;
  while ((count = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, (size_t)count) != count) break;
  close(in);
  close(out);
  rename(draft, copy);
}

int fsync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int result = real(fd);
  if (result == 0) keep(fd);
  return result;
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int result = real(fd);
  if (result == 0) keep(fd);
  return result;
}
