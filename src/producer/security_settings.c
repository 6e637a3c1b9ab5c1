#include "producer/security_settings.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "producer/security_settings_parts.h"
#include "producer/setting_value.h"
#include "security/security_library.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Of ssl.enabled.protocols and ssl.protocol. */
enum { ENABLED_1_2 = 1, ENABLED_1_3 = 2, PROTOCOL_1_2 = 1 };

static int32_t resolve(struct security_draft *draft);
static int32_t resolve_protocol(const struct security_draft *draft);
static int32_t resolve_tls(const struct security_draft *draft);
static int32_t resolve_versions(const struct security_draft *draft);
static int32_t resolve_trust(const struct security_draft *draft);
static int32_t resolve_identity(const struct security_draft *draft);
static int32_t list_watched(const struct security_draft *draft);
static void warn_of_no_effect(const struct security_draft *draft);

int32_t security_settings_resolve(const struct config *config, const struct log *log,
                                  struct security_settings *settings, struct config_error *error) {
  struct security_settings result = {.protocol = SECURITY_PLAINTEXT};
  int32_t status = config_providers_resolve(config, log, &result.sources, &result.config, error);
  if (status != STATUS_OK) return status;
  struct security_draft draft = {.config = result.config, .log = log, .settings = &result, .error = error};
  status = resolve(&draft);
  if (status == STATUS_OUT_OF_MEMORY) config_error_set(error, "%s", status_text(status));
  if (status == STATUS_OK) {
    *settings = result;
  } else {
    security_settings_deinit(&result);
  }
  return status;
}

void security_settings_deinit(struct security_settings *settings) {
  config_destroy(settings->config);
  config_sources_deinit(&settings->sources);
  jaas_destroy(settings->jaas);
  secret_destroy(settings->extensions);
  secret_destroy(settings->urls);
  allocator_free(settings->files);
  allocator_free(settings->url_list);
  allocator_free(settings->options);
  *settings = (struct security_settings){.protocol = SECURITY_PLAINTEXT};
}

const struct secret *draft_secret(const struct security_draft *draft, enum setting setting) {
  const struct secret *secret = config_secret(draft->config, setting);
  return secret_bytes(secret).size == 0 ? NULL : secret;
}

const char *draft_text(const struct security_draft *draft, enum setting setting) {
  const struct secret *secret = draft_secret(draft, setting);
  return secret != NULL ? secret_text(secret) : setting_row(setting)->default_text;
}

bool draft_is_set(const struct security_draft *draft, enum setting setting) {
  return draft_secret(draft, setting) != NULL;
}

int64_t draft_number(const struct security_draft *draft, enum setting setting) {
  const char *text = config_value(draft->config, setting);
  if (text == NULL) text = setting_row(setting)->default_text;
  if (text == NULL) return -1;
  int64_t number = -1;
  bool allowed = setting_value_read(setting, text, &number);
  ASSERT(allowed); /* config_set let it in, or it is a default of ours */
  return number;
}

int32_t draft_refuse(const struct security_draft *draft, const char *format, ...) {
  char text[sizeof(struct config_error)];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  config_error_set(draft->error, "%s", text);
  return STATUS_INVALID_SETTING;
}

void draft_warn(const struct security_draft *draft, const char *format, ...) {
  if (draft->log == NULL) return;
  char text[sizeof(struct config_error)];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  LOG(draft->log, LOG_LEVEL_WARNING, "%s", text);
}

void draft_check_mode(const struct security_draft *draft, const char *name, const char *path) {
  struct stat about;
  if (path == NULL || stat(path, &about) != 0) return; /* whoever reads it says what is wrong */
  if (!S_ISREG(about.st_mode) || (about.st_mode & 077) == 0) return;
  draft_warn(draft, "%s: others may read the file %.200s (its mode is %04o): chmod 600 keeps it to you", name,
             path, (unsigned)about.st_mode & 07777);
}

static const char *name_of(enum setting setting) {
  return setting_row(setting)->name;
}

/* Builds without OpenSSL have neither TLS nor logins. */
static int32_t require_library(const struct security_draft *draft) {
  char reason[300] = "";
  int32_t status = security_library_require(reason, sizeof(reason));
  if (status != STATUS_OK) (void)draft_refuse(draft, "%s", reason);
  return status;
}

static int32_t resolve(struct security_draft *draft) {
  struct security_settings *settings = draft->settings;
  int32_t status = resolve_protocol(draft);
  if (status == STATUS_OK && settings->protocol != SECURITY_PLAINTEXT) status = require_library(draft);
  if (status == STATUS_OK && security_uses_tls(settings->protocol)) status = resolve_tls(draft);
  if (status == STATUS_OK && security_uses_sasl(settings->protocol)) status = security_resolve_login(draft);
  if (status == STATUS_OK) status = list_watched(draft);
  if (status != STATUS_OK) return status;
  settings->reload_interval_us = draft_number(draft, SETTING_SSL_RELOAD_INTERVAL_MS);
  warn_of_no_effect(draft);
  struct secret_usage usage = secret_usage();
  if (draft->log != NULL && usage.locked_bytes < usage.mapped_bytes) {
    LOG(draft->log, LOG_LEVEL_INFO,
        "passwords are kept in memory that may be swapped out: ulimit -l allows no more to be locked");
  }
  return STATUS_OK;
}

/* Which of the two a setting is for; false, false for others. */
static void purpose_of(enum setting setting, bool *tls, bool *login) {
  const char *name = name_of(setting);
  *tls = strncmp(name, "ssl.", 4) == 0 || setting == SETTING_ENABLE_SSL_CERTIFICATE_VERIFICATION;
  *login = strncmp(name, "sasl.", 5) == 0 || strncmp(name, "https.", 6) == 0 ||
           setting == SETTING_ENABLE_SASL_OAUTHBEARER_UNSECURE_JWT ||
           setting == SETTING_ALLOW_CLEARTEXT_CREDENTIALS;
}

static int32_t resolve_protocol(const struct security_draft *draft) {
  draft->settings->protocol = (enum security_protocol)draft_number(draft, SETTING_SECURITY_PROTOCOL);
  if (draft_is_set(draft, SETTING_SECURITY_PROTOCOL)) return STATUS_OK;
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    bool tls, login;
    purpose_of((enum setting)i, &tls, &login);
    if ((!tls && !login) || !draft_is_set(draft, (enum setting)i)) continue;
    return draft_refuse(draft,
                        "%s is set, but security.protocol is not: set that to %s, or to PLAINTEXT to have "
                        "neither TLS nor a login",
                        name_of((enum setting)i), tls ? "SSL or SASL_SSL" : "SASL_SSL");
  }
  return STATUS_OK;
}

/* One line for all settings that the protocol has no use for, and names of the first of them. */
static void warn_of_no_effect(const struct security_draft *draft) {
  const char *first = NULL;
  uint32_t count = 0;
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    bool tls, login;
    purpose_of((enum setting)i, &tls, &login);
    bool used = (tls && security_uses_tls(draft->settings->protocol)) ||
                (login && security_uses_sasl(draft->settings->protocol));
    if ((!tls && !login) || used || !draft_is_set(draft, (enum setting)i)) continue;
    if (count++ == 0) first = name_of((enum setting)i);
  }
  const char *protocol = draft_text(draft, SETTING_SECURITY_PROTOCOL);
  if (count == 1) draft_warn(draft, "%s has no effect with security.protocol=%s", first, protocol);
  if (count > 1) {
    draft_warn(draft, "%s and %u other settings have no effect with security.protocol=%s", first,
               (unsigned)count - 1, protocol);
  }
}

static int32_t resolve_tls(const struct security_draft *draft) {
  struct tls_settings *tls = &draft->settings->tls;
  tls->cipher_suites = draft_text(draft, SETTING_SSL_CIPHER_SUITES);
  tls->curves = draft_text(draft, SETTING_SSL_CURVES_LIST);
  tls->signature_algorithms = draft_text(draft, SETTING_SSL_SIGALGS_LIST);
  tls->verify_certificate = draft_number(draft, SETTING_ENABLE_SSL_CERTIFICATE_VERIFICATION) != 0;
  tls->verify_host_name = draft_number(draft, SETTING_SSL_ENDPOINT_IDENTIFICATION_ALGORITHM) == 0;
  tls->crl_location = draft_text(draft, SETTING_SSL_CRL_LOCATION);
  int32_t status = resolve_versions(draft);
  if (status == STATUS_OK) status = resolve_trust(draft);
  if (status == STATUS_OK) status = resolve_identity(draft);
  return status;
}

static int32_t resolve_versions(const struct security_draft *draft) {
  int64_t enabled = draft_number(draft, SETTING_SSL_ENABLED_PROTOCOLS);
  bool one_is_said = draft_number(draft, SETTING_SSL_PROTOCOL) == PROTOCOL_1_2 &&
                     config_value(draft->config, SETTING_SSL_ENABLED_PROTOCOLS) == NULL;
  if (one_is_said) enabled = ENABLED_1_2;
  if (enabled == 0) return draft_refuse(draft, "ssl.enabled.protocols must name TLSv1.2, TLSv1.3 or both");
  draft->settings->tls.minimum_version = enabled & ENABLED_1_2 ? TLS_VERSION_1_2 : TLS_VERSION_1_3;
  draft->settings->tls.maximum_version = enabled & ENABLED_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
  return STATUS_OK;
}

/* Java's reader of JKS takes PKCS#12 as well, and its users' files say JKS by default. */
static enum tls_store_type store_type(const struct security_draft *draft, enum setting setting) {
  static const enum tls_store_type types[] = {TLS_STORE_AUTO, TLS_STORE_PEM, TLS_STORE_PKCS12,
                                              TLS_STORE_AUTO};
  return types[draft_number(draft, setting)];
}

/* Two settings that say the same in two ways. */
static int32_t refuse_both(const struct security_draft *draft, enum setting a, enum setting b) {
  if (!draft_is_set(draft, a) || !draft_is_set(draft, b)) return STATUS_OK;
  return draft_refuse(draft, "%s and %s are both set: which of them is meant?", name_of(a), name_of(b));
}

static void warn_of_useless(const struct security_draft *draft, enum setting setting, const char *without) {
  if (draft_is_set(draft, setting))
    draft_warn(draft, "%s has no effect without %s", name_of(setting), without);
}

static int32_t resolve_trust(const struct security_draft *draft) {
  struct tls_settings *tls = &draft->settings->tls;
  tls->trust_location = draft_text(draft, SETTING_SSL_TRUSTSTORE_LOCATION);
  tls->trust_pem = draft_text(draft, SETTING_SSL_TRUSTSTORE_CERTIFICATES);
  tls->trust_type = store_type(draft, SETTING_SSL_TRUSTSTORE_TYPE);
  tls->trust_password = draft_secret(draft, SETTING_SSL_TRUSTSTORE_PASSWORD);
  if (tls->trust_location == NULL)
    warn_of_useless(draft, SETTING_SSL_TRUSTSTORE_PASSWORD, name_of(SETTING_SSL_TRUSTSTORE_LOCATION));
  return refuse_both(draft, SETTING_SSL_TRUSTSTORE_LOCATION, SETTING_SSL_TRUSTSTORE_CERTIFICATES);
}

/* There is one way to say who we are. */
static int32_t check_identity(const struct security_draft *draft) {
  static const enum setting pairs[][2] = {
      {SETTING_SSL_KEYSTORE_LOCATION, SETTING_SSL_CERTIFICATE_LOCATION},
      {SETTING_SSL_KEYSTORE_LOCATION, SETTING_SSL_KEYSTORE_CERTIFICATE_CHAIN},
      {SETTING_SSL_KEYSTORE_LOCATION, SETTING_SSL_KEY_LOCATION},
      {SETTING_SSL_KEYSTORE_LOCATION, SETTING_SSL_KEYSTORE_KEY},
      {SETTING_SSL_CERTIFICATE_LOCATION, SETTING_SSL_KEYSTORE_CERTIFICATE_CHAIN},
      {SETTING_SSL_KEY_LOCATION, SETTING_SSL_KEYSTORE_KEY},
  };
  int32_t status = STATUS_OK;
  for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && status == STATUS_OK; i++)
    status = refuse_both(draft, pairs[i][0], pairs[i][1]);
  if (status != STATUS_OK) return status;
  bool file = draft_is_set(draft, SETTING_SSL_CERTIFICATE_LOCATION);
  bool certificate = file || draft_is_set(draft, SETTING_SSL_KEYSTORE_CERTIFICATE_CHAIN);
  bool key_file = draft_is_set(draft, SETTING_SSL_KEY_LOCATION);
  bool key = key_file || draft_is_set(draft, SETTING_SSL_KEYSTORE_KEY);
  if (certificate && !key) {
    return draft_refuse(
        draft,
        "%s is set without its key: set ssl.key.location or ssl.keystore.key, or "
        "ssl.keystore.location for a file that holds both",
        name_of(file ? SETTING_SSL_CERTIFICATE_LOCATION : SETTING_SSL_KEYSTORE_CERTIFICATE_CHAIN));
  }
  if (key && !certificate) {
    return draft_refuse(draft,
                        "%s is set without its certificate: set ssl.certificate.location or "
                        "ssl.keystore.certificate.chain, or ssl.keystore.location for a file that holds both",
                        name_of(key_file ? SETTING_SSL_KEY_LOCATION : SETTING_SSL_KEYSTORE_KEY));
  }
  return STATUS_OK;
}

static int32_t resolve_identity(const struct security_draft *draft) {
  int32_t status = check_identity(draft);
  if (status != STATUS_OK) return status;
  struct tls_settings *tls = &draft->settings->tls;
  tls->certificate_location = draft_text(draft, SETTING_SSL_CERTIFICATE_LOCATION);
  tls->certificate_pem = draft_text(draft, SETTING_SSL_KEYSTORE_CERTIFICATE_CHAIN);
  tls->key_location = draft_text(draft, SETTING_SSL_KEY_LOCATION);
  tls->key_pem = draft_secret(draft, SETTING_SSL_KEYSTORE_KEY);
  tls->key_password = draft_secret(draft, SETTING_SSL_KEY_PASSWORD);
  tls->key_store_location = draft_text(draft, SETTING_SSL_KEYSTORE_LOCATION);
  tls->key_store_type = store_type(draft, SETTING_SSL_KEYSTORE_TYPE);
  tls->key_store_password = draft_secret(draft, SETTING_SSL_KEYSTORE_PASSWORD);
  if (tls->key_store_location == NULL) {
    warn_of_useless(draft, SETTING_SSL_KEYSTORE_PASSWORD, name_of(SETTING_SSL_KEYSTORE_LOCATION));
    if (tls->key_location == NULL && tls->key_pem == NULL)
      warn_of_useless(draft, SETTING_SSL_KEY_PASSWORD, "a key");
  }
  bool is_encrypted = tls->key_password != NULL || tls->key_store_password != NULL;
  if (!is_encrypted) draft_check_mode(draft, name_of(SETTING_SSL_KEY_LOCATION), tls->key_location);
  if (!is_encrypted) draft_check_mode(draft, name_of(SETTING_SSL_KEYSTORE_LOCATION), tls->key_store_location);
  return STATUS_OK;
}

static int32_t list_watched(const struct security_draft *draft) {
  struct security_settings *settings = draft->settings;
  const struct tls_settings *tls = &settings->tls;
  const char *const named[] = {tls->trust_location, tls->crl_location,       tls->certificate_location,
                               tls->key_location,   tls->key_store_location, settings->oidc.ca_location};
  size_t named_count = sizeof(named) / sizeof(named[0]);
  size_t most = named_count + settings->sources.count;
  settings->files = allocator_allocate_zeroed(most, sizeof(*settings->files));
  if (settings->files == NULL) return STATUS_OUT_OF_MEMORY;
  for (size_t i = 0; i < named_count; i++) {
    if (named[i] != NULL) settings->files[settings->watched_count++] = named[i];
  }
  for (uint32_t i = 0; i < settings->sources.count; i++)
    settings->files[settings->watched_count++] = settings->sources.paths[i];
  settings->watched = settings->files;
  return STATUS_OK;
}
