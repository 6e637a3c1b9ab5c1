/* What security.protocol, ssl.*, sasl.* and https.* come to: sasl.jaas.config merged with the settings beside
 * it, references to config providers looked up, what belongs together checked. Made from a struct config when
 * a producer is created and each time its credentials are loaded again. One thread. */
#ifndef PRODUCER_SECURITY_SETTINGS_H
#define PRODUCER_SECURITY_SETTINGS_H

#include "base/log.h"
#include "producer/config.h"
#include "producer/config_error.h"
#include "producer/config_providers.h"
#include "security/jaas.h"
#include "security/oidc.h"
#include "security/sasl_settings.h"
#include "security/tls_settings.h"
#include "security/unsecured_token.h"
#include <stdbool.h>
#include <stdint.h>

/* The order is that of security.protocol's values. */
enum security_protocol {
  SECURITY_PLAINTEXT,
  SECURITY_SSL,
  SECURITY_SASL_PLAINTEXT,
  SECURITY_SASL_SSL,
};

/* Where OAUTHBEARER's tokens come from. */
enum token_method {
  TOKEN_METHOD_HOST,      /* the program: on_token_wanted, sendoff_set_token */
  TOKEN_METHOD_OIDC,      /* client credentials, from sasl.oauthbearer.token.endpoint.url */
  TOKEN_METHOD_UNSECURED, /* made here, unsigned, for tests */
};

/* Texts and secrets in it live as long as it does. oidc.log and oidc.curl are left NULL. */
struct security_settings {
  enum security_protocol protocol;
  struct tls_settings tls;   /* of SSL and SASL_SSL */
  struct sasl_settings sasl; /* of SASL_PLAINTEXT and SASL_SSL; tokens is NULL */

  /* Of OAUTHBEARER. */
  enum token_method token_method;
  struct oidc_settings oidc;
  struct unsecured_token_settings unsecured;
  double refresh_window, refresh_jitter;
  int64_t refresh_minimum_us, refresh_buffer_us;
  int64_t login_backoff_us, login_backoff_max_us;

  /* Files and folders that the above come from: when one has changed, credentials are to be loaded again. */
  const char *const *watched;
  uint32_t watched_count;
  int64_t reload_interval_us; /* how often they are looked at; 0: never */

  /* -- owned by security_settings.c -- */
  struct config *config; /* with all references looked up */
  struct config_sources sources;
  struct jaas *jaas;
  struct secret *extensions, *urls; /* put together, and taken apart */
  const char **files, **url_list;
  struct unsecured_token_option *options;
};

/* Fills in *settings, to be ended with security_settings_deinit. config: as the user made it, with its
 * references; not needed afterwards. Reads the files of config providers, no others. log (may be NULL) is
 * warned of what is legal and unsafe or without effect. Statuses: OK, INVALID_SETTING, FILE_UNREADABLE,
 * OUT_OF_MEMORY; on failure *settings is untouched, and error never holds a secret. */
int32_t security_settings_resolve(const struct config *config, const struct log *log,
                                  struct security_settings *settings, struct config_error *error);

/* Wipes. */
void security_settings_deinit(struct security_settings *settings);

static inline bool security_uses_tls(enum security_protocol protocol) {
  return protocol == SECURITY_SSL || protocol == SECURITY_SASL_SSL;
}

static inline bool security_uses_sasl(enum security_protocol protocol) {
  return protocol == SECURITY_SASL_PLAINTEXT || protocol == SECURITY_SASL_SSL;
}

#endif
