/* Configuration files of strangers: loaded, resolved to settings and to those of security, with references to
 * config providers. The file is /proc/self/fd/200, which a reference may name as well; inputs with references
 * to any other path are passed over. */
#include "producer/config_file.h"

#include "base/assertion.h"
#include "base/status.h"
#include "producer/properties.h"
#include "producer/security_settings.h"
#include "producer/settings.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_PATH "/proc/self/fd/200"
enum { FILE_NUMBER = 200 };

static bool refers_elsewhere(struct bytes input);
static void write_file(struct bytes input);
static void check_config(const struct config *config);
static void check_text(int32_t status, const struct config_error *error);
static void check_security(const struct config *config);
static void check_values(struct config *config);
static void check_names(struct config *config, struct bytes input);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct bytes input = bytes_of(data, size);
  if (refers_elsewhere(input)) return 0;
  write_file(input);
  struct config *config;
  int32_t status = config_create(&config);
  ASSERT(status == STATUS_OK);
  struct config_error error = {.text = ""};
  status = config_load_file(config, FILE_PATH, &error);
  check_text(status, &error);
  if (status == STATUS_OK) {
    check_config(config);
    check_security(config);
    check_values(config);
    check_names(config, input);
  }
  config_destroy(config);
  return 0;
}

/* Any reference's path would be opened: only our own file's may be. */
static bool refers_elsewhere(struct bytes input) {
  bool refers = memmem(input.data, input.size, "$", 1) != NULL;
  if (!refers || memmem(input.data, input.size, "{", 1) == NULL) return false;
  for (size_t at = 0; at < input.size; at++) {
    uint8_t c = input.data[at];
    if (c == '\\') return true; /* may hide a path */
    if (c != '/') continue;
    if (input.size - at < sizeof FILE_PATH - 1 ||
        memcmp(input.data + at, FILE_PATH, sizeof FILE_PATH - 1) != 0)
      return true;
    at += sizeof FILE_PATH - 2;
  }
  return false;
}

static void write_file(struct bytes input) {
  static bool is_open;
  if (!is_open) {
    int file = memfd_create("config", 0);
    ASSERT(file >= 0 && dup2(file, FILE_NUMBER) == FILE_NUMBER);
    close(file);
    is_open = true;
  }
  int status = ftruncate(FILE_NUMBER, 0);
  ASSERT(status == 0);
  ssize_t written = pwrite(FILE_NUMBER, input.data, input.size, 0);
  ASSERT(written == (ssize_t)input.size);
}

static void check_text(int32_t status, const struct config_error *error) {
  ASSERT(status == STATUS_OK || status == STATUS_INVALID_SETTING || status == STATUS_UNKNOWN_SETTING ||
         status == STATUS_FILE_UNREADABLE || status == STATUS_INVALID_ARGUMENT);
  ASSERT((status == STATUS_OK) == (error->text[0] == '\0'));
  ASSERT(memchr(error->text, '\0', sizeof error->text) != NULL);
  for (const char *at = error->text; *at != '\0'; at++)
    ASSERT((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void check_config(const struct config *config) {
  struct settings settings = {.note_count = 0};
  struct config_error error = {.text = ""};
  int32_t status = settings_resolve(config, &settings, &error);
  check_text(status, &error);
  if (status != STATUS_OK) return;
  ASSERT(settings.bootstrap_count > 0 && settings.max_in_flight > 0);
  ASSERT(settings.batch_size_bytes > 0 && settings.batch_size_bytes <= settings.max_request_size_bytes);
  ASSERT(settings.partition_buffer_bytes <= settings.buffer_memory_bytes);
  ASSERT(!settings.enable_idempotence || (settings.retries > 0 && settings.max_in_flight <= 5));
  ASSERT(settings.retry_backoff_us <= settings.retry_backoff_max_us);
  settings_deinit(&settings);
}

static void check_security(const struct config *config) {
  const struct log silent = {.sink = NULL};
  struct security_settings settings;
  struct config_error error = {.text = ""};
  int32_t status = security_settings_resolve(config, &silent, &settings, &error);
  check_text(status, &error);
  if (status == STATUS_OK) security_settings_deinit(&settings);
}

/* Each name in the file reads as something; what is taken back is its default again. */
static void check_names(struct config *config, struct bytes input) {
  struct properties properties;
  int32_t status = properties_init(&properties, input);
  ASSERT(status == STATUS_OK);
  struct property property;
  for (bool found = true; found;) {
    status = properties_next(&properties, &property, &found, NULL);
    ASSERT(status == STATUS_OK);
    if (!found) break;
    const char *value;
    status = config_get(config, property.name, &value);
    ASSERT(status == STATUS_OK || status == STATUS_UNKNOWN_SETTING);
    status = config_unset(config, property.name, NULL);
    ASSERT(status == STATUS_OK || status == STATUS_UNKNOWN_SETTING);
  }
  properties_deinit(&properties);
}

/* A copy has the same values. */
static void check_values(struct config *config) {
  struct config *copy;
  int32_t status = config_copy(config, &copy);
  ASSERT(status == STATUS_OK);
  for (uint32_t i = 0; i < (uint32_t)SETTING_COUNT; i++) {
    const char *text = config_value(config, (enum setting)i), *again = config_value(copy, (enum setting)i);
    ASSERT((text == NULL) == (again == NULL) && (text == NULL || strcmp(text, again) == 0));
  }
  config_swap(config, copy);
  config_destroy(copy);
}
