#include "producer/properties.h"

#include "base/assertion.h"
#include "base/status.h"

enum { END = -1 };

static void blank_skip(struct properties *properties);
static int32_t part_read(struct properties *properties, bool is_name, struct config_error *error);
static int32_t escape_read(struct properties *properties, struct config_error *error);
static int32_t unicode_read(struct properties *properties, struct config_error *error);
static bool hex_read(struct properties *properties, uint32_t *unit);
static void separator_skip(struct properties *properties);
static void space_skip(struct properties *properties);
static bool line_end_skip(struct properties *properties);
static int32_t refuse(const struct properties *properties, const char *fault, struct config_error *error);

int32_t properties_init(struct properties *properties, struct bytes text) {
  struct secret *memory = secret_allocate(text.size + 2); /* no escape is shorter than what it stands for */
  if (memory == NULL) return STATUS_OUT_OF_MEMORY;
  *properties =
      (struct properties){.text = text, .line = 1, .memory = memory, .buffer = (char *)secret_data(memory)};
  static const uint8_t byte_order_mark[] = {0xef, 0xbb, 0xbf};
  bool marked = text.size >= 3 && memcmp(text.data, byte_order_mark, 3) == 0;
  if (marked) properties->position = 3;
  return STATUS_OK;
}

void properties_deinit(struct properties *properties) {
  secret_destroy(properties->memory);
  properties->memory = NULL;
  properties->buffer = NULL;
}

int32_t properties_next(struct properties *properties, struct property *property, bool *found,
                        struct config_error *error) {
  blank_skip(properties);
  if (properties->position == properties->text.size) {
    *found = false;
    return STATUS_OK;
  }
  uint32_t line = properties->line;
  properties->buffer_size = 0;
  int32_t status = part_read(properties, true, error);
  if (status != STATUS_OK) return status;
  size_t value_at = properties->buffer_size;
  separator_skip(properties);
  status = part_read(properties, false, error);
  if (status != STATUS_OK) return status;
  *property =
      (struct property){.name = properties->buffer, .value = properties->buffer + value_at, .line = line};
  *found = true;
  return STATUS_OK;
}

/* The byte at the position plus ahead, or END. */
static int32_t peek(const struct properties *properties, size_t ahead) {
  size_t at = properties->position + ahead;
  return at < properties->text.size ? properties->text.data[at] : END;
}

static bool is_space(int32_t c) {
  return c == ' ' || c == '\t' || c == '\f';
}

static bool is_line_end(int32_t c) {
  return c == '\n' || c == '\r';
}

/* A backslash with a line end behind it. */
static bool joins_lines(const struct properties *properties) {
  return peek(properties, 0) == '\\' && (is_line_end(peek(properties, 1)) || peek(properties, 1) == END);
}

static void append(struct properties *properties, uint32_t byte) {
  ASSERT(properties->buffer_size < properties->text.size + 2);
  properties->buffer[properties->buffer_size++] = (char)byte;
}

/* Empty lines, comments, and backslashes that join nothing to nothing. */
static void blank_skip(struct properties *properties) {
  for (;;) {
    space_skip(properties);
    int32_t c = peek(properties, 0);
    if (c == '#' || c == '!') {
      while (c != END && !is_line_end(c)) {
        properties->position++;
        c = peek(properties, 0);
      }
    }
    if (!line_end_skip(properties)) return;
  }
}

/* A name, up to its separator, or a value, up to its line's end, terminated in the buffer. */
static int32_t part_read(struct properties *properties, bool is_name, struct config_error *error) {
  for (;;) {
    if (joins_lines(properties)) space_skip(properties);
    int32_t c = peek(properties, 0);
    bool ends = c == END || is_line_end(c) || (is_name && (c == '=' || c == ':' || is_space(c)));
    if (ends) break;
    if (c == '\0') return refuse(properties, "a zero byte", error);
    properties->position++;
    if (c != '\\') {
      append(properties, (uint32_t)c);
      continue;
    }
    int32_t status = escape_read(properties, error);
    if (status != STATUS_OK) return status;
  }
  append(properties, '\0');
  return STATUS_OK;
}

/* What stands behind a backslash that does not end its line. */
static int32_t escape_read(struct properties *properties, struct config_error *error) {
  static const char letters[] = "tnrf", meanings[] = "\t\n\r\f";
  int32_t c = peek(properties, 0);
  if (c == '\0') return refuse(properties, "a zero byte", error);
  properties->position++;
  if (c == 'u') return unicode_read(properties, error);
  const char *letter = strchr(letters, c);
  append(properties, letter == NULL ? (uint32_t)c : (uint8_t)meanings[letter - letters]);
  return STATUS_OK;
}

/* XXXX of \uXXXX; two of them where the first is a high surrogate. */
static int32_t unicode_read(struct properties *properties, struct config_error *error) {
  uint32_t point;
  if (!hex_read(properties, &point)) return refuse(properties, "\\u without four hexadecimal digits", error);
  if (point == 0) return refuse(properties, "\\u0000", error);
  if (point >= 0xd800 && point <= 0xdfff) {
    uint32_t low = 0;
    bool follows = point < 0xdc00 && peek(properties, 0) == '\\' && peek(properties, 1) == 'u';
    if (follows) {
      properties->position += 2;
      if (!hex_read(properties, &low)) low = 0;
    }
    if (low < 0xdc00 || low > 0xdfff) return refuse(properties, "half of a surrogate pair", error);
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  if (point < 0x80) {
    append(properties, point);
    return STATUS_OK;
  }
  if (point < 0x800) {
    append(properties, 0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      append(properties, 0xe0 | point >> 12);
    } else {
      append(properties, 0xf0 | point >> 18);
      append(properties, 0x80 | (point >> 12 & 0x3f));
    }
    append(properties, 0x80 | (point >> 6 & 0x3f));
  }
  append(properties, 0x80 | (point & 0x3f));
  return STATUS_OK;
}

static bool hex_read(struct properties *properties, uint32_t *unit) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; i++) {
    int32_t c = peek(properties, i);
    int32_t digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0) return false;
    value = value << 4 | (uint32_t)digit;
  }
  properties->position += 4;
  *unit = value;
  return true;
}

/* White space around at most one '=' or ':'. */
static void separator_skip(struct properties *properties) {
  space_skip(properties);
  int32_t c = peek(properties, 0);
  if (c != '=' && c != ':') return;
  properties->position++;
  space_skip(properties);
}

/* White space, and line ends that are joined, with the indentation behind them. */
static void space_skip(struct properties *properties) {
  for (;;) {
    if (is_space(peek(properties, 0))) {
      properties->position++;
    } else if (joins_lines(properties)) {
      properties->position++;
      (void)line_end_skip(properties);
    } else {
      return;
    }
  }
}

/* One \n, \r or \r\n. */
static bool line_end_skip(struct properties *properties) {
  int32_t c = peek(properties, 0);
  if (!is_line_end(c)) return false;
  properties->position += c == '\r' && peek(properties, 1) == '\n' ? 2 : 1;
  properties->line++;
  return true;
}

static int32_t refuse(const struct properties *properties, const char *fault, struct config_error *error) {
  config_error_set(error, "line %u: %s is not allowed", (unsigned)properties->line, fault);
  return STATUS_INVALID_SETTING;
}
