#include "base/status.h"
#include "security/tls_file.h"
#include "security/tls_parts.h"
#include "security/tls_store.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* Certificate and key, and the settings that they came from. */
struct identity {
  struct tls_store store;
  const char *certificate_setting, *key_setting;
};

static int32_t read_key_store(const struct tls_load *load, struct identity *identity);
static int32_t read_pair(const struct tls_load *load, struct identity *identity);
static int32_t read_part(const struct tls_load *load, struct identity *identity, const char *setting,
                         const char *path, struct bytes content, bool wants_key);
static int32_t use(const struct tls_load *load, const struct identity *identity);
static X509 *certificate_of_key(const struct tls_store *store);
static int32_t use_certificate(const struct tls_load *load, const struct identity *identity,
                               X509 *certificate);
static int32_t use_chain(const struct tls_load *load, const struct tls_store *store, X509 *certificate);
static X509 *issuer_of(const struct tls_store *store, X509 *certificate);
static void warn_of_times(const struct tls_load *load, const X509 *certificate);

int32_t tls_identity_load(const struct tls_load *load) {
  const struct tls_settings *settings = load->settings;
  bool has_store = settings->key_store_location != NULL;
  bool has_certificate = settings->certificate_location != NULL || settings->certificate_pem != NULL;
  bool has_key = settings->key_location != NULL || settings->key_pem != NULL;
  if (!has_store && !has_certificate && !has_key) return STATUS_OK;
  struct identity identity = {.certificate_setting = TLS_SETTING_KEY_STORE_LOCATION,
                              .key_setting = TLS_SETTING_KEY_STORE_LOCATION};
  int32_t status;
  if (has_store && (has_certificate || has_key))
    status = tls_load_fail(load, STATUS_INVALID_SETTING,
                           "%s is set, and so is a certificate or key of its own: only one can be who we are",
                           TLS_SETTING_KEY_STORE_LOCATION);
  else
    status = has_store ? read_key_store(load, &identity) : read_pair(load, &identity);
  if (status == STATUS_OK) status = use(load, &identity);
  tls_store_deinit(&identity.store);
  return status;
}

/* ---- reading ---- */

static int32_t read_key_store(const struct tls_load *load, struct identity *identity) {
  return read_part(load, identity, TLS_SETTING_KEY_STORE_LOCATION, load->settings->key_store_location,
                   bytes_of(NULL, 0), true);
}

/* The key may lie in the file of the certificate. */
static int32_t read_pair(const struct tls_load *load, struct identity *identity) {
  const struct tls_settings *settings = load->settings;
  bool has_key = settings->key_location != NULL || settings->key_pem != NULL;
  bool is_file = settings->certificate_location != NULL;
  identity->certificate_setting = is_file ? TLS_SETTING_CERTIFICATE_LOCATION : TLS_SETTING_CERTIFICATE_PEM;
  identity->key_setting = settings->key_location != NULL || settings->key_pem == NULL
                              ? TLS_SETTING_KEY_LOCATION
                              : TLS_SETTING_KEY_PEM;
  int32_t status = STATUS_OK;
  if (is_file || settings->certificate_pem != NULL)
    status = read_part(load, identity, identity->certificate_setting, settings->certificate_location,
                       bytes_of_string(settings->certificate_pem), !has_key);
  if (status != STATUS_OK || !has_key) return status;
  return read_part(load, identity, identity->key_setting, settings->key_location,
                   secret_bytes(settings->key_pem), true);
}

/* path NULL: the content is given. */
static int32_t read_part(const struct tls_load *load, struct identity *identity, const char *setting,
                         const char *path, struct bytes content, bool wants_key) {
  const struct tls_settings *settings = load->settings;
  bool is_store = settings->key_store_location != NULL;
  struct secret *file = NULL;
  int32_t status =
      path == NULL ? STATUS_OK : tls_file_read(setting, path, &file, load->error, load->error_size);
  if (status != STATUS_OK) return status;
  const struct tls_store_source source = {
      .setting = setting,
      .path = path,
      .content = path == NULL ? content : secret_bytes(file),
      .type = is_store ? settings->key_store_type : TLS_STORE_AUTO,
      .wants_key = wants_key,
      .password = is_store ? settings->key_store_password : settings->key_password,
      .password_setting = is_store ? TLS_SETTING_KEY_STORE_PASSWORD : TLS_SETTING_KEY_PASSWORD,
      .key_password = settings->key_password,
      .key_password_setting = TLS_SETTING_KEY_PASSWORD};
  status = tls_store_read(&identity->store, &source, load->error, load->error_size);
  secret_destroy(file);
  return status;
}

/* ---- use ---- */

static int32_t use(const struct tls_load *load, const struct identity *identity) {
  const struct tls_store *store = &identity->store;
  if (sk_X509_num(store->certificates) == 0)
    return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: there is no certificate for the key",
                         identity->certificate_setting);
  if (store->key == NULL)
    return tls_load_fail(load, STATUS_INVALID_SETTING,
                         "%s: there is no private key for the certificate of %s", identity->key_setting,
                         identity->certificate_setting);
  X509 *certificate = certificate_of_key(store);
  if (certificate == NULL)
    return tls_load_fail(load, STATUS_INVALID_SETTING,
                         "%s: the private key does not belong to the certificate of %s",
                         identity->key_setting, identity->certificate_setting);
  int32_t status = use_certificate(load, identity, certificate);
  if (status == STATUS_OK) status = use_chain(load, store, certificate);
  if (status == STATUS_OK) warn_of_times(load, certificate);
  return status;
}

static X509 *certificate_of_key(const struct tls_store *store) {
  for (int i = 0; i < sk_X509_num(store->certificates); i++) {
    X509 *certificate = sk_X509_value(store->certificates, i);
    if (X509_check_private_key(certificate, store->key) == 1) return certificate;
  }
  return NULL;
}

static int32_t use_certificate(const struct tls_load *load, const struct identity *identity,
                               X509 *certificate) {
  if (SSL_CTX_use_certificate(load->ssl, certificate) == 1 &&
      SSL_CTX_use_PrivateKey(load->ssl, identity->store.key) == 1)
    return STATUS_OK;
  int reason = ERR_GET_REASON(ERR_peek_last_error());
  if (reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL)
    return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: the key of the certificate is too weak (%d bits)",
                         identity->certificate_setting, EVP_PKEY_get_bits(identity->store.key));
  if (reason == SSL_R_CA_MD_TOO_WEAK)
    return tls_load_fail(load, STATUS_INVALID_SETTING,
                         "%s: the certificate is signed with a weak digest (%s)",
                         identity->certificate_setting, OBJ_nid2sn(X509_get_signature_nid(certificate)));
  const char *text = ERR_reason_error_string(ERR_peek_last_error());
  return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: the certificate cannot be used: %s",
                       identity->certificate_setting, text == NULL ? "memory is missing" : text);
}

/* From issuer to issuer, whatever else a key store holds, and in the order that TLS asks for. */
static int32_t use_chain(const struct tls_load *load, const struct tls_store *store, X509 *certificate) {
  int left = sk_X509_num(store->certificates); /* a circle of issuers ends, too */
  for (X509 *issuer = issuer_of(store, certificate); issuer != NULL && left > 0; left--) {
    if (SSL_CTX_add1_chain_cert(load->ssl, issuer) != 1) {
      const char *text = ERR_reason_error_string(ERR_peek_last_error());
      return tls_load_fail(load, STATUS_INVALID_SETTING,
                           "the chain of the client certificate cannot be used: %s",
                           text == NULL ? "memory is missing" : text);
    }
    issuer = issuer_of(store, issuer);
  }
  return STATUS_OK;
}

static X509 *issuer_of(const struct tls_store *store, X509 *certificate) {
  for (int i = 0; i < sk_X509_num(store->certificates); i++) {
    X509 *candidate = sk_X509_value(store->certificates, i);
    if (X509_cmp(candidate, certificate) != 0 && X509_check_issued(candidate, certificate) == X509_V_OK)
      return candidate;
  }
  return NULL;
}

static void warn_of_times(const struct tls_load *load, const X509 *certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    LOG(load->log, LOG_LEVEL_WARNING, "the client certificate has expired; brokers will refuse it");
  else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    LOG(load->log, LOG_LEVEL_WARNING, "the client certificate is not valid yet; brokers will refuse it");
}
