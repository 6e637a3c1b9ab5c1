/* Certificates, revocation lists and a key, as they lie in a file or a text: PEM, DER, PKCS#12 or Java's JKS,
 * told apart by their content. Plain data with one owner. */
#ifndef SECURITY_TLS_STORE_H
#define SECURITY_TLS_STORE_H

#include "base/secret.h"
#include "security/tls_settings.h"
#include <openssl/x509.h>

/* In the order of the file. */
struct tls_store {
  STACK_OF(X509) * certificates;
  STACK_OF(X509_CRL) * revocations;
  EVP_PKEY *key; /* the first one, or NULL */
  uint32_t key_count;
};

/* Where a store comes from, and what things are called in errors. */
struct tls_store_source {
  const char *setting; /* "ssl.keystore.location" */
  const char *path;    /* NULL: the setting's value is the content itself */
  struct bytes content;
  enum tls_store_type type;
  bool wants_key;                /* where nobody wants keys they are passed over, encrypted or not */
  const struct secret *password; /* of the store; NULL: none is set */
  const char *password_setting;
  const struct secret *key_password; /* of the key in it; NULL: the store's own */
  const char *key_password_setting;
};

/* Adds what the content holds, which may be nothing; all of it or, if it fails, none. Statuses: OK,
 * INVALID_SETTING, OUT_OF_MEMORY; error says what is wrong with it and begins with the setting's name; it is
 * empty with OK. */
int32_t tls_store_read(struct tls_store *store, const struct tls_store_source *source, char *error,
                       size_t error_size);
void tls_store_deinit(struct tls_store *store);

#endif
