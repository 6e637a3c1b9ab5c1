#include "security/tls_store.h"

#include "base/status.h"
#include "security/security_library.h"
#include "security/tls_key.h"
#include "security/tls_store_parts.h"
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#define JKS_MAGIC   UINT32_C(0xfeedfeed)
#define JCEKS_MAGIC UINT32_C(0xcececece)

enum content { CONTENT_PEM, CONTENT_DER, CONTENT_JKS, CONTENT_JCEKS };

static int32_t read_content(const struct tls_store_reader *reader);
static bool move_all(struct tls_store *from, struct tls_store *to);
static enum content content_of(struct bytes bytes);
static int32_t read_pem(const struct tls_store_reader *reader);
static int32_t read_der(const struct tls_store_reader *reader);
static int32_t add_made_key(const struct tls_store_reader *reader, int32_t status, EVP_PKEY *key);
static bool is_encrypted(struct bytes der);
static int32_t add_encrypted_key(const struct tls_store_reader *reader, struct bytes der);
static void make_legacy(void);

int32_t tls_store_read(struct tls_store *store, const struct tls_store_source *source, char *error,
                       size_t error_size) {
  struct tls_store found = {.key = NULL};
  const struct tls_store_reader reader = {
      .store = &found, .source = source, .error = error, .error_size = error_size};
  bool has_room = tls_store_init(&found) && (store->certificates != NULL || tls_store_init(store));
  int32_t status = has_room ? read_content(&reader) : tls_store_out_of_memory(&reader);
  if (status == STATUS_OK && !move_all(&found, store)) status = tls_store_out_of_memory(&reader);
  tls_store_deinit(&found);
  if (status == STATUS_OK && error_size > 0)
    error[0] = '\0'; /* of an attempt before the one that succeeded */
  return status;
}

static int32_t read_content(const struct tls_store_reader *reader) {
  enum tls_store_type type = reader->source->type;
  switch (content_of(reader->source->content)) {
  case CONTENT_JKS:
    if (type == TLS_STORE_PEM) return tls_store_refuse(reader, "is a JKS store, not PEM");
    return tls_store_read_jks(reader);
  case CONTENT_JCEKS:
    return tls_store_refuse(reader, "is a JCEKS store; make a PKCS12 one of it: keytool -importkeystore "
                                    "-deststoretype PKCS12");
  case CONTENT_DER:
    if (type == TLS_STORE_PEM) return tls_store_refuse(reader, "is binary, not PEM");
    return read_der(reader);
  case CONTENT_PEM: break;
  }
  return read_pem(reader);
}

bool tls_store_init(struct tls_store *store) {
  store->certificates = sk_X509_new_null();
  store->revocations = sk_X509_CRL_new_null();
  return store->certificates != NULL && store->revocations != NULL;
}

/* False if memory is missing. */
static bool move_all(struct tls_store *from, struct tls_store *to) {
  while (sk_X509_num(from->certificates) > 0) {
    if (sk_X509_push(to->certificates, sk_X509_value(from->certificates, 0)) <= 0) return false;
    sk_X509_shift(from->certificates);
  }
  while (sk_X509_CRL_num(from->revocations) > 0) {
    if (sk_X509_CRL_push(to->revocations, sk_X509_CRL_value(from->revocations, 0)) <= 0) return false;
    sk_X509_CRL_shift(from->revocations);
  }
  to->key_count += from->key_count;
  if (to->key != NULL) return true;
  to->key = from->key;
  from->key = NULL;
  return true;
}

void tls_store_deinit(struct tls_store *store) {
  sk_X509_pop_free(store->certificates, X509_free);
  sk_X509_CRL_pop_free(store->revocations, X509_CRL_free);
  EVP_PKEY_free(store->key);
  *store = (struct tls_store){.key = NULL};
}

/* ---- formats ---- */

static enum content content_of(struct bytes bytes) {
  uint32_t magic = bytes.size < 4 ? 0 : bytes_load_u32(bytes.data);
  if (magic == JKS_MAGIC) return CONTENT_JKS;
  if (magic == JCEKS_MAGIC) return CONTENT_JCEKS;
  return bytes.size > 0 && bytes.data[0] == 0x30 ? CONTENT_DER : CONTENT_PEM; /* SEQUENCE; in text '0' */
}

/* Stores of Java's kinds hold each other's content, and Java reads both under either name; PEM is none. */
static int32_t read_pem(const struct tls_store_reader *reader) {
  enum tls_store_type type = reader->source->type;
  if (type == TLS_STORE_PKCS12 || type == TLS_STORE_JKS)
    return tls_store_refuse(reader, "is neither a PKCS12 nor a JKS store");
  return tls_store_read_pem(reader);
}

/* What a SEQUENCE can be is tried in turn. */
static int32_t read_der(const struct tls_store_reader *reader) {
  struct bytes content = reader->source->content;
  const uint8_t *at = content.data;
  X509 *certificate = d2i_X509(NULL, &at, (long)content.size);
  if (certificate != NULL) return tls_store_add_certificate(reader, certificate);
  at = content.data;
  X509_CRL *revocations = d2i_X509_CRL(NULL, &at, (long)content.size);
  if (revocations != NULL) {
    if (sk_X509_CRL_push(reader->store->revocations, revocations) > 0) return STATUS_OK;
    X509_CRL_free(revocations);
    return tls_store_out_of_memory(reader);
  }
  at = content.data;
  PKCS12 *store = d2i_PKCS12(NULL, &at, (long)content.size);
  PKCS12_free(store);
  if (store != NULL) return tls_store_read_pkcs12(reader);
  if (reader->source->wants_key) return tls_store_add_key_der(reader, content);
  return tls_store_refuse(reader, "is neither PEM nor a certificate, a PKCS12 or a JKS store");
}

/* ---- errors ---- */

int32_t tls_store_refuse(const struct tls_store_reader *reader, const char *format, ...) {
  const struct tls_store_source *source = reader->source;
  int size = source->path == NULL
                 ? snprintf(reader->error, reader->error_size, "%s: the text ", source->setting)
                 : snprintf(reader->error, reader->error_size, "%s: \"%s\" ", source->setting, source->path);
  if (size > 0 && (size_t)size < reader->error_size) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error + size, reader->error_size - (size_t)size, format, arguments);
    va_end(arguments);
  }
  return STATUS_INVALID_SETTING;
}

int32_t tls_store_out_of_memory(const struct tls_store_reader *reader) {
  snprintf(reader->error, reader->error_size, "%s", status_text(STATUS_OUT_OF_MEMORY));
  return STATUS_OUT_OF_MEMORY;
}

/* ---- what readers have found ---- */

int32_t tls_store_add_certificate(const struct tls_store_reader *reader, X509 *certificate) {
  if (sk_X509_push(reader->store->certificates, certificate) > 0) return STATUS_OK;
  X509_free(certificate);
  return tls_store_out_of_memory(reader);
}

int32_t tls_store_add_certificate_der(const struct tls_store_reader *reader, struct bytes der) {
  const uint8_t *at = der.data;
  X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
  if (certificate == NULL)
    return tls_store_refuse(reader, "has a certificate (number %d) that is damaged",
                            sk_X509_num(reader->store->certificates) + 1);
  return tls_store_add_certificate(reader, certificate);
}

int32_t tls_store_add_key(const struct tls_store_reader *reader, const PKCS8_PRIV_KEY_INFO *info) {
  EVP_PKEY *key = NULL;
  int32_t status = tls_key_of_info(info, &key);
  return add_made_key(reader, status, key);
}

int32_t tls_store_add_key_der(const struct tls_store_reader *reader, struct bytes der) {
  EVP_PKEY *key = NULL;
  if (is_encrypted(der)) return add_encrypted_key(reader, der);
  int32_t status = tls_key_of_der(der, &key);
  return add_made_key(reader, status, key);
}

/* The first one is kept. */
static int32_t add_made_key(const struct tls_store_reader *reader, int32_t status, EVP_PKEY *key) {
  struct tls_store *store = reader->store;
  if (status == STATUS_OUT_OF_MEMORY) return tls_store_out_of_memory(reader);
  if (status != STATUS_OK) return tls_store_refuse(reader, "holds no private key that can be read");
  store->key_count++;
  if (store->key == NULL)
    store->key = key;
  else
    EVP_PKEY_free(key);
  return STATUS_OK;
}

/* EncryptedPrivateKeyInfo begins with a SEQUENCE where all others have the INTEGER of a version. */
static bool is_encrypted(struct bytes der) {
  const uint8_t *at = der.data;
  X509_SIG *parsed = d2i_X509_SIG(NULL, &at, (long)der.size);
  X509_SIG_free(parsed);
  return parsed != NULL;
}

static int32_t add_encrypted_key(const struct tls_store_reader *reader, struct bytes der) {
  const char *setting;
  const struct secret *password = tls_store_key_password(reader, &setting);
  if (password == NULL)
    return tls_store_refuse(reader, "has an encrypted private key, and %s is not set", setting);
  const uint8_t *at = der.data;
  X509_SIG *encrypted = d2i_X509_SIG(NULL, &at, (long)der.size);
  if (encrypted == NULL) return tls_store_out_of_memory(reader);
  int size = (int)secret_bytes(password).size;
  PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt_ex(encrypted, secret_text(password), size, NULL, NULL);
  if (info == NULL && tls_store_legacy() != NULL)
    info = PKCS8_decrypt_ex(encrypted, secret_text(password), size, tls_store_legacy(), NULL);
  X509_SIG_free(encrypted);
  if (info == NULL)
    return tls_store_refuse(reader, "has a private key that %s does not open: it is wrong%s", setting,
                            tls_store_legacy() == NULL
                                ? ", or the key needs OpenSSL's legacy provider, which is not installed"
                                : "");
  int32_t status = tls_store_add_key(reader, info);
  PKCS8_PRIV_KEY_INFO_free(info);
  return status;
}

const struct secret *tls_store_key_password(const struct tls_store_reader *reader, const char **setting) {
  const struct tls_store_source *source = reader->source;
  bool is_own = source->key_password != NULL || source->password_setting == NULL;
  *setting = is_own ? source->key_password_setting : source->password_setting;
  return is_own ? source->key_password : source->password;
}

/* ---- legacy ---- */

static struct {
  pthread_once_t once;
  OSSL_LIB_CTX *context; /* lives as long as the process: providers do not come and go */
} legacy = {.once = PTHREAD_ONCE_INIT};

/* The file that has the provider belongs to the system's OpenSSL: it would bring that along. */
static void make_legacy(void) {
  OSSL_LIB_CTX *created = security_library_is_own() ? NULL : OSSL_LIB_CTX_new();
  if (created == NULL) return;
  OSSL_PROVIDER *common = OSSL_PROVIDER_load(created, "default");
  OSSL_PROVIDER *old = OSSL_PROVIDER_load(created, "legacy");
  if (common != NULL && old != NULL) {
    legacy.context = created;
    return;
  }
  if (common != NULL) OSSL_PROVIDER_unload(common);
  if (old != NULL) OSSL_PROVIDER_unload(old);
  OSSL_LIB_CTX_free(created);
}

OSSL_LIB_CTX *tls_store_legacy(void) {
  pthread_once(&legacy.once, make_legacy);
  return legacy.context;
}
