/* Texts in Java's .properties form. What was read is written with all escaped, and has to be read as the
 * same. */
#include "producer/properties.h"

#include "base/assertion.h"
#include "base/status.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything that was read, written again; owns its memory. */
struct plain {
  char *text;
  size_t size;
};

static uint32_t read_all(struct bytes text, struct plain *plain);
static void write_escaped(struct plain *plain, const char *text, char end);
static void check_lines(const struct property *property, uint32_t *last_line, struct bytes text);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct plain once = {.text = NULL}, twice = {.text = NULL};
  uint32_t count = read_all(bytes_of(data, size), &once);
  uint32_t again = read_all(bytes_of(once.text, once.size), &twice);
  ASSERT(count == again);
  ASSERT(bytes_equal(bytes_of(once.text, once.size), bytes_of(twice.text, twice.size)));
  free(once.text);
  free(twice.text);
  return 0;
}

/* How many properties there were up to the end or the first fault. */
static uint32_t read_all(struct bytes text, struct plain *plain) {
  struct properties properties;
  int32_t status = properties_init(&properties, text);
  ASSERT(status == STATUS_OK);
  plain->text = malloc(text.size * 8 + 1); /* an escaped byte becomes two, name and value get one more each */
  ASSERT(plain->text != NULL);
  uint32_t count = 0, last_line = 0;
  for (bool found = true; found;) {
    struct property property;
    struct config_error error = {.text = ""};
    status = properties_next(&properties, &property, &found, &error);
    ASSERT(status == STATUS_OK || status == STATUS_INVALID_SETTING);
    ASSERT((status == STATUS_OK) == (error.text[0] == '\0'));
    if (status != STATUS_OK || !found) break;
    check_lines(&property, &last_line, text);
    write_escaped(plain, property.name, '=');
    write_escaped(plain, property.value, '\n');
    count++;
  }
  properties_deinit(&properties);
  return count;
}

static void check_lines(const struct property *property, uint32_t *last_line, struct bytes text) {
  ASSERT(property->line > *last_line);
  ASSERT(property->line <= text.size + 1);
  *last_line = property->line;
}

static void write_escaped(struct plain *plain, const char *text, char end) {
  for (; *text != '\0'; text++) {
    const char *named = strchr("\tt\nn\rr\ff", *text);
    bool is_named = strchr("\t\n\r\f", *text) != NULL;
    plain->text[plain->size++] = '\\';
    plain->text[plain->size++] = is_named ? named[1] : *text;
    /* A backslash before these four letters says another character. */
    if (!is_named && strchr("tnrfu", *text) != NULL) {
      plain->size -= 2;
      plain->text[plain->size++] = *text;
    }
  }
  plain->text[plain->size++] = end;
}
