/* Record headers as Ruby has them, packed as the library takes them. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_HEADERS_H
#define BINDINGS_RUBY_EXT_SENDOFF_HEADERS_H

#include <ruby.h>

/* A String of packed headers, or nil for none. Takes nil, a Hash, or an Array of pairs; names are String or
 * Symbol, values String or nil. May run Ruby code (to_str) and raises TypeError. */
VALUE headers_pack(VALUE headers);

#endif
