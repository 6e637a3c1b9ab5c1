/* Bytes that must not get out: passwords, private keys, tokens. They lie in memory of their own that is
 * locked (as far as the system lets us) and left out of core dumps, and are wiped when they are destroyed.
 * Any thread; a secret itself is immutable once it is shared. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/bytes.h"

struct secret;

/* A copy of the bytes, with a terminator behind them that does not count. NULL if memory is missing. */
struct secret *secret_create(struct bytes value);
/* Zeroed, to be written through secret_data before it is shared. NULL if memory is missing. */
struct secret *secret_allocate(size_t size);
/* NULL gives NULL, as missing memory does. */
struct secret *secret_copy(const struct secret *secret);
/* Wipes and frees. NULL is allowed. */
void secret_destroy(struct secret *secret);

/* Valid as long as the secret; NULL gives the null view. */
struct bytes secret_bytes(const struct secret *secret);
/* As secret_bytes, as a C string; NULL gives NULL. */
const char *secret_text(const struct secret *secret);
uint8_t *secret_data(struct secret *secret);

/* In a time that does not depend on the bytes. */
bool secret_equal(struct bytes a, struct bytes b);

/* Overwrites memory in a way that compilers keep. */
void secret_wipe(void *data, size_t size);

/* What all secrets of the process take. Bytes are those of whole pages. */
struct secret_usage {
  size_t count;
  size_t mapped_bytes;
  size_t locked_bytes;   /* of those: never swapped out; the rest was beyond RLIMIT_MEMLOCK */
  size_t undumped_bytes; /* of those: left out of core dumps; the rest where the system has no such thing */
};

struct secret_usage secret_usage(void);

/* Around a fork, so that the child finds no lock taken. */
void secret_before_fork(void);
void secret_after_fork(void);

#endif
