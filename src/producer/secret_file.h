/* Reads files that may hold secrets into secret memory, without buffers of the C library in between. */
#ifndef PRODUCER_SECRET_FILE_H
#define PRODUCER_SECRET_FILE_H

#include "base/secret.h"
#include "producer/config_error.h"
#include <stdint.h>

enum { SECRET_FILE_MAX_BYTES = 1 << 20 };

struct secret_file {
  struct secret *content; /* the caller's to destroy */
  bool is_open_to_others; /* its mode lets its group or everyone read or write it */
  uint32_t mode;          /* the permission bits */
};

enum secret_file_kind {
  SECRET_FILE_ANY,     /* also a pipe, such as a shell's <(...) */
  SECRET_FILE_REGULAR, /* nothing that may wait for a writer */
};

/* Statuses: OK, FILE_UNREADABLE (error names the path and what is wrong; also if there is more than
 * SECRET_FILE_MAX_BYTES), OUT_OF_MEMORY. Blocks for the file system. */
int32_t secret_file_read(const char *path, enum secret_file_kind kind, struct secret_file *file,
                         struct config_error *error);

#endif
