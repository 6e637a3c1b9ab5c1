#include "producer/setting_value.h"

#include "base/clock.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char separator[] = ", ";

/* Other spellings of values: class names that Java programs have in their files. */
static const struct {
  enum setting setting;
  const char *spelling, *value;
} value_aliases[] = {
    {SETTING_PARTITIONER_CLASS, "org.apache.kafka.clients.producer.RoundRobinPartitioner", "round_robin"},
    {SETTING_PARTITIONER_CLASS, "org.apache.kafka.clients.producer.internals.DefaultPartitioner", "default"},
    {SETTING_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM, "", "none"},
};

static bool boolean_read(const char *text, int64_t *number);
static bool whole_read(const struct setting_row *row, const char *text, int64_t *number);
static bool milliseconds_read(const struct setting_row *row, const char *text, int64_t *number);
static bool decimal_read(const struct setting_row *row, const char *text, int64_t *number);
static bool enumeration_read(enum setting setting, const char *text, int64_t *number);
static bool list_read(const struct setting_row *row, const char *text, int64_t *number);
static bool digits_read(const char **text, bool negative, int64_t *number);

bool setting_value_read(enum setting setting, const char *text, int64_t *number) {
  const struct setting_row *row = setting_row(setting);
  switch (row->type) {
  case SETTING_TYPE_BOOLEAN: return boolean_read(text, number);
  case SETTING_TYPE_INT32:
  case SETTING_TYPE_INT64: return whole_read(row, text, number);
  case SETTING_TYPE_MILLISECONDS: return milliseconds_read(row, text, number);
  case SETTING_TYPE_DECIMAL: return decimal_read(row, text, number);
  case SETTING_TYPE_ENUMERATION: return enumeration_read(setting, text, number);
  case SETTING_TYPE_LIST:
    if (row->range != NULL) return list_read(row, text, number);
    *number = (int64_t)strlen(text);
    return true;
  case SETTING_TYPE_PASSWORD:
  case SETTING_TYPE_STRING: break;
  }
  int64_t size = (int64_t)strlen(text);
  if (size < row->minimum || size > row->maximum) return false;
  *number = size;
  return true;
}

const char *setting_value_spelling(enum setting setting, const char *text, int64_t number, char *buffer,
                                   size_t buffer_size) {
  const struct setting_row *row = setting_row(setting);
  if (row->type == SETTING_TYPE_BOOLEAN) return number != 0 ? "true" : "false";
  if (row->type != SETTING_TYPE_ENUMERATION) return text;
  const char *value = row->range;
  for (int64_t i = 0; i < number; i++)
    value = strstr(value, separator) + strlen(separator);
  (void)snprintf(buffer, buffer_size, "%.*s", (int)strcspn(value, separator), value);
  return buffer;
}

bool setting_value_is_among(const char *text, size_t text_size, const char *values, uint32_t *index) {
  uint32_t i = 0;
  for (const char *value = values; *value != '\0'; i++) {
    size_t size = strcspn(value, separator);
    if (size == text_size && strncasecmp(value, text, size) == 0) {
      *index = i;
      return true;
    }
    value += size;
    value += strspn(value, separator);
  }
  return false;
}

void setting_value_describe(enum setting setting, char *buffer, size_t buffer_size) {
  const struct setting_row *row = setting_row(setting);
  const char *before = "must be one of ", *after = "";
  switch (row->type) {
  case SETTING_TYPE_BOOLEAN: break;
  case SETTING_TYPE_INT32:
  case SETTING_TYPE_INT64: before = "must be a whole number: "; break;
  case SETTING_TYPE_MILLISECONDS: before = "must be milliseconds, with three decimals at most: "; break;
  case SETTING_TYPE_DECIMAL: before = "must be a number with six decimals at most: "; break;
  case SETTING_TYPE_PASSWORD:
  case SETTING_TYPE_STRING: before = "must have "; break;
  case SETTING_TYPE_LIST:
    before = "must be any of ";
    after = ", separated by commas";
    break;
  case SETTING_TYPE_ENUMERATION: break;
  }
  bool is_tls_version = setting == SETTING_SSL_PROTOCOL || setting == SETTING_SSL_ENABLED_PROTOCOLS;
  if (is_tls_version) after = ", since older versions of TLS are broken (RFC 8996)";
  (void)snprintf(buffer, buffer_size, "%s%s%s", before, row->range == NULL ? "a list" : row->range, after);
}

const char *setting_value_convert(enum setting setting, enum alias_conversion conversion, const char *text,
                                  char *buffer, size_t buffer_size) {
  if (conversion == ALIAS_AS_IS) return text;
  if (conversion == ALIAS_PROBE_UNSETS) return strcasecmp(text, "probe") == 0 ? NULL : text;
  if (conversion == ALIAS_INHERIT_UNSETS) return strcasecmp(text, "inherit") == 0 ? NULL : text;
  const char *cursor = text;
  bool negative = *cursor == '-';
  int64_t number;
  cursor += negative;
  if (!digits_read(&cursor, negative, &number) || *cursor != '\0') return text;
  if (conversion == ALIAS_KIBIBYTES) {
    if (__builtin_mul_overflow(number, 1024, &number)) return text;
  } else if (conversion == ALIAS_ZERO_IS_SYSTEM && number == 0) {
    number = -1;
  } else if (conversion == ALIAS_ZERO_IS_ENDLESS && number == 0) {
    number = setting_row(setting)->maximum;
  } else if (conversion == ALIAS_MINUS_IS_NEVER && number == -1) {
    number = setting_row(setting)->maximum;
  } else {
    return text;
  }
  (void)snprintf(buffer, buffer_size, "%" PRId64, number);
  return buffer;
}

/* Java says true and false; librdkafka also t, f, 1 and 0. */
static bool boolean_read(const char *text, int64_t *number) {
  uint32_t index;
  if (!setting_value_is_among(text, strlen(text), "false, true, f, t, 0, 1", &index)) return false;
  *number = index & 1;
  return true;
}

static bool whole_read(const struct setting_row *row, const char *text, int64_t *number) {
  bool negative = *text == '-';
  const char *cursor = text + negative;
  int64_t value;
  if (!digits_read(&cursor, negative, &value) || *cursor != '\0') return false;
  bool special = row->special != NULL && strcmp(text, row->special) == 0;
  if (!special && (value < row->minimum || value > row->maximum)) return false;
  *number = value;
  return true;
}

/* Digits behind a point, if there is one: *fraction receives them as units of one divided by scale. */
static bool fraction_read(const char **text, int64_t scale, int64_t *fraction) {
  const char *cursor = *text;
  int64_t weight = scale / 10, value = 0;
  if (*cursor == '.') {
    cursor++;
    for (; *cursor >= '0' && *cursor <= '9' && weight > 0; cursor++, weight /= 10)
      value += (*cursor - '0') * weight;
    if (cursor[-1] == '.') return false;
  }
  *text = cursor;
  *fraction = value;
  return true;
}

static bool milliseconds_read(const struct setting_row *row, const char *text, int64_t *number) {
  if (row->special != NULL && strcmp(text, row->special) == 0) {
    *number = CLOCK_NEVER_US;
    return true;
  }
  const char *cursor = text;
  int64_t whole, decimals_us;
  if (!digits_read(&cursor, false, &whole) || !fraction_read(&cursor, 1000, &decimals_us)) return false;
  if (*cursor != '\0') return false;
  if (whole < row->minimum || whole > row->maximum) return false;
  if (whole == row->maximum && decimals_us > 0) return false;
  *number = whole > INT64_MAX / 1000 - 1 ? CLOCK_NEVER_US : whole * 1000 + decimals_us;
  return true;
}

static bool decimal_read(const struct setting_row *row, const char *text, int64_t *number) {
  const char *cursor = text;
  int64_t whole, millionths;
  if (!digits_read(&cursor, false, &whole) || !fraction_read(&cursor, 1000000, &millionths)) return false;
  if (*cursor != '\0' || whole > row->maximum / 1000000) return false;
  millionths += whole * 1000000;
  if (millionths < row->minimum || millionths > row->maximum) return false;
  *number = millionths;
  return true;
}

static bool enumeration_read(enum setting setting, const char *text, int64_t *number) {
  for (size_t i = 0; i < sizeof(value_aliases) / sizeof(value_aliases[0]); i++) {
    if (value_aliases[i].setting == setting && strcmp(value_aliases[i].spelling, text) == 0) {
      text = value_aliases[i].value;
      break;
    }
  }
  uint32_t index;
  if (!setting_value_is_among(text, strlen(text), setting_row(setting)->range, &index)) return false;
  *number = index;
  return true;
}

/* Values separated by commas, with white space around them or not; empty ones are passed over. */
static bool list_read(const struct setting_row *row, const char *text, int64_t *number) {
  int64_t bits = 0;
  for (const char *cursor = text + strspn(text, ", \t"); *cursor != '\0'; cursor += strspn(cursor, ", \t")) {
    size_t size = strcspn(cursor, ", \t");
    uint32_t index;
    if (!setting_value_is_among(cursor, size, row->range, &index)) return false;
    bits |= (int64_t)1 << index;
    cursor += size;
  }
  *number = bits;
  return true;
}

/* At least one digit, up to the first other character. Reads below 0 when negative, since INT64_MIN has no
 * counterpart above. */
static bool digits_read(const char **text, bool negative, int64_t *number) {
  const char *cursor = *text;
  int64_t value = 0;
  for (; *cursor >= '0' && *cursor <= '9'; cursor++) {
    int64_t digit = *cursor - '0';
    if (__builtin_mul_overflow(value, 10, &value)) return false;
    if (__builtin_add_overflow(value, negative ? -digit : digit, &value)) return false;
  }
  if (cursor == *text) return false;
  *text = cursor;
  *number = value;
  return true;
}
