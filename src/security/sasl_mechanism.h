/* What a mechanism is to credentials and exchanges, inside of security/. The two check what is common to all
 * (sizes, order of calls); mechanisms are sasl_mechanism_NAME.c. */
#ifndef SECURITY_SASL_MECHANISM_H
#define SECURITY_SASL_MECHANISM_H

#include "security/sasl_exchange.h"
#include "security/token.h"
#include <stdatomic.h>

/* Longest text of a reason, with its terminator. */
enum { SASL_REASON_BYTES = 640 };

/* Functions of a mechanism. Those that may be NULL have nothing to do there. */
struct sasl_mechanism {
  const char *name; /* on the wire */
  bool may_block;
  /* Checks the settings; status and error as of sasl_credentials_create. */
  int32_t (*check)(const struct sasl_settings *settings, char *error, size_t error_size);
  /* Makes credentials->prepared. May be NULL. */
  int32_t (*prepare)(struct sasl_credentials *credentials, char *error, size_t error_size);
  void (*unprepare)(struct sasl_credentials *credentials); /* with prepare */
  size_t state_size;                                       /* of exchange->state, zeroed at first */
  struct sasl_step (*step)(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                           int64_t deadline_us);
  void (*deinit)(struct sasl_exchange *exchange); /* of the state. May be NULL */
  /* Writes what is to be added to the broker's refusal, or nothing. May be NULL. */
  void (*hint)(struct sasl_exchange *exchange, int32_t error_code, int64_t now_ms, char *hint,
               size_t hint_size);
};

extern const struct sasl_mechanism sasl_mechanism_plain, sasl_mechanism_scram_sha_256,
    sasl_mechanism_scram_sha_512, sasl_mechanism_oauthbearer, sasl_mechanism_gssapi,
    sasl_mechanism_aws_msk_iam;

/* Copies of the settings; immutable, but for what `prepared` guards itself. */
struct sasl_credentials {
  atomic_uint references;
  const struct sasl_mechanism *mechanism;
  enum sasl_mechanism_id id;
  char *username, *authorization_id;
  struct secret *password, *session_token;
  bool delegation_token;
  struct token_source *tokens; /* borrowed */
  char *kerberos_service, *kerberos_principal, *kerberos_keytab;
  char *aws_region;
  void *prepared; /* the mechanism's own */
};

/* One login. */
struct sasl_exchange {
  struct sasl_credentials *credentials; /* retained */
  char *host;
  void *state;             /* the mechanism's own */
  uint32_t step_count;     /* before this one */
  bool has_ended;          /* DONE or FAILED was given */
  struct secret *response; /* the last one */
  struct token *token;     /* OAUTHBEARER: the one that was sent */
  char reason[SASL_REASON_BYTES];
};

/* A SEND step; takes the response over. NULL gives the step for missing memory. */
struct sasl_step sasl_mechanism_send(struct sasl_exchange *exchange, struct secret *response);
struct sasl_step sasl_mechanism_done(void);
/* A FAILED step with a reason. */
struct sasl_step sasl_mechanism_fail(struct sasl_exchange *exchange, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* OUT_OF_MEMORY with its own reason, all else with the one that was written to exchange->reason. */
struct sasl_step sasl_mechanism_fail_as_written(struct sasl_exchange *exchange, int32_t status);

/* A user name or the like: there, not empty, UTF-8. Writes the error. */
bool sasl_mechanism_check_text(const char *text, const char *setting, char *error, size_t error_size);
/* A password or the like: there, not empty, without zero bytes, UTF-8. */
bool sasl_mechanism_check_secret(const struct secret *secret, const char *setting, char *error,
                                 size_t error_size);

#endif
