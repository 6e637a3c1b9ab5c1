/* The keys that SCRAM makes of one password (RFC 5802, section 3). Making them takes as long as the broker's
 * number of iterations asks for, so the last few are kept: re-authentication, and the other brokers, which
 * have the same salt for a user, cost nothing then.
 *
 * The password's bytes are used as they are, without SASLprep (RFC 4013), which RFC 5802 asks for. Kafka's
 * ScramFormatter.normalize does the same, in clients and in the tools that store credentials: with SASLprep,
 * passwords that it changes ("no-break space", ligatures, full-width letters) would not be the ones that
 * brokers know. Any thread. */
#ifndef SECURITY_SCRAM_KEYS_H
#define SECURITY_SCRAM_KEYS_H

#include "base/secret.h"
#include <stdint.h>

enum scram_hash { SCRAM_SHA_256, SCRAM_SHA_512 };

enum { SCRAM_HASH_MAX_BYTES = 64, SCRAM_SALT_MAX_BYTES = 1024 };

/* In bytes. */
uint32_t scram_hash_size(enum scram_hash hash);

struct scram_keys;

/* Copies the password. NULL if memory is missing. */
struct scram_keys *scram_keys_create(enum scram_hash hash, const struct secret *password);
/* Wipes. NULL is allowed. */
void scram_keys_destroy(struct scram_keys *keys);

enum scram_hash scram_keys_hash(const struct scram_keys *keys);
/* *pair receives ClientKey and ServerKey, behind each other, to be destroyed by the caller. The salt is
 * SCRAM_SALT_MAX_BYTES at most. Statuses: OK, OUT_OF_MEMORY, LOGIN_FAILED (the hash is not to be had). */
int32_t scram_keys_get(struct scram_keys *keys, struct bytes salt, uint32_t iterations, struct secret **pair);
/* How often keys were made, and not found. */
uint64_t scram_keys_derivation_count(struct scram_keys *keys);

/* HMAC of the data, scram_hash_size bytes. False: the hash is not to be had. */
bool scram_keys_hmac(enum scram_hash hash, struct bytes key, struct bytes data, uint8_t *result);
/* The hash itself. */
bool scram_keys_digest(enum scram_hash hash, struct bytes data, uint8_t *result);

#endif
