#include "security/tls_parts.h"
#include "security/tls_resumption.h"
#include "security/tls_session_parts.h"
#include <openssl/x509v3.h>

/* What OpenSSL asks of a session while it shakes hands. */

static int keep_session(SSL *ssl, SSL_SESSION *session);
static int note_that_certificate_is_wanted(SSL *ssl, X509 **certificate, EVP_PKEY **key);
static bool has_alternative_names(const X509 *certificate);

void tls_session_install(SSL_CTX *ssl) {
  SSL_CTX_set_cert_verify_callback(ssl, tls_session_verify, NULL);
  SSL_CTX_sess_set_new_cb(ssl, keep_session);
  SSL_CTX_set_client_cert_cb(ssl, note_that_certificate_is_wanted);
}

/* OpenSSL's own check, but that the subject's common name counts only in certificates that have no
 * alternative names at all; OpenSSL looks at it, too, if those are all of another kind. */
int tls_session_verify(X509_STORE_CTX *verification, void *unused) {
  (void)unused;
  const SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
  const X509 *certificate = X509_STORE_CTX_get0_cert(verification);
  if (has_alternative_names(certificate))
    X509_VERIFY_PARAM_set_hostflags(X509_STORE_CTX_get0_param(verification),
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  int result = X509_verify_cert(verification);
  if (result <= 0 && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0)
    tls_session_refuse(SSL_get_app_data(ssl), verification);
  return result;
}

static bool has_alternative_names(const X509 *certificate) {
  return X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
  const struct tls_session *owner = SSL_get_app_data(ssl);
  struct tls_resumption *resumption = tls_context_resumption(owner->context);
  return tls_resumption_put(resumption, owner->host, owner->port, session) ? 1 : 0;
}

/* Asked only if we have none. */
static int note_that_certificate_is_wanted(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
  struct tls_session *session = SSL_get_app_data(ssl);
  (void)certificate;
  (void)key;
  session->was_asked_for_certificate = true;
  return 0;
}
