/* Tokens from an OpenID Connect provider, by OAuth's client credentials grant (RFC 6749, section 4.4). The
 * request is that of Kafka's Java client: client id and secret as HTTP Basic, the scope in the body. It goes
 * over HTTPS alone, to a URL that is allowed, follows no redirect and takes no more than 64 KiB in answer. */
#ifndef SECURITY_OIDC_H
#define SECURITY_OIDC_H

#include "base/log.h"
#include "security/curl.h"
#include "security/token_source.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed for oidc_create; but log and curl live as long as the oidc. NULL: not set. */
struct oidc_settings {
  const char *token_endpoint_url; /* sasl.oauthbearer.token.endpoint.url */
  const char *const *allowed_urls;
  uint32_t allowed_url_count; /* 0: the endpoint itself and no other */
  const char *client_id;
  const struct secret *client_secret;
  const char *scope;
  const char *extensions;    /* "name=value,name=value" */
  const char *subject_claim; /* sasl.oauthbearer.sub.claim.name; NULL: "sub". For log lines */
  bool url_encode_header;    /* sasl.oauthbearer.header.urlencode */
  /* sasl.login.connect.timeout.ms, sasl.login.read.timeout.ms; 0: 10 and 20 seconds. The whole request may
   * take both together. */
  int32_t connect_timeout_ms, read_timeout_ms;
  const char *ca_location; /* https.ca.location: a file or a directory; default: the system's */
  const char *ca_pem;      /* https.ca.pem */
  const char *user_agent;  /* "sendoff/VERSION" */
  const struct log *log;
  const struct curl *curl; /* NULL: the system's libcurl */
};

struct oidc;

/* Statuses: OK; INVALID_SETTING; NOT_CONFIGURED (libcurl is missing); FILE_UNREADABLE; OUT_OF_MEMORY. error
 * says what is wrong, by the setting's name. */
int32_t oidc_create(const struct oidc_settings *settings, struct oidc **oidc, char *error, size_t error_size);
/* For token_source_settings.release. Wipes. NULL is allowed. */
void oidc_release(void *oidc);

/* For token_source_settings.fetch, with the oidc as its context. Statuses: OK; DISCONNECTED and
 * OUT_OF_MEMORY, which may pass; LOGIN_FAILED, which will not by itself; CLOSED. */
int32_t oidc_fetch(void *oidc, struct token_source *source, struct token **token, char *reason,
                   size_t reason_size);

#endif
