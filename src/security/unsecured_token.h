/* Kafka's unsecured tokens ({"alg":"none"}, RFC 7515 appendix A.5), for development: anyone can make one, and
 * only brokers with Kafka's own unsecured validator take them. */
#ifndef SECURITY_UNSECURED_TOKEN_H
#define SECURITY_UNSECURED_TOKEN_H

#include "security/token_source.h"
#include <stddef.h>
#include <stdint.h>

/* An option of OAuthBearerLoginModule, as Java users write them in sasl.jaas.config:
 * unsecuredLoginStringClaim_sub and its like. */
struct unsecured_token_option {
  const char *name, *value;
};

/* Borrowed for unsecured_token_create. Either kind, or both; principal has to come from one of them. */
struct unsecured_token_settings {
  const char *config; /* librdkafka's sasl.oauthbearer.config: "principal=me scope=a,b"; NULL: not set */
  const struct unsecured_token_option *options;
  uint32_t option_count;
};

struct unsecured_token;

/* Statuses: OK, INVALID_SETTING (error says what is wrong), OUT_OF_MEMORY. */
int32_t unsecured_token_create(const struct unsecured_token_settings *settings,
                               struct unsecured_token **unsecured, char *error, size_t error_size);
/* For token_source_settings.release. NULL is allowed. */
void unsecured_token_release(void *unsecured);

/* For token_source_settings.fetch, with the unsecured_token as its context. Statuses: OK, OUT_OF_MEMORY,
 * LOGIN_FAILED. */
int32_t unsecured_token_fetch(void *unsecured, struct token_source *source, struct token **token,
                              char *reason, size_t reason_size);

#endif
