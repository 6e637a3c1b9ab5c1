#include "producer/config_file.h"

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/status.h"
#include "network/system_error.h"
#include "producer/properties.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static int32_t file_read(const char *path, uint8_t **data, size_t *size, struct config_error *error);
static int32_t text_apply(struct config *config, const char *path, struct bytes text,
                          struct config_error *error);
static int32_t pass(struct config *config, const char *path, struct bytes text, bool only_policy,
                    struct config_error *error);

int32_t config_load_file(struct config *config, const char *path, struct config_error *error) {
  if (config == NULL || path == NULL) {
    config_error_set(error, "a configuration file needs a path");
    return STATUS_INVALID_ARGUMENT;
  }
  uint8_t *data = NULL;
  size_t size = 0;
  int32_t status = file_read(path, &data, &size, error);
  if (status == STATUS_OK) status = text_apply(config, path, bytes_of(data, size), error);
  if (status == STATUS_OUT_OF_MEMORY) config_error_set(error, "%.200s: %s", path, status_text(status));
  allocator_free(data);
  return status;
}

/* One byte more than allowed is asked for, to tell a file that is too large. */
static int32_t file_read(const char *path, uint8_t **data, size_t *size, struct config_error *error) {
  uint8_t *buffer = allocator_allocate(FILE_MAX_BYTES + 1);
  if (buffer == NULL) return STATUS_OUT_OF_MEMORY;
  size_t count = 0;
  bool failed = true;
  errno = 0;
  FILE *file = fopen(path, "re");
  if (file != NULL) {
    count = fread(buffer, 1, FILE_MAX_BYTES + 1, file);
    failed = ferror(file) != 0;
  }
  if (failed) {
    char reason[128];
    config_error_set(error, "%.200s: %s", path, system_error_format(errno, reason, sizeof(reason)));
  }
  if (file != NULL) (void)fclose(file);
  if (!failed && count > FILE_MAX_BYTES) {
    config_error_set(error, "%.200s: more than %d bytes", path, FILE_MAX_BYTES);
    failed = true;
  }
  if (failed) {
    allocator_free(buffer);
    return STATUS_FILE_UNREADABLE;
  }
  *data = buffer;
  *size = count;
  return STATUS_OK;
}

/* Into a copy first: a fault in the last line must leave nothing of the first. */
static int32_t text_apply(struct config *config, const char *path, struct bytes text,
                          struct config_error *error) {
  struct config *copy;
  int32_t status = config_copy(config, &copy);
  if (status != STATUS_OK) return status;
  status = pass(copy, path, text, true, error);
  if (status == STATUS_OK) status = pass(copy, path, text, false, error);
  if (status == STATUS_OK) config_swap(config, copy);
  config_destroy(copy);
  return status;
}

/* only_policy: sets unknown.settings alone, since it holds for names above it too. */
static int32_t pass(struct config *config, const char *path, struct bytes text, bool only_policy,
                    struct config_error *error) {
  static const char policy[] = "unknown.settings";
  struct properties properties;
  int32_t status = properties_init(&properties, text);
  if (status != STATUS_OK) return status;
  struct config_error fault = {.text = ""};
  for (;;) {
    struct property property;
    bool found;
    status = properties_next(&properties, &property, &found, &fault);
    if (status != STATUS_OK) {
      config_error_set(error, "%.200s: %.300s", path, fault.text);
      break;
    }
    if (!found) break;
    if (only_policy && strcmp(property.name, policy) != 0) continue;
    status = config_set(config, property.name, property.value, &fault);
    if (status != STATUS_OK) {
      config_error_set(error, "%.200s: line %u: %.300s", path, (unsigned)property.line, fault.text);
      break;
    }
  }
  properties_deinit(&properties);
  return status;
}
