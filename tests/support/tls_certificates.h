/* Keys, certificates and revocation lists made on the spot, with whatever is wrong with them. Aborts the test
 * when OpenSSL fails. All texts returned are the caller's, to be freed. */
#ifndef SUPPORT_TLS_CERTIFICATES_H
#define SUPPORT_TLS_CERTIFICATES_H

#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct tls_certificate {
  X509 *certificate;
  EVP_PKEY *key;
};

/* What a certificate is to be like. All that is left out is as it should be: a P-256 key, SHA-256, valid from
 * yesterday to in a month. */
struct tls_recipe {
  const char *name;                      /* the subject's common name */
  const char *alternative_names;         /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
  const struct tls_certificate *issuer;  /* NULL: self-signed */
  bool is_authority, has_no_identifiers; /* of keys: its own and its issuer's */
  const char *extended_usage;            /* "clientAuth" */
  int first_day, last_day;               /* from now; both 0: the usual ones */
  unsigned rsa_bits;                     /* an RSA key of this size instead */
  const EVP_MD *digest;
  EVP_PKEY *key; /* this key instead of a new one; shared */
};

struct tls_certificate tls_certificate_make(const struct tls_recipe *recipe);
void tls_certificate_free(struct tls_certificate *certificate);

/* PEM. password NULL: not encrypted. */
char *tls_certificate_text(const X509 *certificate);
char *tls_key_text(EVP_PKEY *key, const char *password);
/* As keys were encrypted before PKCS#8: with the header DEK-Info. */
char *tls_old_key_text(EVP_PKEY *key, const char *password);

/* A list of the issuer's with one revoked certificate, or none. Days as in the recipe. */
X509_CRL *tls_revocations_make(const struct tls_certificate *issuer, const X509 *revoked, int first_day,
                               int last_day);
char *tls_revocations_text(const X509_CRL *revocations);

/* PKCS#12; own NULL: certificates alone. nid: NID_aes_256_cbc, or an old PBE; -1: not encrypted. */
PKCS12 *tls_pkcs12_make(const struct tls_certificate *own, STACK_OF(X509) * others, const char *password,
                        int nid);

/* Texts put together; the parts are freed. */
char *tls_text_join(char *first, char *second);

/* A folder of the test's own with files in it; removed with all of them by the end. */
struct tls_folder {
  char path[64];
};

struct tls_folder tls_folder_make(void);
void tls_folder_remove(struct tls_folder *folder);
/* The file's path: the caller's to be freed. */
char *tls_folder_write(const struct tls_folder *folder, const char *name, const void *data, size_t size);
char *tls_folder_write_text(const struct tls_folder *folder, const char *name, const char *text);
char *tls_folder_write_pkcs12(const struct tls_folder *folder, const char *name, PKCS12 *store);

#endif
