#include "base/status.h"
#include "security/tls_file.h"
#include "security/tls_parts.h"
#include "security/tls_store.h"
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where systems keep the certificates of authorities that they trust: a static build of OpenSSL looks where
 * it was made. Go's crypto/x509 probes the same places. */
static const char *const SYSTEM_FILES[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Alpine, Arch */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL 6 */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine, BSD, macOS */
    "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
};
static const char *const SYSTEM_FOLDERS[] = {"/etc/ssl/certs", "/etc/pki/tls/certs"};

static const char SYSTEM_SETTING[] = "the system's trusted certificates";

/* One of the two collections that a load fills. */
struct collection {
  const struct tls_load *load;
  const char *setting;
  X509_STORE *store;
  bool is_of_revocations;
  bool passes_over_damage; /* one bad file does not make a folder useless */
  int found;
};

static int32_t load_pem(struct collection *collection);
static int32_t load_location(struct collection *collection, const char *location);
static int32_t load_file(void *context, const char *path);
static int32_t load_content(struct collection *collection, const char *path, struct bytes content);
static int32_t add_all(struct collection *collection, const struct tls_store *found);
static int32_t load_system(struct collection *collection);
static int32_t load_revocations(const struct tls_load *load, X509_STORE *store);

int32_t tls_trust_load(const struct tls_load *load) {
  const struct tls_settings *settings = load->settings;
  X509_STORE *store = SSL_CTX_get_cert_store(load->ssl);
  struct collection trusted = {.load = load, .store = store};
  int32_t status;
  if (settings->trust_pem != NULL)
    status = load_pem(&trusted);
  else if (settings->trust_location != NULL) {
    trusted.setting = TLS_SETTING_TRUST_LOCATION;
    status = load_location(&trusted, settings->trust_location);
  } else
    status = load_system(&trusted);
  if (status == STATUS_OK && settings->trust_pem != NULL && settings->trust_location != NULL) {
    trusted.setting = TLS_SETTING_TRUST_LOCATION;
    status = load_location(&trusted, settings->trust_location);
  }
  if (status != STATUS_OK) return status;
  /* A certificate that the user trusts is trusted, be it an authority's root or not; so it is in Java. */
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(load->ssl), X509_V_FLAG_PARTIAL_CHAIN);
  return settings->crl_location == NULL ? STATUS_OK : load_revocations(load, store);
}

static int32_t load_pem(struct collection *collection) {
  const struct tls_load *load = collection->load;
  collection->setting = TLS_SETTING_TRUST_PEM;
  int32_t status = load_content(collection, NULL, bytes_of_string(load->settings->trust_pem));
  if (status == STATUS_OK && collection->found == 0)
    status =
        tls_load_fail(load, STATUS_INVALID_SETTING, "%s: the text holds no certificate", collection->setting);
  return status;
}

static int32_t load_location(struct collection *collection, const char *location) {
  const struct tls_load *load = collection->load;
  bool is_folder = tls_file_is_directory(location);
  int before = collection->found;
  collection->passes_over_damage = is_folder;
  int32_t status = is_folder ? tls_file_list(collection->setting, location, load_file, collection,
                                             load->error, load->error_size)
                             : load_file(collection, location);
  if (status != STATUS_OK || collection->found > before) return status;
  return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: \"%s\" holds no %s", collection->setting, location,
                       collection->is_of_revocations ? "certificate revocation list" : "certificate");
}

static int32_t load_file(void *context, const char *path) {
  struct collection *collection = context;
  const struct tls_load *load = collection->load;
  struct secret *content = NULL;
  int32_t status = tls_file_read(collection->setting, path, &content, load->error, load->error_size);
  if (status == STATUS_OK) status = load_content(collection, path, secret_bytes(content));
  secret_destroy(content);
  if (status == STATUS_OK || status == STATUS_OUT_OF_MEMORY || !collection->passes_over_damage) return status;
  LOG(load->log, LOG_LEVEL_WARNING, "%s; it is passed over", load->error);
  return STATUS_OK;
}

static int32_t load_content(struct collection *collection, const char *path, struct bytes content) {
  const struct tls_load *load = collection->load;
  const struct tls_settings *settings = load->settings;
  bool is_chosen = path != NULL && !collection->passes_over_damage && !collection->is_of_revocations;
  const struct tls_store_source source = {.setting = collection->setting,
                                          .path = path,
                                          .content = content,
                                          .type = is_chosen ? settings->trust_type : TLS_STORE_AUTO,
                                          .password = settings->trust_password,
                                          .password_setting = TLS_SETTING_TRUST_PASSWORD};
  struct tls_store found = {.key = NULL};
  int32_t status = tls_store_read(&found, &source, load->error, load->error_size);
  if (status == STATUS_OK) status = add_all(collection, &found);
  tls_store_deinit(&found);
  return status;
}

/* A certificate that is there twice is there once. */
static int32_t add_all(struct collection *collection, const struct tls_store *found) {
  bool added = true;
  if (collection->is_of_revocations) {
    for (int i = 0; i < sk_X509_CRL_num(found->revocations) && added; i++, collection->found++)
      added = X509_STORE_add_crl(collection->store, sk_X509_CRL_value(found->revocations, i)) == 1;
  } else {
    for (int i = 0; i < sk_X509_num(found->certificates) && added; i++, collection->found++)
      added = X509_STORE_add_cert(collection->store, sk_X509_value(found->certificates, i)) == 1;
  }
  if (added) return STATUS_OK;
  return tls_load_fail(collection->load, STATUS_OUT_OF_MEMORY, "%s", status_text(STATUS_OUT_OF_MEMORY));
}

/* ---- the system's ---- */

/* What the environment says, as OpenSSL itself does; then OpenSSL's own place, then those of distributions.
 */
static int32_t load_system(struct collection *collection) {
  const char *file = secure_getenv(X509_get_default_cert_file_env());
  const char *folder = secure_getenv(X509_get_default_cert_dir_env());
  collection->setting = SYSTEM_SETTING;
  if (file != NULL && *file != '\0') return load_location(collection, file);
  if (folder != NULL && *folder != '\0') return load_location(collection, folder);
  file = X509_get_default_cert_file();
  for (size_t i = 0; !tls_file_exists(file) && i < sizeof SYSTEM_FILES / sizeof SYSTEM_FILES[0]; i++)
    file = SYSTEM_FILES[i];
  if (tls_file_exists(file)) return load_location(collection, file);
  folder = X509_get_default_cert_dir();
  for (size_t i = 0; !tls_file_is_directory(folder) && i < sizeof SYSTEM_FOLDERS / sizeof SYSTEM_FOLDERS[0];
       i++)
    folder = SYSTEM_FOLDERS[i];
  if (tls_file_is_directory(folder)) return load_location(collection, folder);
  return tls_load_fail(
      collection->load, STATUS_INVALID_SETTING,
      "this system has no trusted certificates where they are usually kept (%s, ...): install "
      "ca-certificates or set %s",
      SYSTEM_FILES[0], TLS_SETTING_TRUST_LOCATION);
}

/* ---- revocation ---- */

static int32_t load_revocations(const struct tls_load *load, X509_STORE *store) {
  struct collection revocations = {
      .load = load, .setting = TLS_SETTING_CRL_LOCATION, .store = store, .is_of_revocations = true};
  int32_t status = load_location(&revocations, load->settings->crl_location);
  if (status != STATUS_OK) return status;
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(load->ssl),
                              X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return STATUS_OK;
}
