/* Structs that begin with their size as the caller was compiled: an older one has fewer fields than this
 * library knows, a newer one more (ABI.md, "How structs grow"). */
#ifndef ABI_SIZED_STRUCT_H
#define ABI_SIZED_STRUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIZED_STRUCT_MAX_BYTES = 65536 /* more is no size but memory that nobody set */ };

/* What a newer caller set behind the known fields would be ignored: only zeros, which ask for nothing, may
 * be. */
static inline bool sized_struct_tail_is_zero(const void *given, uint32_t size, size_t known_bytes) {
  const unsigned char *bytes = given;
  for (size_t i = known_bytes; i < size; i++)
    if (bytes[i] != 0) return false;
  return true;
}

/* Whether a struct that comes in can be read: from the first version's size on, with nothing unknown set. */
static inline bool sized_struct_is_readable(const void *given, size_t first_bytes, size_t known_bytes) {
  uint32_t size;
  memcpy(&size, given, sizeof size);
  if (size == known_bytes) return true;
  return size >= first_bytes && size <= SIZED_STRUCT_MAX_BYTES &&
         sized_struct_tail_is_zero(given, size, known_bytes);
}

/* Copies what fits into a struct that goes out. Its size stays the caller's. */
static inline void sized_struct_write(void *to, const void *from, size_t known_bytes) {
  uint32_t size;
  memcpy(&size, to, sizeof size);
  size_t bytes = size < known_bytes ? size : known_bytes;
  memcpy((char *)to + sizeof size, (const char *)from + sizeof size, bytes - sizeof size);
}

#endif
