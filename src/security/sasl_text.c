#include "security/sasl_text.h"

#include "base/assertion.h"
#include <string.h>

struct secret *sasl_text_join(const struct bytes *parts, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += parts[i].size;
  struct secret *joined = secret_allocate(size);
  if (joined == NULL) return NULL;
  uint8_t *to = secret_data(joined);
  for (size_t i = 0; i < count; i++) {
    if (parts[i].size > 0) memcpy(to, parts[i].data, parts[i].size);
    to += parts[i].size;
  }
  return joined;
}

/* How many bytes the sequence has that this byte begins; 0: it begins none. */
static size_t sequence_size(uint8_t byte) {
  if (byte < 0x80) return 1;
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
}

bool sasl_text_is_utf8(struct bytes text) {
  for (size_t i = 0; i < text.size;) {
    size_t size = sequence_size(text.data[i]);
    if (size == 0 || size > text.size - i) return false;
    for (size_t j = 1; j < size; j++)
      if ((text.data[i + j] & 0xc0) != 0x80) return false;
    uint8_t first = text.data[i];
    uint8_t second = size > 1 ? text.data[i + 1] : 0;
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    if (overlong || beyond) return false;
    i += size;
  }
  return true;
}

/* The size of the longest secret that the text has at this place; 0: none. */
static size_t secret_at(struct bytes text, size_t at, const struct bytes *secrets, size_t secret_count) {
  enum { SHORTEST = 4 };
  size_t longest = 0;
  for (size_t i = 0; i < secret_count; i++) {
    size_t size = secrets[i].size;
    if (size < SHORTEST || size > text.size - at || size <= longest) continue;
    if (memcmp(text.data + at, secrets[i].data, size) == 0) longest = size;
  }
  return longest;
}

void sasl_text_print(struct bytes text, const struct bytes *secrets, size_t secret_count, char *to,
                     size_t size) {
  static const char hidden[] = "[hidden]";
  ASSERT(size > 0);
  size_t written = 0;
  for (size_t i = 0; i < text.size;) {
    size_t secret_size = secret_at(text, i, secrets, secret_count);
    size_t needed = secret_size > 0 ? sizeof hidden - 1 : 1;
    if (written + needed >= size) break;
    if (secret_size > 0) {
      memcpy(to + written, hidden, needed);
    } else {
      to[written] = (char)(text.data[i] >= 0x20 && text.data[i] < 0x7f ? text.data[i] : '?');
    }
    written += needed;
    i += secret_size > 0 ? secret_size : 1;
  }
  to[written] = '\0';
}
