/* Text into the caller's buffer. */
#ifndef ABI_ABI_TEXT_H
#define ABI_ABI_TEXT_H

#include <stddef.h>
#include <string.h>

/* Copies as much of text (NULL: nothing) as fits with its terminator. */
static inline void text_copy(char *buffer, size_t buffer_size, const char *text) {
  if (buffer == NULL || buffer_size == 0) return;
  size_t bytes = text == NULL ? 0 : strlen(text);
  if (bytes > buffer_size - 1) bytes = buffer_size - 1;
  if (bytes > 0) memcpy(buffer, text, bytes);
  buffer[bytes] = '\0';
}

#endif
