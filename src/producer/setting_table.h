/* Every name that a config knows: our settings, aliases of them, names that are accepted without a meaning,
 * and names that are refused with a reason. Constant data; any thread. */
#ifndef PRODUCER_SETTING_TABLE_H
#define PRODUCER_SETTING_TABLE_H

#include "producer/config_error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting {
#define SETTING(id, name, type, default_text, minimum, maximum, special, range, scope, text) SETTING_##id,
#include "producer/setting.def"
#undef SETTING
  SETTING_COUNT
};

enum setting_type {
  SETTING_TYPE_BOOLEAN,
  SETTING_TYPE_INT32,
  SETTING_TYPE_INT64,
  SETTING_TYPE_MILLISECONDS, /* up to three decimals */
  SETTING_TYPE_STRING,
  SETTING_TYPE_LIST,
  SETTING_TYPE_ENUMERATION,
  SETTING_TYPE_PASSWORD, /* a text that is never shown */
  SETTING_TYPE_DECIMAL,  /* up to six decimals */
};

enum setting_scope { SETTING_SCOPE_PRODUCER, SETTING_SCOPE_TOPIC /* for the producer and per topic */ };

/* One setting of the table; static memory. */
struct setting_row {
  const char *name;
  enum setting_type type;
  const char *default_text; /* NULL: none */
  int64_t minimum, maximum; /* of numbers (milliseconds: in those, decimals: millionths); of strings bytes */
  const char *special;      /* a number that is allowed beside the range, or NULL */
  const char *range;        /* for people; of enumerations and lists the values, by ", "; NULL: any */
  enum setting_scope scope;
  const char *text; /* one paragraph */
};

const struct setting_row *setting_row(enum setting setting);

/* How an alias's value becomes its target's. */
enum alias_conversion {
  ALIAS_AS_IS,
  ALIAS_KIBIBYTES,       /* times 1024 */
  ALIAS_ZERO_IS_SYSTEM,  /* 0 becomes -1 */
  ALIAS_ZERO_IS_ENDLESS, /* 0 becomes the target's maximum */
  ALIAS_MINUS_IS_NEVER,  /* -1 becomes the target's maximum */
  ALIAS_INHERIT_UNSETS,  /* "inherit" takes the setting back */
  ALIAS_PROBE_UNSETS,    /* "probe" does */
};

enum setting_name_kind {
  SETTING_NAME_OWN,
  SETTING_NAME_ALIAS,
  SETTING_NAME_NO_MEANING,     /* accepted, means nothing here */
  SETTING_NAME_NOT_SUPPORTED,  /* refused always: to go on without it would be wrong */
  SETTING_NAME_NO_COUNTERPART, /* refused as an unknown name, with a reason */
  SETTING_NAME_UNKNOWN,
};

/* What a name stands for. */
struct setting_name {
  enum setting_name_kind kind;
  enum setting setting;             /* OWN and ALIAS */
  enum alias_conversion conversion; /* ALIAS */
  const char *name;                 /* as the table spells it, maybe ending in '*'; NULL if UNKNOWN */
  const char *origin;               /* whose name it is: "Java" or "librdkafka"; NULL for OWN */
  const char *accepted;             /* NO_MEANING: the only values accepted, by ", "; NULL: any */
  const char *text;                 /* what is to be known about it; NULL: nothing */
};

/* What is shown in the place of a password. */
#define SETTING_HIDDEN "[hidden]"

/* Looks a name up. */
struct setting_name setting_name_find(const char *name);

/* The name nearest to a mistyped one among those that can be set, or NULL if none is near. */
const char *setting_name_nearest(const char *name);

/* One name for people and bindings. All text is static memory. */
struct setting_description {
  const char *name;
  enum setting_name_kind kind;
  const char *type; /* "boolean", "int", "long", "double", "string", "list", "enumeration", "password" */
  const char *default_value; /* NULL: none */
  const char *range;         /* NULL: anything of the type */
  const char *text;          /* never NULL */
  const char *alias_of;      /* the name that this one stands for, or NULL */
  const char *origin;        /* as in struct setting_name */
  bool per_topic;            /* also as topic.NAME.setting */
};

/* Names that can be set: settings, aliases and those without a meaning, in that order. */
uint32_t setting_description_count(void);
/* False if index is not below the count. */
bool setting_description_at(uint32_t index, struct setting_description *description);
/* Names that are refused with a reason (a name may end in '*': all that begin so). */
uint32_t setting_refusal_count(void);
bool setting_refusal_at(uint32_t index, struct setting_description *description);

#endif
