/* Private keys out of their encodings, without a copy that is left behind in freed memory: OpenSSL's own
 * decoders free what they have read without wiping it. Any thread. */
#ifndef SECURITY_TLS_KEY_H
#define SECURITY_TLS_KEY_H

#include "base/bytes.h"
#include <openssl/x509.h>

/* Statuses: OK, INVALID_SETTING (it is no key that OpenSSL knows), OUT_OF_MEMORY. RSA keys, and those of
 * named curves that hold their public key, are read here; others are left to OpenSSL. */

/* Of PKCS#8's PrivateKeyInfo. */
int32_t tls_key_of_info(const PKCS8_PRIV_KEY_INFO *info, EVP_PKEY **key);
/* Of PrivateKeyInfo, RSAPrivateKey (RFC 8017, A.1.2) or ECPrivateKey (RFC 5915) in DER. */
int32_t tls_key_of_der(struct bytes der, EVP_PKEY **key);

#endif
