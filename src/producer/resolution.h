/* Helpers shared by settings.c and topic_settings.c: reading typed values out of a config while its settings
 * are being resolved, and saying what did not fit. One thread, for the time of one settings_resolve. */
#ifndef PRODUCER_RESOLUTION_H
#define PRODUCER_RESOLUTION_H

#include "producer/config.h"
#include "producer/config_error.h"
#include "producer/settings.h"
#include <stdbool.h>
#include <stdint.h>

struct resolution {
  const struct config *config;
  struct settings *settings; /* what is being filled in */
  struct config_error *error;
};

/* Whether the producer's value was set, rather than left to its default. */
bool resolution_is_set(const struct resolution *resolution, enum setting setting);

/* The producer's value in force, as setting_value_read reads it. */
int64_t resolution_number(const struct resolution *resolution, enum setting setting);
const char *resolution_text(const struct resolution *resolution, enum setting setting);

/* Adds a line to settings->notes. Statuses: OK, OUT_OF_MEMORY. */
int32_t resolution_note(const struct resolution *resolution, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
