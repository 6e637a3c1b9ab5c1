#include "producer/resolution.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "producer/setting_value.h"
#include <stdarg.h>
#include <stdio.h>

bool resolution_is_set(const struct resolution *resolution, enum setting setting) {
  return config_value(resolution->config, setting) != NULL;
}

const char *resolution_text(const struct resolution *resolution, enum setting setting) {
  const char *text = config_value(resolution->config, setting);
  return text != NULL ? text : setting_row(setting)->default_text;
}

int64_t resolution_number(const struct resolution *resolution, enum setting setting) {
  int64_t number = 0;
  bool allowed = setting_value_read(setting, resolution_text(resolution, setting), &number);
  ASSERT(allowed); /* config_set let it in, or it is a default of ours */
  return number;
}

int32_t resolution_note(const struct resolution *resolution, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  struct settings *settings = resolution->settings;
  char *copy = allocator_copy_string(line);
  if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  size_t bytes = (settings->note_count + 1) * sizeof(*settings->notes);
  char **notes = allocator_reallocate(settings->notes, bytes);
  if (notes == NULL) {
    allocator_free(copy);
    return STATUS_OUT_OF_MEMORY;
  }
  notes[settings->note_count++] = copy;
  settings->notes = notes;
  return STATUS_OK;
}
