/* Files with certificates and keys: read whole into memory for secrets, and found in directories. Any thread;
 * waits for the file system. */
#ifndef SECURITY_TLS_FILE_H
#define SECURITY_TLS_FILE_H

#include "base/secret.h"
#include <stdbool.h>
#include <stdint.h>

/* Statuses: OK, FILE_UNREADABLE, OUT_OF_MEMORY; error begins with the setting's name. */
int32_t tls_file_read(const char *setting, const char *path, struct secret **content, char *error,
                      size_t error_size);

bool tls_file_is_directory(const char *path);
bool tls_file_exists(const char *path);

/* Calls take with the path of every file in the directory, whose name does not begin with '.', in the order
 * of names, until a call returns another status than OK. Statuses: as tls_file_read, and what take returned.
 */
int32_t tls_file_list(const char *setting, const char *directory,
                      int32_t (*take)(void *context, const char *path), void *context, char *error,
                      size_t error_size);

#endif
