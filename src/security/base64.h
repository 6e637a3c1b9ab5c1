/* Base64 (RFC 4648), strict: what is not exactly one encoding of some bytes is refused. Any thread. */
#ifndef SECURITY_BASE64_H
#define SECURITY_BASE64_H

#include "base/bytes.h"

enum base64_alphabet {
  BASE64_STANDARD, /* section 4: '+', '/', padded with '=' */
  BASE64_URL,      /* section 5: '-', '_', without padding, as tokens have it (RFC 7515) */
};

/* Characters of size bytes in BASE64_STANDARD; no terminator. */
static inline size_t base64_encoded_size(size_t size) {
  return (size + 2) / 3 * 4;
}

/* At most this many bytes are in size characters. */
static inline size_t base64_decoded_size_max(size_t size) {
  return size / 4 * 3 + 2;
}

/* Writes characters without a terminator; returns how many. to has room for base64_encoded_size. */
size_t base64_encode(struct bytes data, enum base64_alphabet alphabet, char *to);
/* False: refused. to has room for base64_decoded_size_max; *size receives how many bytes were written. */
bool base64_decode(struct bytes text, enum base64_alphabet alphabet, uint8_t *to, size_t *size);

#endif
