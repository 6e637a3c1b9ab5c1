/* What the readers of the formats share: tls_store_pem.c, tls_store_pkcs12.c, tls_store_jks.c. */
#ifndef SECURITY_TLS_STORE_PARTS_H
#define SECURITY_TLS_STORE_PARTS_H

#include "security/tls_store.h"
#include <openssl/types.h>

/* One call of tls_store_read. */
struct tls_store_reader {
  struct tls_store *store;
  const struct tls_store_source *source;
  char *error;
  size_t error_size;
};

/* Both lists, empty. False if memory is missing: then it is for tls_store_deinit. */
bool tls_store_init(struct tls_store *store);

int32_t tls_store_read_pem(const struct tls_store_reader *reader);
int32_t tls_store_read_pkcs12(const struct tls_store_reader *reader);
int32_t tls_store_read_jks(const struct tls_store_reader *reader);

/* Writes setting, file and the text as the error, and returns INVALID_SETTING. */
int32_t tls_store_refuse(const struct tls_store_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int32_t tls_store_out_of_memory(const struct tls_store_reader *reader);

/* Takes the certificate over. */
int32_t tls_store_add_certificate(const struct tls_store_reader *reader, X509 *certificate);
int32_t tls_store_add_certificate_der(const struct tls_store_reader *reader, struct bytes der);

/* Adds a key: plain, in any of the usual wrappings, or encrypted by PKCS#8. */
int32_t tls_store_add_key(const struct tls_store_reader *reader, const PKCS8_PRIV_KEY_INFO *info);
int32_t tls_store_add_key_der(const struct tls_store_reader *reader, struct bytes der);

/* The password of a key, else that of the store, and the name of the setting that it came from or should have
 * come from. */
const struct secret *tls_store_key_password(const struct tls_store_reader *reader, const char **setting);

/* To be tried when the process's own context fails. A library context apart, with the algorithms of old files
 * (RC2, single DES, PBE of PKCS#5 version 1); NULL if this OpenSSL has no legacy provider. */
OSSL_LIB_CTX *tls_store_legacy(void);

#endif
