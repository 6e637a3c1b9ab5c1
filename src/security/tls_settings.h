/* What a TLS context is made of. Filled in by the producer from its settings; all pointers are borrowed for
 * the call that takes it. NULL means that nothing was set. */
#ifndef SECURITY_TLS_SETTINGS_H
#define SECURITY_TLS_SETTINGS_H

#include "base/secret.h"
#include <stdbool.h>
#include <stdint.h>

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* PEM, PKCS#12 and JKS files are told apart by their content where the type is AUTO. */
enum tls_store_type { TLS_STORE_AUTO, TLS_STORE_PEM, TLS_STORE_PKCS12, TLS_STORE_JKS };

struct tls_settings {
  enum tls_version minimum_version, maximum_version;
  const char *cipher_suites; /* OpenSSL's or IANA's names, for both versions; separated by ',' or ':' */
  const char *curves;        /* as OpenSSL takes them; separated by ',' or ':' */
  const char *signature_algorithms; /* as above */

  bool verify_certificate; /* false only where the user said so: any certificate passes */
  bool verify_host_name;   /* the name or IP address that was connected to */

  /* Whom to trust. Without any of these: the system's store. */
  const char *trust_location; /* a file (PEM, PKCS#12, JKS), or a directory of PEM files */
  const char *trust_pem;      /* certificates as text */
  enum tls_store_type trust_type;
  const struct secret *trust_password;
  const char *crl_location; /* a PEM file, or a directory of them; with it every certificate is checked */

  /* Who we are: nothing, or certificate and key, or a key store. */
  const char *certificate_location; /* PEM, the whole chain */
  const char *certificate_pem;
  const char *key_location; /* PEM or DER, may be encrypted */
  const struct secret *key_pem;
  const struct secret *key_password;
  const char *key_store_location; /* PKCS#12, PEM (key and chain in one file) or JKS */
  enum tls_store_type key_store_type;
  const struct secret *key_store_password;
};

#endif
