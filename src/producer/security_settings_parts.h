/* What security_settings.c shares with the file that resolves logins. One thread, for the time of one
 * security_settings_resolve. */
#ifndef PRODUCER_SECURITY_SETTINGS_PARTS_H
#define PRODUCER_SECURITY_SETTINGS_PARTS_H

#include "producer/security_settings.h"
#include <stdbool.h>

struct security_draft {
  const struct config *config; /* settings->config */
  const struct log *log;       /* may be NULL */
  struct security_settings *settings;
  struct config_error *error;
};

/* Fills in settings->sasl and what follows it. Statuses: OK, INVALID_SETTING, OUT_OF_MEMORY. */
int32_t security_resolve_login(const struct security_draft *draft);

/* NULL if nothing or an empty text was set. */
const struct secret *draft_secret(const struct security_draft *draft, enum setting setting);
/* The same as text; the default if nothing was set. */
const char *draft_text(const struct security_draft *draft, enum setting setting);
bool draft_is_set(const struct security_draft *draft, enum setting setting);
/* As setting_value_read has it; -1 where there is neither a value nor a default. */
int64_t draft_number(const struct security_draft *draft, enum setting setting);

/* Writes the error. INVALID_SETTING. */
int32_t draft_refuse(const struct security_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line for the log, if there is one. */
void draft_warn(const struct security_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Warns of a file that holds what only we may read, and that others may. */
void draft_check_mode(const struct security_draft *draft, const char *name, const char *path);

#endif
