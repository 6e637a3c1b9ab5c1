#include "security/json.h"

/* A reading position. */
struct cursor {
  const uint8_t *at, *end;
};

static bool read_value(struct cursor *cursor, struct json_value *value, int depth);
static bool read_object(struct cursor *cursor, int depth);
static bool read_array(struct cursor *cursor, int depth);
static bool read_string(struct cursor *cursor, struct bytes *text);
static bool read_escape(struct cursor *cursor, uint32_t *character);
static bool read_hexadecimal(struct cursor *cursor, uint32_t *unit);
static bool read_utf8(struct cursor *cursor, uint32_t *character);
static bool read_number(struct cursor *cursor);
static bool read_digits(struct cursor *cursor);
static bool read_word(struct cursor *cursor, const char *word);
static void skip_blanks(struct cursor *cursor);
static bool take(struct cursor *cursor, char wanted);
static bool next_character(struct cursor *cursor, uint32_t *character);
static size_t write_utf8(uint32_t character, uint8_t *to);

bool json_read(struct bytes document, struct json_value *value) {
  struct cursor cursor = {.at = document.data, .end = document.data + document.size};
  if (document.size == 0) return false;
  struct json_value read;
  skip_blanks(&cursor);
  if (!read_value(&cursor, &read, 0)) return false;
  skip_blanks(&cursor);
  if (cursor.at != cursor.end) return false;
  *value = read;
  return true;
}

enum json_found json_find(struct json_value object, const char *name, struct json_value *member) {
  if (object.kind != JSON_OBJECT) return JSON_ABSENT;
  enum json_found found = JSON_ABSENT;
  struct cursor cursor = {.at = object.text.data, .end = object.text.data + object.text.size};
  take(&cursor, '{');
  skip_blanks(&cursor);
  while (cursor.at < cursor.end && *cursor.at == '"') {
    struct json_value key = {.kind = JSON_STRING}, value;
    if (!read_string(&cursor, &key.text)) return JSON_ABSENT;
    skip_blanks(&cursor);
    if (!take(&cursor, ':')) return JSON_ABSENT;
    skip_blanks(&cursor);
    if (!read_value(&cursor, &value, 1)) return JSON_ABSENT;
    if (json_equals(key, name)) {
      if (found != JSON_ABSENT) return JSON_REPEATED;
      *member = value;
      found = JSON_FOUND;
    }
    skip_blanks(&cursor);
    take(&cursor, ',');
    skip_blanks(&cursor);
  }
  return found;
}

struct secret *json_secret(struct json_value string) {
  /* Measured first: a secret does not grow. */
  uint8_t encoded[4];
  uint32_t character;
  size_t size = 0;
  struct cursor cursor = {.at = string.text.data, .end = string.text.data + string.text.size};
  while (next_character(&cursor, &character))
    size += write_utf8(character, encoded);
  struct secret *secret = secret_allocate(size);
  if (secret != NULL) {
    uint8_t *to = secret_data(secret);
    cursor.at = string.text.data;
    while (next_character(&cursor, &character))
      to += write_utf8(character, to);
  }
  secret_wipe(encoded, sizeof encoded);
  return secret;
}

void json_print(struct json_value string, char *to, size_t size) {
  if (size == 0) return;
  struct cursor cursor = {.at = string.text.data, .end = string.text.data + string.text.size};
  size_t used = 0;
  uint32_t character;
  while (used + 1 < size && next_character(&cursor, &character))
    to[used++] = character >= ' ' && character <= '~' ? (char)character : '?';
  to[used] = '\0';
}

bool json_equals(struct json_value string, const char *text) {
  if (string.kind != JSON_STRING) return false;
  struct cursor cursor = {.at = string.text.data, .end = string.text.data + string.text.size};
  uint32_t character;
  for (; next_character(&cursor, &character); text++)
    if (*text == '\0' || character != (unsigned char)*text) return false;
  return *text == '\0';
}

bool json_integer(struct json_value number, int64_t *integer) {
  if (number.kind != JSON_NUMBER) return false;
  const char *at = (const char *)number.text.data, *end = at + number.text.size;
  bool negative = *at == '-';
  if (negative) at++;
  int64_t sum = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++) {
    int64_t digit = negative ? '0' - *at : *at - '0';
    if (__builtin_mul_overflow(sum, INT64_C(10), &sum) || __builtin_add_overflow(sum, digit, &sum))
      return false;
  }
  for (const char *rest = at; rest < end; rest++)
    if (*rest == 'e' || *rest == 'E') return false; /* no clock counts in powers */
  *integer = sum;
  return true;
}

/* value may be NULL, as in what follows: then the text is only checked. */
static bool read_value(struct cursor *cursor, struct json_value *value, int depth) {
  if (cursor->at == cursor->end || depth > JSON_DEPTH_MAX) return false;
  struct json_value read = {.text.data = cursor->at};
  bool good;
  switch (*cursor->at) {
  case '{': read.kind = JSON_OBJECT, good = read_object(cursor, depth); break;
  case '[': read.kind = JSON_ARRAY, good = read_array(cursor, depth); break;
  case '"': read.kind = JSON_STRING, good = read_string(cursor, &read.text); break;
  case 't': read.kind = JSON_TRUE, good = read_word(cursor, "true"); break;
  case 'f': read.kind = JSON_FALSE, good = read_word(cursor, "false"); break;
  case 'n': read.kind = JSON_NULL, good = read_word(cursor, "null"); break;
  default: read.kind = JSON_NUMBER, good = read_number(cursor); break;
  }
  if (!good) return false;
  if (read.kind != JSON_STRING) read.text.size = (size_t)(cursor->at - read.text.data);
  if (value != NULL) *value = read;
  return true;
}

static bool read_object(struct cursor *cursor, int depth) {
  take(cursor, '{');
  skip_blanks(cursor);
  if (take(cursor, '}')) return true;
  for (;;) {
    struct bytes name;
    if (!read_string(cursor, &name)) return false;
    skip_blanks(cursor);
    if (!take(cursor, ':')) return false;
    skip_blanks(cursor);
    if (!read_value(cursor, NULL, depth + 1)) return false;
    skip_blanks(cursor);
    if (take(cursor, '}')) return true;
    if (!take(cursor, ',')) return false;
    skip_blanks(cursor);
  }
}

static bool read_array(struct cursor *cursor, int depth) {
  take(cursor, '[');
  skip_blanks(cursor);
  if (take(cursor, ']')) return true;
  for (;;) {
    if (!read_value(cursor, NULL, depth + 1)) return false;
    skip_blanks(cursor);
    if (take(cursor, ']')) return true;
    if (!take(cursor, ',')) return false;
    skip_blanks(cursor);
  }
}

static bool read_string(struct cursor *cursor, struct bytes *text) {
  if (!take(cursor, '"')) return false;
  const uint8_t *begin = cursor->at;
  uint32_t character;
  while (cursor->at < cursor->end && *cursor->at != '"')
    if (!next_character(cursor, &character)) return false;
  *text = bytes_of(begin, (size_t)(cursor->at - begin));
  return take(cursor, '"');
}

/* One character of a string, whichever way it is written. False at the end, or where it is none. */
static bool next_character(struct cursor *cursor, uint32_t *character) {
  if (cursor->at == cursor->end || *cursor->at < ' ') return false;
  return take(cursor, '\\') ? read_escape(cursor, character) : read_utf8(cursor, character);
}

static bool read_escape(struct cursor *cursor, uint32_t *character) {
  if (cursor->at == cursor->end) return false;
  switch (*cursor->at++) {
  case '"': *character = '"'; return true;
  case '\\': *character = '\\'; return true;
  case '/': *character = '/'; return true;
  case 'b': *character = '\b'; return true;
  case 'f': *character = '\f'; return true;
  case 'n': *character = '\n'; return true;
  case 'r': *character = '\r'; return true;
  case 't': *character = '\t'; return true;
  case 'u': break;
  default: return false;
  }
  uint32_t high, low;
  if (!read_hexadecimal(cursor, &high) || (high >= 0xdc00 && high <= 0xdfff)) return false;
  *character = high;
  if (high < 0xd800 || high > 0xdbff) return true;
  /* The first of a surrogate pair: the second has to follow. */
  if (!take(cursor, '\\') || !take(cursor, 'u') || !read_hexadecimal(cursor, &low)) return false;
  *character = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  return low >= 0xdc00 && low <= 0xdfff;
}

static bool read_hexadecimal(struct cursor *cursor, uint32_t *unit) {
  if (cursor->end - cursor->at < 4) return false;
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    uint32_t c = *cursor->at++, digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
      digit = (c | 0x20) - 'a' + 10;
    } else {
      return false;
    }
    *unit = *unit << 4 | digit;
  }
  return true;
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
static bool read_utf8(struct cursor *cursor, uint32_t *character) {
  static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
  uint32_t first = *cursor->at++;
  if (first < 0x80) {
    *character = first;
    return true;
  }
  if (first < 0xc2 || first > 0xf4) return false;
  int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  if (cursor->end - cursor->at < more) return false;
  *character = first & (0x3fU >> more);
  for (int i = 0; i < more; i++) {
    if ((*cursor->at & 0xc0) != 0x80) return false;
    *character = *character << 6 | (*cursor->at++ & 0x3fU);
  }
  bool surrogate = *character >= 0xd800 && *character <= 0xdfff;
  return *character >= smallest[more] && *character <= 0x10ffff && !surrogate;
}

static size_t write_utf8(uint32_t character, uint8_t *to) {
  if (character < 0x80) {
    to[0] = (uint8_t)character;
    return 1;
  }
  size_t more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  static const uint8_t mark[] = {0, 0xc0, 0xe0, 0xf0};
  for (size_t i = more; i > 0; i--, character >>= 6)
    to[i] = (uint8_t)(0x80 | (character & 0x3f));
  to[0] = (uint8_t)(mark[more] | character);
  return more + 1;
}

static bool read_number(struct cursor *cursor) {
  take(cursor, '-');
  if (!take(cursor, '0') && !read_digits(cursor)) return false;
  if (take(cursor, '.') && !read_digits(cursor)) return false;
  if (!take(cursor, 'e') && !take(cursor, 'E')) return true;
  if (!take(cursor, '+')) take(cursor, '-');
  return read_digits(cursor);
}

static bool read_digits(struct cursor *cursor) {
  const uint8_t *begin = cursor->at;
  while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
    cursor->at++;
  return cursor->at > begin;
}

static bool read_word(struct cursor *cursor, const char *word) {
  while (*word != '\0')
    if (!take(cursor, *word++)) return false;
  return true;
}

static void skip_blanks(struct cursor *cursor) {
  while (take(cursor, ' ') || take(cursor, '\t') || take(cursor, '\n') || take(cursor, '\r')) {
  }
}

static bool take(struct cursor *cursor, char wanted) {
  if (cursor->at == cursor->end || *cursor->at != (uint8_t)wanted) return false;
  cursor->at++;
  return true;
}
