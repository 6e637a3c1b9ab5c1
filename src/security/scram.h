/* SCRAM's conversation (RFC 5802, RFC 7677) on the client's side, without channel binding, as Kafka has it:
 *
 *   client first:  n,,n=USER,r=NONCE[,tokenauth=true]
 *   server first:  r=NONCE+MORE,s=SALT,i=ITERATIONS
 *   client final:  c=biws,r=NONCE+MORE,p=PROOF
 *   server final:  v=SIGNATURE, or e=ERROR
 *
 * One thread at a time. Reasons have no secret in them, nor what would help to find one. */
#ifndef SECURITY_SCRAM_H
#define SECURITY_SCRAM_H

#include "security/scram_keys.h"
#include <stdbool.h>
#include <stddef.h>

enum {
  SCRAM_NONCE_BYTES = 24, /* of chance, before they become characters */
  SCRAM_ITERATIONS_MIN = 4096,
  SCRAM_ITERATIONS_MAX = 1000000, /* half a second or so; without a bound a broker could stop us for hours */
  SCRAM_MESSAGE_MAX_BYTES = 8192,
};

struct scram;

/* keys: borrowed, of the user's password. NULL if memory is missing. */
struct scram *scram_create(struct scram_keys *keys);
/* Wipes. NULL is allowed. */
void scram_destroy(struct scram *scram);

/* A nonce of printable characters other than ','. Statuses: OK, OUT_OF_MEMORY, LOGIN_FAILED (chance is not to
 * be had). */
int32_t scram_make_nonce(struct secret **nonce);

/* The client's first message. delegation_token: the user is a token's id (KIP-48). Statuses: OK,
 * OUT_OF_MEMORY. */
int32_t scram_begin(struct scram *scram, const char *username, bool delegation_token, struct bytes nonce,
                    struct secret **message);
/* Takes the server's first message, makes the client's final one; takes long (scram_keys.h). Statuses: OK,
 * LOGIN_FAILED (reason), SASL_AUTHENTICATION_FAILED (the server refuses; reason), OUT_OF_MEMORY. */
int32_t scram_answer(struct scram *scram, struct bytes server_first, struct secret **message, char *reason,
                     size_t reason_size);
/* OK: the server has proved that it knows the password, too. Statuses as of scram_answer. */
int32_t scram_finish(struct scram *scram, struct bytes server_final, char *reason, size_t reason_size);

#endif
