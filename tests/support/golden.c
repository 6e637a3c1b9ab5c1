#include "support/golden.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 64 };

struct golden_line {
  char name[NAME_BYTES];
  uint8_t *data;
  size_t size;
  bool is_used;
};

static char *read_text(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/golden/%s.hex", TEST_SOURCE_DIRECTORY, name);
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "%s cannot be opened", path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = calloc(1, (size_t)size + 1);
  ck_assert_ptr_nonnull(text);
  ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
  fclose(file);
  return text;
}

static uint8_t digit_of(char character) {
  static const char digits[] = "0123456789abcdef";
  const char *found = strchr(digits, character);
  ck_assert_msg(character != '\0' && found != NULL, "'%c' is no hexadecimal digit", character);
  return (uint8_t)(found - digits);
}

/* Turns the digits up to `end` into bytes in memory of exactly their number; white space is skipped. */
static uint8_t *parse_digits(const char *digits, const char *end, size_t *size) {
  uint8_t *data = malloc((size_t)(end - digits) / 2 + 1);
  ck_assert_ptr_nonnull(data);
  size_t count = 0;
  for (; digits < end; digits++) {
    if (isspace((unsigned char)*digits)) continue;
    ck_assert(digits + 1 < end);
    data[count++] = (uint8_t)(digit_of(digits[0]) << 4 | digit_of(digits[1]));
    digits++;
  }
  *size = count;
  return realloc(data, count == 0 ? 1 : count);
}

static void parse_line(const char *begin, const char *end, struct golden_line *line) {
  const char *space = memchr(begin, ' ', (size_t)(end - begin));
  ck_assert_ptr_nonnull(space);
  ck_assert_int_lt(space - begin, NAME_BYTES);
  memcpy(line->name, begin, (size_t)(space - begin));
  line->data = parse_digits(space + 1, end, &line->size);
}

void golden_open(struct golden_file *file, const char *api) {
  char *text = read_text(api);
  uint32_t count = 0;
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
    count++;
  *file = (struct golden_file){.api = api, .lines = calloc(count, sizeof *file->lines), .line_count = count};
  ck_assert_ptr_nonnull(file->lines);
  const char *begin = text;
  for (uint32_t i = 0; i < count; i++) {
    const char *end = strchr(begin, '\n');
    parse_line(begin, end, &file->lines[i]);
    begin = end + 1;
  }
  free(text);
}

void golden_close(struct golden_file *file) {
  for (uint32_t i = 0; i < file->line_count; i++) {
    ck_assert_msg(file->lines[i].is_used, "%s is not tested", file->lines[i].name);
    free(file->lines[i].data);
  }
  free(file->lines);
}

static struct golden_line *find_line(struct golden_file *file, int16_t version,
                                     enum golden_direction direction, const char *variant) {
  char name[NAME_BYTES];
  snprintf(name, sizeof name, "%s_v%d_%s_%s", file->api, version,
           direction == GOLDEN_REQUEST ? "request" : "response", variant);
  for (uint32_t i = 0; i < file->line_count; i++)
    if (strcmp(file->lines[i].name, name) == 0) return &file->lines[i];
  ck_abort_msg("there is no golden message %s", name);
  return NULL;
}

/* Where the bytes differ: a whole message printed as one would hide it. */
static size_t first_difference(struct bytes a, struct bytes b) {
  size_t at = 0;
  while (at < a.size && at < b.size && a.data[at] == b.data[at])
    at++;
  return at;
}

static void expect_written(const struct golden_line *line, int16_t version, golden_encoder *encode) {
  struct wire_writer writer = {0};
  encode(&writer, version);
  ck_assert(!writer.failed);
  struct bytes expected = bytes_of(line->data, line->size);
  struct bytes actual = bytes_of(writer.data, writer.size);
  ck_assert_msg(bytes_equal(actual, expected), "%s: %zu bytes, %zu expected, different from byte %zu",
                line->name, actual.size, expected.size, first_difference(actual, expected));
  wire_writer_deinit(&writer);
}

void golden_check(struct golden_file *file, int16_t version, enum golden_direction direction,
                  const char *variant, golden_encoder *encode, golden_expectation *expect) {
  struct golden_line *line = find_line(file, version, direction, variant);
  line->is_used = true;
  if (encode != NULL) expect_written(line, version, encode);
  struct wire_reader reader = wire_reader_of(bytes_of(line->data, line->size));
  expect(&reader, version);
  ck_assert_msg(!reader.failed, "%s is refused", line->name);
  ck_assert_msg(wire_reader_left(&reader) == 0, "%s: %zu bytes are left", line->name,
                wire_reader_left(&reader));
}

void golden_check_full(struct golden_file *file, int16_t version, int16_t first_flexible,
                       enum golden_direction direction, golden_encoder *encode, golden_expectation *expect) {
  golden_check(file, version, direction, "full", encode, expect);
  if (version >= first_flexible) golden_check(file, version, direction, "unknown_tags", NULL, expect);
}

struct bytes golden_batch(const char *name) {
  char file[NAME_BYTES];
  snprintf(file, sizeof file, "batch_%s", name);
  char *text = read_text(file);
  size_t size;
  uint8_t *data = parse_digits(text, text + strlen(text), &size);
  free(text);
  return bytes_of(data, size);
}
