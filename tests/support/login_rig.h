/* One exchange of SASL's with its credentials, and what the last step said, for tests. */
#ifndef SUPPORT_LOGIN_RIG_H
#define SUPPORT_LOGIN_RIG_H

#include "security/sasl_exchange.h"

struct login_rig {
  struct sasl_settings settings;
  struct secret *password, *session_token;
  struct token_source *tokens;
  struct sasl_credentials *credentials;
  struct sasl_exchange *exchange;
  struct sasl_step step;
};

/* Settings of a user "alice" whose password is "wonderland". */
void login_rig_init(struct login_rig *rig, enum sasl_mechanism_id mechanism);
void login_rig_deinit(struct login_rig *rig);

/* A source of tokens that has this one. */
void login_rig_set_token(struct login_rig *rig, const struct token_fields *fields, int64_t now_ms);
/* Credentials of the settings and an exchange with a broker of this name. */
void login_rig_begin(struct login_rig *rig, const char *host);

/* Steps, and what they have to come to. NULL as challenge is the null view. */
void login_rig_expect_send(struct login_rig *rig, const char *challenge, const char *response);
void login_rig_expect_done(struct login_rig *rig, const char *challenge);
void login_rig_expect_failed(struct login_rig *rig, const char *challenge, int32_t status,
                             const char *reason_part);
/* sasl_exchange_explain's reason, in static memory. */
const char *login_rig_explain(struct login_rig *rig, int32_t error_code, const char *message);

/* The time that all steps are told. */
enum { LOGIN_RIG_NOW_S = 1700000000 };
#define LOGIN_RIG_NOW_MS (LOGIN_RIG_NOW_S * INT64_C(1000))

#endif
