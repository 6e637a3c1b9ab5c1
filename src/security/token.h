/* An OAUTHBEARER token. Immutable and counted. Any thread. */
#ifndef SECURITY_TOKEN_H
#define SECURITY_TOKEN_H

#include "base/secret.h"
#include <stddef.h>
#include <stdint.h>

/* Text about the token for brokers (KIP-342). */
struct token_extension {
  const char *name, *value;
};

/* All borrowed for the call. */
struct token_fields {
  struct bytes value;
  const char *principal; /* may be NULL: for log lines only */
  int64_t expires_ms;    /* Unix time; INT64_MAX: never */
  const struct token_extension *extensions;
  uint32_t extension_count;
};

struct token;

/* Checks the form (RFC 6750's b64token; KIP-342's names and values, "auth" is not one), and that the token
 * has not expired at now_ms. Statuses: OK, INVALID_ARGUMENT (error says what is wrong, never the token
 * itself), OUT_OF_MEMORY. */
int32_t token_create(const struct token_fields *fields, int64_t now_ms, struct token **token, char *error,
                     size_t error_size);
struct token *token_retain(struct token *token);
/* NULL is allowed. The last one wipes. */
void token_release(struct token *token);

struct bytes token_value(const struct token *token);
const char *token_principal(const struct token *token); /* never NULL */
int64_t token_expires_ms(const struct token *token);
uint32_t token_extension_count(const struct token *token);
struct token_extension token_extension_at(const struct token *token, uint32_t index);

#endif
