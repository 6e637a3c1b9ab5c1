#include "security/tls_file.h"

#include "base/allocator.h"
#include "base/status.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 32 << 20, PATH_BYTES = 4096, NAMES_AT_FIRST = 64 };

/* Names of a directory's entries, each owned. */
struct names {
  char **all;
  size_t count, capacity;
};

static int32_t refuse(const char *setting, const char *path, int number, char *error, size_t error_size);
static int32_t read_all(int descriptor, size_t size, struct secret **content, int *number);
static int32_t collect(DIR *opened, struct names *names);
static int32_t add_name(struct names *names, const char *name);
static int32_t out_of_memory(char *error, size_t error_size);
static int compare_names(const void *a, const void *b);

int32_t tls_file_read(const char *setting, const char *path, struct secret **content, char *error,
                      size_t error_size) {
  struct stat found;
  int number = 0;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
  if (descriptor < 0) return refuse(setting, path, errno, error, error_size);
  int32_t status = STATUS_OK;
  if (fstat(descriptor, &found) != 0)
    number = errno;
  else if (S_ISDIR(found.st_mode))
    number = EISDIR;
  else if (!S_ISREG(found.st_mode))
    number = EINVAL;
  else if (found.st_size > FILE_BYTES_MAX)
    number = EFBIG;
  else
    status = read_all(descriptor, (size_t)found.st_size, content, &number);
  close(descriptor);
  if (status == STATUS_OUT_OF_MEMORY) return out_of_memory(error, error_size);
  return number == 0 ? STATUS_OK : refuse(setting, path, number, error, error_size);
}

bool tls_file_is_directory(const char *path) {
  struct stat found;
  return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

bool tls_file_exists(const char *path) {
  struct stat found;
  return stat(path, &found) == 0;
}

int32_t tls_file_list(const char *setting, const char *directory,
                      int32_t (*take)(void *context, const char *path), void *context, char *error,
                      size_t error_size) {
  struct names names = {.all = NULL};
  DIR *opened = opendir(directory);
  if (opened == NULL) return refuse(setting, directory, errno, error, error_size);
  int32_t status = collect(opened, &names);
  closedir(opened);
  if (status == STATUS_OUT_OF_MEMORY) out_of_memory(error, error_size);
  if (names.count > 0) qsort(names.all, names.count, sizeof *names.all, compare_names);
  for (size_t i = 0; i < names.count; i++) {
    char path[PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/%s", directory, names.all[i]);
    bool fits = size > 0 && (size_t)size < sizeof path;
    if (status == STATUS_OK && fits && !tls_file_is_directory(path)) status = take(context, path);
    allocator_free(names.all[i]);
  }
  allocator_free(names.all);
  return status;
}

/* ---- helpers ---- */

static void format_number(int number, char *text, size_t size) {
  char buffer[128];
#if defined(__GLIBC__)
  /* The GNU form returns the text, which need not be in the buffer. */
  snprintf(text, size, "%s", strerror_r(number, buffer, sizeof buffer));
#else
  if (strerror_r(number, buffer, sizeof buffer) != 0) snprintf(buffer, sizeof buffer, "error %d", number);
  snprintf(text, size, "%s", buffer);
#endif
}

static int32_t refuse(const char *setting, const char *path, int number, char *error, size_t error_size) {
  char text[128] = "";
  if (number == EFBIG)
    snprintf(text, sizeof text, "larger than %d MiB, which no file of certificates is", FILE_BYTES_MAX >> 20);
  else if (number == EINVAL)
    snprintf(text, sizeof text, "not a file");
  else
    format_number(number, text, sizeof text);
  snprintf(error, error_size, "%s: \"%s\" cannot be read: %s", setting, path, text);
  return STATUS_FILE_UNREADABLE;
}

static int32_t read_all(int descriptor, size_t size, struct secret **content, int *number) {
  struct secret *created = secret_allocate(size);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  size_t have = 0;
  while (have < size) {
    ssize_t count = read(descriptor, secret_data(created) + have, size - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) *number = errno;
    if (count == 0) *number = EIO; /* it became shorter: somebody is writing it */
    if (count <= 0) break;
    have += (size_t)count;
  }
  if (*number == 0) {
    *content = created;
    return STATUS_OK;
  }
  secret_destroy(created);
  return STATUS_FILE_UNREADABLE;
}

static int32_t collect(DIR *opened, struct names *names) {
  const struct dirent *entry;
  while ((entry = readdir(opened)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    int32_t status = add_name(names, entry->d_name);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static int32_t add_name(struct names *names, const char *name) {
  if (names->count == names->capacity) {
    size_t capacity = names->capacity == 0 ? NAMES_AT_FIRST : names->capacity * 2;
    char **all = allocator_reallocate(names->all, capacity * sizeof *all);
    if (all == NULL) return STATUS_OUT_OF_MEMORY;
    names->all = all;
    names->capacity = capacity;
  }
  char *copy = allocator_copy_string(name);
  if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  names->all[names->count++] = copy;
  return STATUS_OK;
}

static int32_t out_of_memory(char *error, size_t error_size) {
  snprintf(error, error_size, "%s", status_text(STATUS_OUT_OF_MEMORY));
  return STATUS_OUT_OF_MEMORY;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}
