/* What the sources of TLS share with each other and with nobody else. OpenSSL's library context is the
 * process's own: the administrator's openssl.cnf, policies and FIPS provider hold for us as for the host.
 * Only old PKCS#12 files and keys are decrypted in a context apart, with the legacy provider, which the host
 * never sees. */
#ifndef SECURITY_TLS_PARTS_H
#define SECURITY_TLS_PARTS_H

#include "security/tls_context.h"
#include <openssl/ssl.h>

/* Settings as errors name them: Kafka's name first, librdkafka's behind it. */
#define TLS_SETTING_TRUST_LOCATION       "ssl.truststore.location (ssl.ca.location)"
#define TLS_SETTING_TRUST_PEM            "ssl.truststore.certificates (ssl.ca.pem)"
#define TLS_SETTING_TRUST_PASSWORD       "ssl.truststore.password"
#define TLS_SETTING_CRL_LOCATION         "ssl.crl.location"
#define TLS_SETTING_CERTIFICATE_LOCATION "ssl.certificate.location"
#define TLS_SETTING_CERTIFICATE_PEM      "ssl.keystore.certificate.chain (ssl.certificate.pem)"
#define TLS_SETTING_KEY_LOCATION         "ssl.key.location"
#define TLS_SETTING_KEY_PEM              "ssl.keystore.key (ssl.key.pem)"
#define TLS_SETTING_KEY_PASSWORD         "ssl.key.password"
#define TLS_SETTING_KEY_STORE_LOCATION   "ssl.keystore.location"
#define TLS_SETTING_KEY_STORE_PASSWORD   "ssl.keystore.password"
#define TLS_SETTING_CIPHER_SUITES        "ssl.cipher.suites"
#define TLS_SETTING_CURVES               "ssl.curves.list"
#define TLS_SETTING_SIGNATURE_ALGORITHMS "ssl.sigalgs.list"
#define TLS_SETTING_PROTOCOLS            "ssl.enabled.protocols"

/* One call of tls_context_create: what it was given, what it makes, where its error goes. */
struct tls_load {
  const struct tls_settings *settings;
  const struct log *log;
  SSL_CTX *ssl;
  char *error;
  size_t error_size;
};

/* Writes the error and returns the status. */
int32_t tls_load_fail(const struct tls_load *load, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whom to trust, from the settings into load->ssl. */
int32_t tls_trust_load(const struct tls_load *load);
/* Who we are, from the settings into load->ssl. */
int32_t tls_identity_load(const struct tls_load *load);
/* Versions, ciphers, curves and signature algorithms. */
int32_t tls_algorithms_load(const struct tls_load *load);

/* What sessions ask of their context. */
SSL_CTX *tls_context_ssl(const struct tls_context *context);
struct tls_resumption *tls_context_resumption(struct tls_context *context);
bool tls_context_verifies_certificate(const struct tls_context *context);
bool tls_context_verifies_host_name(const struct tls_context *context);

#endif
