/* Values of settings: from text to numbers and back. Any thread; nothing blocks or allocates. */
#ifndef PRODUCER_SETTING_VALUE_H
#define PRODUCER_SETTING_VALUE_H

#include "producer/setting_table.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads text, which has no white space around it, as the setting's type wants it. *number receives
 *   boolean: 0 or 1;  int, long: the number;  milliseconds: microseconds, CLOCK_NEVER_US where that is more
 * than fits and for the special -1;  decimal: millionths;  enumeration: the index of the value in the row's
 * range;  list with a range: bit n for value n;  string, password, list without a range: the bytes of the
 * text. False, with *number untouched, if the text is not allowed. */
bool setting_value_read(enum setting setting, const char *text, int64_t *number);

/* The table's own spelling of an enumeration's or boolean's value, in buffer; text itself for other types. */
const char *setting_value_spelling(enum setting setting, const char *text, int64_t number, char *buffer,
                                   size_t buffer_size);

/* Whether text is one of values, which are separated by ", "; *index receives which. Case does not count. */
bool setting_value_is_among(const char *text, size_t text_size, const char *values, uint32_t *index);

/* What the setting allows, as the end of a sentence that begins with its name and value: "must be ...". */
void setting_value_describe(enum setting setting, char *buffer, size_t buffer_size);

/* Turns an alias's value into its target's. Returns text itself where nothing is to be done, buffer where it
 * holds the new value, NULL for ALIAS_INHERIT_UNSETS and "inherit", ALIAS_PROBE_UNSETS and "probe". What is
 * not a number is left to setting_value_read. */
const char *setting_value_convert(enum setting setting, enum alias_conversion conversion, const char *text,
                                  char *buffer, size_t buffer_size);

#endif
