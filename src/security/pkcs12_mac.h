/* Whether a password is that of a PKCS#12 file, by the file's MAC (RFC 7292, 4 and appendix B). OpenSSL's own
 * function leaves the password in memory that it has given back. */
#ifndef SECURITY_PKCS12_MAC_H
#define SECURITY_PKCS12_MAC_H

#include "base/bytes.h"
#include <openssl/pkcs12.h>
#include <stdbool.h>

/* The null view as password is another one than the empty one. False too if memory is missing. */
bool pkcs12_mac_fits(PKCS12 *store, OSSL_LIB_CTX *library, struct bytes password);

#endif
