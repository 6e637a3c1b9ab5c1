#include "base/status.h"
#include "security/pkcs12_mac.h"
#include "security/tls_store_parts.h"
#include <openssl/pkcs12.h>

/* A PKCS#12 file (RFC 7292), opened bag by bag: Java's trust stores have certificates without a key, its key
 * stores several keys, and both have been seen without any password. */

enum { BAG_DEPTH_MAX = 8 };

/* How the file is opened. The functions of OpenSSL take NULL and "" for two different passwords. */
struct opening {
  const struct tls_store_reader *reader;
  OSSL_LIB_CTX *library; /* NULL: the process's own */
  const char *password;
  int password_size;
};

static PKCS12 *parse(const struct tls_store_reader *reader, OSSL_LIB_CTX *library);
static int32_t open_store(struct opening *opening, PKCS12 *store, bool *wants_legacy);
static bool finds_password(struct opening *opening, PKCS12 *store);
static bool try_password(struct opening *opening, PKCS12 *store, const char *password, int size);
static int32_t take_safes(const struct opening *opening, STACK_OF(PKCS7) * safes, bool *wants_legacy);
static int32_t refuse_bags(const struct opening *opening, bool *wants_legacy);
static int32_t take_bags(const struct opening *opening, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth,
                         bool *wants_legacy);
static int32_t take_bag(const struct opening *opening, const PKCS12_SAFEBAG *bag, int depth,
                        bool *wants_legacy);
static int32_t take_encrypted_key(const struct opening *opening, const PKCS12_SAFEBAG *bag,
                                  bool *wants_legacy);

int32_t tls_store_read_pkcs12(const struct tls_store_reader *reader) {
  const struct secret *password = reader->source->password;
  struct opening opening = {
      .reader = reader, .password = secret_text(password), .password_size = (int)secret_bytes(password).size};
  bool wants_legacy = false;
  PKCS12 *store = parse(reader, NULL);
  if (store == NULL) return tls_store_refuse(reader, "is a damaged PKCS12 store");
  int32_t status = open_store(&opening, store, &wants_legacy);
  bool is_checked = PKCS12_mac_present(store) == 1;
  PKCS12_free(store);
  if (status == STATUS_OK || !wants_legacy) return status;
  opening.library = tls_store_legacy();
  if (opening.library == NULL) {
    if (!is_checked) return status;
    return tls_store_refuse(
        reader, "is encrypted by an algorithm of OpenSSL's legacy provider, which is not installed; "
                "make it anew by a newer keytool -importkeystore or openssl pkcs12");
  }
  tls_store_deinit(reader->store); /* of what was read before it got stuck */
  bool has_room = tls_store_init(reader->store);
  store = parse(reader, opening.library);
  if (store == NULL || !has_room)
    status = tls_store_out_of_memory(reader);
  else
    status = open_store(&opening, store, &wants_legacy);
  PKCS12_free(store);
  return status;
}

static PKCS12 *parse(const struct tls_store_reader *reader, OSSL_LIB_CTX *library) {
  const uint8_t *at = reader->source->content.data;
  PKCS12 *store = PKCS12_init_ex(NID_pkcs7_data, library, NULL);
  if (store == NULL) return NULL;
  return d2i_PKCS12(&store, &at, (long)reader->source->content.size); /* frees it if it fails */
}

/* *wants_legacy: the password is right as far as can be told, and yet something could not be decrypted. */
static int32_t open_store(struct opening *opening, PKCS12 *store, bool *wants_legacy) {
  const struct tls_store_reader *reader = opening->reader;
  *wants_legacy = false;
  if (PKCS12_mac_present(store) && !finds_password(opening, store)) {
    const char *what = reader->source->password == NULL ? "is not set" : "is wrong";
    return tls_store_refuse(reader, "is not opened by %s: it %s", reader->source->password_setting, what);
  }
  STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(store);
  if (safes == NULL) return tls_store_refuse(reader, "is a damaged PKCS12 store");
  int32_t status = take_safes(opening, safes, wants_legacy);
  sk_PKCS7_pop_free(safes, PKCS7_free);
  return status;
}

/* No password is written as an empty one by some programs, and as none by others. */
static bool finds_password(struct opening *opening, PKCS12 *store) {
  if (opening->password_size > 0)
    return try_password(opening, store, opening->password, opening->password_size);
  return try_password(opening, store, "", 0) || try_password(opening, store, NULL, 0);
}

static bool try_password(struct opening *opening, PKCS12 *store, const char *password, int size) {
  if (!pkcs12_mac_fits(store, opening->library, bytes_of(password, (size_t)size))) return false;
  opening->password = password;
  opening->password_size = size;
  return true;
}

static int32_t take_safes(const struct opening *opening, STACK_OF(PKCS7) * safes, bool *wants_legacy) {
  int32_t status = STATUS_OK;
  for (int i = 0; i < sk_PKCS7_num(safes) && status == STATUS_OK; i++) {
    PKCS7 *safe = sk_PKCS7_value(safes, i);
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    if (PKCS7_type_is_data(safe))
      bags = PKCS12_unpack_p7data(safe);
    else if (PKCS7_type_is_encrypted(safe))
      bags = PKCS12_unpack_p7encdata(safe, opening->password, opening->password_size);
    else
      continue; /* encrypted for a key instead of by a password: not ours */
    if (bags == NULL) return refuse_bags(opening, wants_legacy);
    status = take_bags(opening, bags, 0, wants_legacy);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  }
  return status;
}

static int32_t refuse_bags(const struct opening *opening, bool *wants_legacy) {
  const struct tls_store_source *source = opening->reader->source;
  *wants_legacy = opening->library == NULL;
  return tls_store_refuse(opening->reader, "is not opened by %s: it %s", source->password_setting,
                          source->password == NULL ? "is not set" : "is wrong, or the store is damaged");
}

static int32_t take_bags(const struct opening *opening, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth,
                         bool *wants_legacy) {
  if (depth == BAG_DEPTH_MAX) return tls_store_refuse(opening->reader, "has bags in bags without end");
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
    int32_t status = take_bag(opening, sk_PKCS12_SAFEBAG_value(bags, i), depth, wants_legacy);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static int32_t take_bag(const struct opening *opening, const PKCS12_SAFEBAG *bag, int depth,
                        bool *wants_legacy) {
  const struct tls_store_reader *reader = opening->reader;
  bool wants_key = reader->source->wants_key;
  switch (PKCS12_SAFEBAG_get_nid(bag)) {
  case NID_certBag: {
    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return STATUS_OK;
    X509 *certificate = PKCS12_SAFEBAG_get1_cert(bag);
    if (certificate == NULL) return tls_store_refuse(reader, "has a damaged certificate");
    return tls_store_add_certificate(reader, certificate);
  }
  case NID_keyBag: return wants_key ? tls_store_add_key(reader, PKCS12_SAFEBAG_get0_p8inf(bag)) : STATUS_OK;
  case NID_pkcs8ShroudedKeyBag: return wants_key ? take_encrypted_key(opening, bag, wants_legacy) : STATUS_OK;
  case NID_safeContentsBag:
    return take_bags(opening, PKCS12_SAFEBAG_get0_safes(bag), depth + 1, wants_legacy);
  default: return STATUS_OK;
  }
}

/* By the key's own password where there is one (Java's stores could have one), else by the store's. */
static int32_t take_encrypted_key(const struct opening *opening, const PKCS12_SAFEBAG *bag,
                                  bool *wants_legacy) {
  const struct tls_store_source *source = opening->reader->source;
  PKCS8_PRIV_KEY_INFO *info = NULL;
  if (source->key_password != NULL)
    info = PKCS12_decrypt_skey_ex(bag, secret_text(source->key_password),
                                  (int)secret_bytes(source->key_password).size, opening->library, NULL);
  if (info == NULL)
    info = PKCS12_decrypt_skey_ex(bag, opening->password, opening->password_size, opening->library, NULL);
  if (info == NULL) {
    *wants_legacy = opening->library == NULL;
    const char *setting =
        source->key_password != NULL ? source->key_password_setting : source->password_setting;
    return tls_store_refuse(opening->reader, "has a private key that %s does not open: it is wrong", setting);
  }
  int32_t status = tls_store_add_key(opening->reader, info);
  PKCS8_PRIV_KEY_INFO_free(info);
  return status;
}
