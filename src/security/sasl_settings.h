/* What logins are made of. Filled in by the producer from its settings; borrowed for the call that takes it.
 */
#ifndef SECURITY_SASL_SETTINGS_H
#define SECURITY_SASL_SETTINGS_H

#include "base/secret.h"
#include "security/token_source.h"
#include <stdbool.h>

enum sasl_mechanism_id {
  SASL_PLAIN,
  SASL_SCRAM_SHA_256,
  SASL_SCRAM_SHA_512,
  SASL_OAUTHBEARER,
  SASL_GSSAPI,
  SASL_AWS_MSK_IAM,
  SASL_MECHANISM_COUNT
};

struct sasl_settings {
  enum sasl_mechanism_id mechanism;
  const char *username;           /* PLAIN, SCRAM; AWS: the access key id */
  const struct secret *password;  /* PLAIN, SCRAM; AWS: the secret access key */
  const char *authorization_id;   /* PLAIN: usually NULL */
  bool delegation_token;          /* SCRAM: tokenauth=true (KIP-48) */
  struct token_source *tokens;    /* OAUTHBEARER; outlives the credentials */
  const char *kerberos_service;   /* "kafka" */
  const char *kerberos_principal; /* NULL: the credential cache's */
  const char *kerberos_keytab;    /* NULL: the credential cache holds a ticket */
  const char *aws_region;         /* NULL: from the broker's name */
  const struct secret *aws_session_token;
};

#endif
