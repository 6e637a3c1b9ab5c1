#include "security/pkcs12_mac.h"

#include "base/secret.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

enum { KEY_FOR_MACS = 3, PATH_LENGTH = 6, ASN1_ERROR = 0x80 };

struct mac {
  const EVP_MD *digest;
  struct bytes value, salt;
  long iterations;
};

static bool read_mac(const PKCS12 *store, EVP_MD *digest, struct mac *mac);
static EVP_MD *fetch_digest(const PKCS12 *store, OSSL_LIB_CTX *library);
static bool is_authentic(const PKCS12 *store, const struct mac *mac, struct bytes password);
static struct secret *as_utf16(struct bytes password);
static struct secret *derive_key(const struct mac *mac, struct bytes password);
static struct secret *make_input(const struct mac *mac, struct bytes password);
static bool find_content(struct bytes store, struct bytes *content);

bool pkcs12_mac_fits(PKCS12 *store, OSSL_LIB_CTX *library, struct bytes password) {
  EVP_MD *digest = fetch_digest(store, library);
  struct mac mac;
  if (digest == NULL) /* another scheme, such as RFC 9579's, if this OpenSSL knows it */
    return PKCS12_verify_mac(store, (const char *)password.data, (int)password.size) == 1;
  struct secret *utf16 = password.data == NULL ? NULL : as_utf16(password);
  bool fits = (password.data == NULL || utf16 != NULL) && read_mac(store, digest, &mac) &&
              is_authentic(store, &mac, secret_bytes(utf16));
  secret_destroy(utf16);
  EVP_MD_free(digest);
  return fits;
}

static EVP_MD *fetch_digest(const PKCS12 *store, OSSL_LIB_CTX *library) {
  const X509_ALGOR *algorithm = NULL;
  const ASN1_OBJECT *name = NULL;
  PKCS12_get0_mac(NULL, &algorithm, NULL, NULL, store);
  if (algorithm == NULL) return NULL;
  X509_ALGOR_get0(&name, NULL, NULL, algorithm);
  const char *text = OBJ_nid2sn(OBJ_obj2nid(name));
  return text == NULL ? NULL : EVP_MD_fetch(library, text, NULL);
}

static struct bytes content_of(const ASN1_OCTET_STRING *string) {
  return bytes_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static bool read_mac(const PKCS12 *store, EVP_MD *digest, struct mac *mac) {
  const ASN1_OCTET_STRING *value = NULL, *salt = NULL;
  const ASN1_INTEGER *iterations = NULL;
  PKCS12_get0_mac(&value, NULL, &salt, &iterations, store);
  if (value == NULL || salt == NULL) return false;
  *mac = (struct mac){.digest = digest,
                      .value = content_of(value),
                      .salt = content_of(salt),
                      .iterations = iterations == NULL ? 1 : ASN1_INTEGER_get(iterations)};
  return mac->iterations > 0 && EVP_MD_get_block_size(digest) > 0;
}

static bool is_authentic(const PKCS12 *store, const struct mac *mac, struct bytes password) {
  uint8_t *der = NULL, computed[EVP_MAX_MD_SIZE];
  unsigned int computed_bytes = 0;
  int der_bytes = i2d_PKCS12(store, &der);
  struct bytes content;
  struct secret *key = derive_key(mac, password);
  bool is_right = der_bytes > 0 && key != NULL && find_content(bytes_of(der, (size_t)der_bytes), &content) &&
                  HMAC(mac->digest, secret_data(key), (int)secret_bytes(key).size, content.data, content.size,
                       computed, &computed_bytes) != NULL &&
                  secret_equal(bytes_of(computed, computed_bytes), mac->value);
  secret_destroy(key);
  OPENSSL_free(der);
  return is_right;
}

/* store => SEQUENCE { version:INTEGER SEQUENCE { type:OBJECT [0] { content:OCTET STRING } } ... } */
static bool find_content(struct bytes store, struct bytes *content) {
  static const struct {
    int tag, class;
    bool is_entered;
  } path[PATH_LENGTH] = {
      {V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true}, {V_ASN1_INTEGER, V_ASN1_UNIVERSAL, false},
      {V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true}, {V_ASN1_OBJECT, V_ASN1_UNIVERSAL, false},
      {0, V_ASN1_CONTEXT_SPECIFIC, true},        {V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, true}};
  const unsigned char *at = store.data, *end = store.data + store.size;
  long size = 0;
  for (int i = 0; i < PATH_LENGTH; i++) {
    int tag, class;
    int flags = ASN1_get_object(&at, &size, &tag, &class, end - at);
    if ((flags & ASN1_ERROR) != 0 || tag != path[i].tag || class != path[i].class) return false;
    if (!path[i].is_entered) at += size;
  }
  *content = bytes_of(at, (size_t)size);
  return true;
}

/* BMPString with its two zero bytes (B.1). */
static struct secret *as_utf16(struct bytes password) {
  unsigned char *text = NULL;
  int size = 0;
  if (OPENSSL_utf82uni((const char *)password.data, (int)password.size, &text, &size) == NULL) return NULL;
  struct secret *utf16 = secret_create(bytes_of(text, (size_t)size));
  OPENSSL_clear_free(text, (size_t)size);
  return utf16;
}

/* B.2, for a key of one digest's size: the digest of what make_input gives, digested again and again. */
static struct secret *derive_key(const struct mac *mac, struct bytes password) {
  struct secret *input = make_input(mac, password);
  struct secret *key = secret_allocate((size_t)EVP_MD_get_size(mac->digest));
  bool is_derived = input != NULL && key != NULL &&
                    EVP_Digest(secret_data(input), secret_bytes(input).size, secret_data(key), NULL,
                               mac->digest, NULL) == 1;
  for (long i = 1; i < mac->iterations && is_derived; i++)
    is_derived =
        EVP_Digest(secret_data(key), secret_bytes(key).size, secret_data(key), NULL, mac->digest, NULL) == 1;
  secret_destroy(input);
  if (is_derived) return key;
  secret_destroy(key);
  return NULL;
}

/* What the key is for, the salt, the password: each again and again, to whole blocks of the digest. */
static struct secret *make_input(const struct mac *mac, struct bytes password) {
  size_t block = (size_t)EVP_MD_get_block_size(mac->digest);
  size_t salt_bytes = (mac->salt.size + block - 1) / block * block;
  size_t password_bytes = (password.size + block - 1) / block * block;
  struct secret *input = secret_allocate(block + salt_bytes + password_bytes);
  if (input == NULL) return NULL;
  uint8_t *to = secret_data(input);
  memset(to, KEY_FOR_MACS, block);
  for (size_t i = 0; i < salt_bytes; i++)
    to[block + i] = mac->salt.data[i % mac->salt.size];
  for (size_t i = 0; i < password_bytes; i++)
    to[block + salt_bytes + i] = password.data[i % password.size];
  return input;
}
