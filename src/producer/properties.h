/* A reader of Java's .properties form: '#' and '!' begin comments; '=', ':' or white space ends a name; a
 * backslash at a line's end joins the next line without its indentation; \t \n \r \f and \uXXXX are
 * characters, a backslash before any other is dropped. Bytes above 127 pass as they are (Java reads them as
 * ISO-8859-1; files of today are UTF-8), \uXXXX becomes UTF-8. White space at a value's end is kept, as Java
 * keeps it. One thread. */
#ifndef PRODUCER_PROPERTIES_H
#define PRODUCER_PROPERTIES_H

#include "base/bytes.h"
#include "base/secret.h"
#include "producer/config_error.h"
#include <stdbool.h>
#include <stdint.h>

struct properties {
  struct bytes text; /* borrowed */
  size_t position;
  uint32_t line; /* of position, from 1 */
  char *buffer;  /* name and value of the last property; large enough for any */
  size_t buffer_size;
  struct secret *memory; /* of the buffer: a value may be a password */
};

/* Valid until the next call on the reader. */
struct property {
  const char *name, *value;
  uint32_t line; /* where it begins */
};

/* Statuses: OK, OUT_OF_MEMORY. */
int32_t properties_init(struct properties *properties, struct bytes text);
/* Wipes. */
void properties_deinit(struct properties *properties);

/* *found receives whether there was another property, which *property then is. Statuses: OK, INVALID_SETTING
 * (the text is malformed; error names line and fault). Does not block. */
int32_t properties_next(struct properties *properties, struct property *property, bool *found,
                        struct config_error *error);

#endif
