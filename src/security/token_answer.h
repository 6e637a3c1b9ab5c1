/* What a token endpoint answers (RFC 6749, sections 5.1 and 5.2), read into a token or a reason. Any thread.
 */
#ifndef SECURITY_TOKEN_ANSWER_H
#define SECURITY_TOKEN_ANSWER_H

#include "security/http_head.h"
#include "security/token.h"

/* All borrowed for the call. */
struct token_answer {
  int32_t http_status;
  const struct http_head *head;
  struct bytes body;
  int64_t now_ms;            /* this machine's clock, Unix time */
  const char *subject_claim; /* the claim with the principal, for log lines */
  const struct token_extension *extensions;
  uint32_t extension_count;
  const struct bytes *secrets; /* not to be repeated in reasons, whoever says them */
  size_t secret_count;
};

/* The token lives as long as expires_in and the JWT's own exp claim both allow; one of them has to be there.
 * Statuses: OK; DISCONNECTED (the server asks for patience), OUT_OF_MEMORY, LOGIN_FAILED; reason says what
 * the server said, in printable ASCII. */
int32_t token_answer_read(const struct token_answer *answer, struct token **token, char *reason,
                          size_t reason_size);

/* The claims of a JWT (RFC 7519), unchecked: its second part, a JSON object. NULL: it is none, or memory is
 * missing. */
struct secret *token_answer_claims(struct bytes token);

#endif
