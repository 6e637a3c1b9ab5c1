/* Reads JSON (RFC 8259) of strangers, strictly: the document is checked as a whole first, then members of its
 * top object are looked up in place. Allocates nothing but the secret that json_secret returns. Any thread.
 */
#ifndef SECURITY_JSON_H
#define SECURITY_JSON_H

#include "base/secret.h"

enum { JSON_DEPTH_MAX = 32 };

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

/* text is a part of the document: of a string what stands between the quotes, escapes and all. */
struct json_value {
  enum json_kind kind;
  struct bytes text;
};

enum json_found { JSON_ABSENT, JSON_FOUND, JSON_REPEATED };

/* The document is one value, in UTF-8, nested no deeper than JSON_DEPTH_MAX, and nothing behind it. */
bool json_read(struct bytes document, struct json_value *value);

/* A member of an object that json_read has given. One that is there twice is not found: readers differ on
 * which counts. */
enum json_found json_find(struct json_value object, const char *name, struct json_value *member);

/* A string without its escapes, in UTF-8. NULL if memory is missing. */
struct secret *json_secret(struct json_value string);
/* The same with a terminator, cut if it does not fit; what is not printable ASCII becomes '?'. */
void json_print(struct json_value string, char *to, size_t size);
/* Whether a string is this one. */
bool json_equals(struct json_value string, const char *text);

/* The number without its fraction. False: too large for an int64_t. */
bool json_integer(struct json_value number, int64_t *integer);

#endif
