#include "producer/secret_file.h"

#include "base/status.h"
#include "network/system_error.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t refuse(const char *path, const char *reason, struct config_error *error);
static int32_t refuse_by_system(const char *path, struct config_error *error);
static int32_t read_all(int descriptor, size_t expected, struct secret **content);
static int32_t resize(struct secret **content, size_t used, size_t size);

int32_t secret_file_read(const char *path, enum secret_file_kind kind, struct secret_file *file,
                         struct config_error *error) {
  bool regular = kind == SECRET_FILE_REGULAR;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));
  if (descriptor < 0) return refuse_by_system(path, error);
  struct stat about;
  int32_t status = STATUS_OK;
  struct secret *content = NULL;
  if (fstat(descriptor, &about) != 0) {
    status = refuse_by_system(path, error);
  } else if (regular && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) {
    status = refuse(path, "it is not a regular file", error);
  } else {
    size_t expected =
        about.st_size > 0 && about.st_size < SECRET_FILE_MAX_BYTES ? (size_t)about.st_size : 4095;
    status = read_all(descriptor, expected, &content);
    if (status == STATUS_FILE_UNREADABLE) status = refuse_by_system(path, error);
    if (status == STATUS_OK && secret_bytes(content).size > SECRET_FILE_MAX_BYTES) {
      secret_destroy(content);
      config_error_set(error, "%.200s: more than %d bytes", path, SECRET_FILE_MAX_BYTES);
      status = STATUS_FILE_UNREADABLE;
    }
  }
  int kept = errno;
  (void)close(descriptor); /* it was only read */
  errno = kept;
  if (status != STATUS_OK) return status;
  uint32_t mode = about.st_mode & 07777;
  *file = (struct secret_file){
      .content = content, .mode = mode, .is_open_to_others = S_ISREG(about.st_mode) && (mode & 077) != 0};
  return STATUS_OK;
}

static int32_t refuse(const char *path, const char *reason, struct config_error *error) {
  config_error_set(error, "%.200s: %s", path, reason);
  return STATUS_FILE_UNREADABLE;
}

static int32_t refuse_by_system(const char *path, struct config_error *error) {
  char reason[128];
  return refuse(path, system_error_format(errno, reason, sizeof(reason)), error);
}

/* Up to one byte more than allowed, to tell what is too large. expected: how much there probably is.
 * Statuses: OK, FILE_UNREADABLE (errno says why), OUT_OF_MEMORY. */
static int32_t read_all(int descriptor, size_t expected, struct secret **content) {
  size_t used = 0, room = expected + 1;
  struct secret *buffer = secret_allocate(room);
  if (buffer == NULL) return STATUS_OUT_OF_MEMORY;
  int32_t status = STATUS_OK;
  while (used <= SECRET_FILE_MAX_BYTES) {
    ssize_t count = read(descriptor, secret_data(buffer) + used, room - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) status = STATUS_FILE_UNREADABLE;
    if (count <= 0) break;
    used += (size_t)count;
    if (used < room) continue;
    room = room > SECRET_FILE_MAX_BYTES / 2 ? SECRET_FILE_MAX_BYTES + 1 : 2 * room;
    if (used < room) status = resize(&buffer, used, room);
    if (status != STATUS_OK) break;
  }
  if (status == STATUS_OK) status = resize(&buffer, used, used);
  if (status == STATUS_OK) {
    *content = buffer;
  } else {
    int kept = errno;
    secret_destroy(buffer);
    errno = kept;
  }
  return status;
}

static int32_t resize(struct secret **content, size_t used, size_t size) {
  struct secret *resized = secret_allocate(size);
  if (resized == NULL) return STATUS_OUT_OF_MEMORY;
  if (used > 0) memcpy(secret_data(resized), secret_bytes(*content).data, used);
  secret_destroy(*content);
  *content = resized;
  return STATUS_OK;
}
