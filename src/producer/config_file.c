#include "producer/config_file.h"

#include "base/bytes.h"
#include "base/status.h"
#include "producer/properties.h"
#include "producer/secret_file.h"
#include <stdbool.h>
#include <string.h>

static int32_t text_apply(struct config *config, const char *path, struct bytes text,
                          struct config_error *error);
static int32_t pass(struct config *config, const char *path, struct bytes text, bool only_policy,
                    struct config_error *error);

int32_t config_load_file(struct config *config, const char *path, struct config_error *error) {
  if (config == NULL || path == NULL) {
    config_error_set(error, "a configuration file needs a path");
    return STATUS_INVALID_ARGUMENT;
  }
  struct secret_file file = {.content = NULL};
  int32_t status = secret_file_read(path, SECRET_FILE_ANY, &file, error);
  if (status == STATUS_OK) status = text_apply(config, path, secret_bytes(file.content), error);
  if (status == STATUS_OUT_OF_MEMORY) config_error_set(error, "%.200s: %s", path, status_text(status));
  secret_destroy(file.content);
  return status;
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

/* Settings that hold for lines above them, too. */
static bool is_policy(const char *name) {
  return strcmp(name, "unknown.settings") == 0 || strcmp(name, "config.providers") == 0;
}

/* only_policy: sets those alone. */
static int32_t pass(struct config *config, const char *path, struct bytes text, bool only_policy,
                    struct config_error *error) {
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
    if (only_policy && !is_policy(property.name)) continue;
    status = config_set(config, property.name, property.value, &fault);
    if (status != STATUS_OK) {
      config_error_set(error, "%.200s: line %u: %.300s", path, (unsigned)property.line, fault.text);
      break;
    }
  }
  properties_deinit(&properties);
  return status;
}
