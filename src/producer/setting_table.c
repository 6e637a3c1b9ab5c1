#include "producer/setting_table.h"

#include "base/assertion.h"
#include <string.h>

/* Longer names are compared with no known one. */
enum { NAME_MAX_BYTES = 96 };

static const struct setting_row setting_rows[SETTING_COUNT] = {
#define SETTING(id, name, type, default_text, minimum, maximum, special, range, scope, text)                 \
  {name, SETTING_TYPE_##type, default_text, minimum, maximum, special, range, SETTING_SCOPE_##scope, text},
#include "producer/setting.def"
#undef SETTING
};

static const struct setting_name other_names[] = {
#define ALIAS(name, setting, conversion, text)                                                               \
  {SETTING_NAME_ALIAS, SETTING_##setting, ALIAS_##conversion, name, "librdkafka", NULL, text},
#define NO_MEANING(name, origin, accepted, text)                                                             \
  {SETTING_NAME_NO_MEANING, SETTING_COUNT, ALIAS_AS_IS, name, origin, accepted, text},
#define NOT_SUPPORTED(name, origin, text)                                                                    \
  {SETTING_NAME_NOT_SUPPORTED, SETTING_COUNT, ALIAS_AS_IS, name, origin, NULL, text},
#define NO_COUNTERPART(name, origin, text)                                                                   \
  {SETTING_NAME_NO_COUNTERPART, SETTING_COUNT, ALIAS_AS_IS, name, origin, NULL, text},
#include "producer/setting_name.def"
};

enum { OTHER_NAME_COUNT = sizeof(other_names) / sizeof(other_names[0]) };

static bool name_matches(const char *pattern, const char *name);
static bool can_be_set(enum setting_name_kind kind);
static uint32_t distance_between(const char *a, const char *b, uint32_t limit);
static void describe_own(enum setting setting, struct setting_description *description);
static void describe_other(const struct setting_name *name, struct setting_description *description);
static const struct setting_name *other_name_at(uint32_t index, bool settable);
static uint32_t smaller(uint32_t a, uint32_t b);

const struct setting_row *setting_row(enum setting setting) {
  ASSERT((unsigned)setting < SETTING_COUNT);
  return &setting_rows[setting];
}

struct setting_name setting_name_find(const char *name) {
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    if (strcmp(setting_rows[i].name, name) == 0) {
      return (struct setting_name){
          .kind = SETTING_NAME_OWN, .setting = (enum setting)i, .name = setting_rows[i].name};
    }
  }
  for (uint32_t i = 0; i < OTHER_NAME_COUNT; i++) {
    if (name_matches(other_names[i].name, name)) return other_names[i];
  }
  return (struct setting_name){.kind = SETTING_NAME_UNKNOWN, .setting = SETTING_COUNT};
}

const char *setting_name_nearest(const char *name) {
  size_t size = strlen(name);
  if (size > NAME_MAX_BYTES) return NULL;
  uint32_t limit = smaller((uint32_t)size / 2 + 1, 5); /* as far as this is another word, not a slip */
  const char *nearest = NULL;
  struct setting_description candidate;
  for (uint32_t i = 0; setting_description_at(i, &candidate); i++) {
    uint32_t distance = distance_between(name, candidate.name, limit);
    if (distance >= limit) continue;
    limit = distance;
    nearest = candidate.name;
  }
  return nearest;
}

uint32_t setting_description_count(void) {
  uint32_t count = SETTING_COUNT;
  for (uint32_t i = 0; i < OTHER_NAME_COUNT; i++)
    count += can_be_set(other_names[i].kind);
  return count;
}

bool setting_description_at(uint32_t index, struct setting_description *description) {
  if (index < SETTING_COUNT) {
    describe_own((enum setting)index, description);
    return true;
  }
  const struct setting_name *name = other_name_at(index - SETTING_COUNT, true);
  if (name == NULL) return false;
  describe_other(name, description);
  return true;
}

uint32_t setting_refusal_count(void) {
  return SETTING_COUNT + OTHER_NAME_COUNT - setting_description_count();
}

bool setting_refusal_at(uint32_t index, struct setting_description *description) {
  const struct setting_name *name = other_name_at(index, false);
  if (name == NULL) return false;
  describe_other(name, description);
  return true;
}

static bool name_matches(const char *pattern, const char *name) {
  size_t size = strlen(pattern);
  if (pattern[size - 1] != '*') return strcmp(pattern, name) == 0;
  return strncmp(pattern, name, size - 1) == 0;
}

static bool can_be_set(enum setting_name_kind kind) {
  return kind == SETTING_NAME_ALIAS || kind == SETTING_NAME_NO_MEANING;
}

static const struct setting_name *other_name_at(uint32_t index, bool settable) {
  for (uint32_t i = 0; i < OTHER_NAME_COUNT; i++) {
    if (can_be_set(other_names[i].kind) != settable) continue;
    if (index-- == 0) return &other_names[i];
  }
  return NULL;
}

static const char *type_name(enum setting_type type) {
  static const char *const names[] = {
      [SETTING_TYPE_BOOLEAN] = "boolean",
      [SETTING_TYPE_INT32] = "int",
      [SETTING_TYPE_INT64] = "long",
      [SETTING_TYPE_MILLISECONDS] = "double",
      [SETTING_TYPE_STRING] = "string",
      [SETTING_TYPE_LIST] = "list",
      [SETTING_TYPE_ENUMERATION] = "enumeration",
      [SETTING_TYPE_PASSWORD] = "password",
      [SETTING_TYPE_DECIMAL] = "double",
  };
  return names[type];
}

static void describe_own(enum setting setting, struct setting_description *description) {
  const struct setting_row *row = &setting_rows[setting];
  *description = (struct setting_description){
      .name = row->name,
      .kind = SETTING_NAME_OWN,
      .type = type_name(row->type),
      .default_value = row->default_text,
      .range = row->range,
      .text = row->text,
      .per_topic = row->scope == SETTING_SCOPE_TOPIC,
  };
}

/* An alias has its target's type, default and range, in the target's unit: its text says what differs. */
static void describe_other(const struct setting_name *name, struct setting_description *description) {
  if (name->kind == SETTING_NAME_ALIAS) {
    describe_own(name->setting, description);
    description->alias_of = description->name;
  } else {
    *description = (struct setting_description){.type = type_name(SETTING_TYPE_STRING)};
    description->range = name->accepted;
  }
  description->name = name->name;
  description->kind = name->kind;
  description->origin = name->origin;
  description->text = name->text;
}

/* Case and the kind of separator do not count: LINGER_MS is a slip for linger.ms. */
static char folded(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  return c == '_' || c == '-' ? '.' : c;
}

static uint32_t smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* Letters inserted, dropped, replaced or swapped with their neighbour on the way from a to b (optimal string
 * alignment); limit if it is that or more. Three rows of the usual matrix are kept. */
static uint32_t distance_between(const char *a, const char *b, uint32_t limit) {
  size_t a_size = strlen(a), b_size = strlen(b);
  if (b_size > NAME_MAX_BYTES) return limit;
  uint32_t rows[3][NAME_MAX_BYTES + 1];
  uint32_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (uint32_t j = 0; j <= b_size; j++)
    last[j] = j;
  for (uint32_t i = 1; i <= a_size; i++) {
    row[0] = i;
    for (uint32_t j = 1; j <= b_size; j++) {
      char x = folded(a[i - 1]), y = folded(b[j - 1]);
      row[j] = smaller(smaller(last[j], row[j - 1]) + 1, last[j - 1] + (x != y));
      bool swapped = i > 1 && j > 1 && x == folded(b[j - 2]) && y == folded(a[i - 2]);
      if (swapped) row[j] = smaller(row[j], before[j - 2] + 1);
    }
    uint32_t *oldest = before;
    before = last;
    last = row;
    row = oldest;
  }
  return smaller(last[b_size], limit);
}
