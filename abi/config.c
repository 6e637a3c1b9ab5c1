/* Configuration: convert, call, map. */
#include "sendoff/sendoff.h"

#include "abi_text.h"
#include "base/status.h"
#include "producer/config.h"
#include "producer/config_file.h"
#include "producer/setting_table.h"
#include "sized_struct.h"

enum { SETTING_SIZE_1_0 = sizeof(sendoff_setting) };

static struct config *own(sendoff_config *config) {
  return (struct config *)(void *)config;
}

static const struct config *own_const(const sendoff_config *config) {
  return (const struct config *)(const void *)config;
}

int32_t sendoff_config_create(sendoff_config **config) {
  if (config == NULL) return STATUS_INVALID_ARGUMENT;
  struct config *created;
  int32_t status = config_create(&created);
  if (status == STATUS_OK) *config = (sendoff_config *)(void *)created;
  return status;
}

int32_t sendoff_config_set(sendoff_config *config, const char *name, const char *value, char *error,
                           size_t error_size) {
  struct config_error reason = {.text = "config, name and value must not be NULL"};
  int32_t status = config == NULL ? STATUS_INVALID_ARGUMENT : config_set(own(config), name, value, &reason);
  if (status != STATUS_OK) text_copy(error, error_size, reason.text);
  return status;
}

int32_t sendoff_config_get(const sendoff_config *config, const char *name, char *buffer, size_t buffer_size,
                           size_t *needed) {
  if (config == NULL || name == NULL || (buffer == NULL && buffer_size > 0)) return STATUS_INVALID_ARGUMENT;
  const char *value;
  int32_t status = config_get(own_const(config), name, &value);
  if (status != STATUS_OK) return status;
  text_copy(buffer, buffer_size, value);
  if (needed != NULL) *needed = value == NULL ? 0 : strlen(value);
  return STATUS_OK;
}

int32_t sendoff_config_load_file(sendoff_config *config, const char *path, char *error, size_t error_size) {
  struct config_error reason = {.text = "config and path must not be NULL"};
  bool given = config != NULL && path != NULL;
  int32_t status = given ? config_load_file(own(config), path, &reason) : STATUS_INVALID_ARGUMENT;
  if (status != STATUS_OK) text_copy(error, error_size, reason.text);
  return status;
}

void sendoff_config_destroy(sendoff_config *config) {
  config_destroy(own(config));
}

int32_t sendoff_setting_count(uint32_t *count) {
  if (count == NULL) return STATUS_INVALID_ARGUMENT;
  *count = setting_description_count();
  return STATUS_OK;
}

int32_t sendoff_setting_at(uint32_t index, sendoff_setting *setting) {
  struct setting_description described;
  if (setting == NULL || setting->size < SETTING_SIZE_1_0) return STATUS_INVALID_ARGUMENT;
  if (!setting_description_at(index, &described)) return STATUS_INVALID_ARGUMENT;
  sendoff_setting told = {
      .flags = (described.per_topic ? SENDOFF_SETTING_PER_TOPIC : 0u) |
               (described.kind == SETTING_NAME_NO_MEANING ? SENDOFF_SETTING_NO_MEANING : 0u),
      .name = described.name,
      .type = described.type,
      .default_value = described.default_value,
      .range = described.range,
      .text = described.text,
      .alias_of = described.alias_of,
  };
  sized_struct_write(setting, &told, sizeof told);
  return STATUS_OK;
}
