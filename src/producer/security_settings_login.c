#include "producer/security_settings_parts.h"

#include "base/allocator.h"
#include "base/status.h"
#include <stdio.h>
#include <string.h>

/* The order is that of sasl.mechanism's values, and of sasl.login.callback.handler.class's. */
static const enum sasl_mechanism_id mechanisms[] = {SASL_GSSAPI,        SASL_PLAIN,       SASL_SCRAM_SHA_256,
                                                    SASL_SCRAM_SHA_512, SASL_OAUTHBEARER, SASL_AWS_MSK_IAM};

enum { HANDLER_OIDC, HANDLER_OIDC_SECURED, HANDLER_UNSECURED };

/* Millionths in one. */
static const double decimal_scale = 1e6;

static int32_t read_jaas(const struct security_draft *draft);
static int32_t check_mechanism(const struct security_draft *draft);
static int32_t resolve_password(const struct security_draft *draft);
static int32_t resolve_kerberos(const struct security_draft *draft);
static int32_t resolve_aws(const struct security_draft *draft);
static int32_t resolve_tokens(const struct security_draft *draft);
static int32_t resolve_oidc(const struct security_draft *draft);
static int32_t resolve_unsecured(const struct security_draft *draft);

int32_t security_resolve_login(const struct security_draft *draft) {
  draft->settings->sasl.mechanism = mechanisms[draft_number(draft, SETTING_SASL_MECHANISM)];
  int32_t status = read_jaas(draft);
  if (status == STATUS_OK) status = check_mechanism(draft);
  if (status != STATUS_OK) return status;
  switch (draft->settings->sasl.mechanism) {
  case SASL_PLAIN:
  case SASL_SCRAM_SHA_256:
  case SASL_SCRAM_SHA_512: return resolve_password(draft);
  case SASL_OAUTHBEARER: return resolve_tokens(draft);
  case SASL_GSSAPI: return resolve_kerberos(draft);
  case SASL_AWS_MSK_IAM: return resolve_aws(draft);
  case SASL_MECHANISM_COUNT: break;
  }
  return STATUS_OK;
}

static const char *mechanism_text(const struct security_draft *draft) {
  return draft_text(draft, SETTING_SASL_MECHANISM);
}

static enum jaas_module module_of(enum sasl_mechanism_id mechanism) {
  switch (mechanism) {
  case SASL_PLAIN: return JAAS_PLAIN;
  case SASL_SCRAM_SHA_256:
  case SASL_SCRAM_SHA_512: return JAAS_SCRAM;
  case SASL_OAUTHBEARER: return JAAS_OAUTHBEARER;
  case SASL_GSSAPI: return JAAS_KERBEROS;
  case SASL_AWS_MSK_IAM: return JAAS_AWS_MSK_IAM;
  case SASL_MECHANISM_COUNT: break;
  }
  return JAAS_MODULE_COUNT;
}

static int32_t read_jaas(const struct security_draft *draft) {
  const struct secret *text = draft_secret(draft, SETTING_SASL_JAAS_CONFIG);
  if (text == NULL) return STATUS_OK;
  char reason[300] = "";
  int32_t status = jaas_parse(text, &draft->settings->jaas, reason, sizeof(reason));
  if (status == STATUS_OUT_OF_MEMORY) return status;
  if (status != STATUS_OK) return draft_refuse(draft, "%s", reason);
  enum jaas_module found = jaas_module(draft->settings->jaas);
  enum jaas_module wanted = module_of(draft->settings->sasl.mechanism);
  if (found == wanted) return STATUS_OK;
  return draft_refuse(draft, "sasl.jaas.config has %s, but sasl.mechanism=%s%s needs %s",
                      jaas_module_name(found), mechanism_text(draft),
                      draft_is_set(draft, SETTING_SASL_MECHANISM) ? "" : " (the default)",
                      jaas_module_name(wanted));
}

/* Where a secret would go over the wire as it is, and where the default mechanism cannot be meant. */
static int32_t check_mechanism(const struct security_draft *draft) {
  enum sasl_mechanism_id mechanism = draft->settings->sasl.mechanism;
  if (mechanism == SASL_GSSAPI && !draft_is_set(draft, SETTING_SASL_MECHANISM) &&
      (draft_is_set(draft, SETTING_SASL_USERNAME) || draft_is_set(draft, SETTING_SASL_PASSWORD)))
    return draft_refuse(
        draft, "sasl.username is for PLAIN and SCRAM: set sasl.mechanism, which is GSSAPI by default");
  /* What AWS_MSK_IAM sends can be sent again for a quarter of an hour by whoever has read it. */
  bool is_readable =
      mechanism == SASL_PLAIN || mechanism == SASL_OAUTHBEARER || mechanism == SASL_AWS_MSK_IAM;
  if (!is_readable || draft->settings->protocol != SECURITY_SASL_PLAINTEXT) return STATUS_OK;
  const char *what = mechanism == SASL_PLAIN         ? "password"
                     : mechanism == SASL_OAUTHBEARER ? "token"
                                                     : "signed request";
  if (draft_number(draft, SETTING_ALLOW_CLEARTEXT_CREDENTIALS) == 0) {
    return draft_refuse(
        draft,
        "sasl.mechanism=%s with security.protocol=SASL_PLAINTEXT would send the %s unencrypted: "
        "set security.protocol=SASL_SSL, or allow.cleartext.credentials=true if nobody else can "
        "read the network",
        mechanism_text(draft), what);
  }
  draft_warn(draft, "the %s is sent unencrypted, as allow.cleartext.credentials=true allows it", what);
  return STATUS_OK;
}

/* What a setting says or an option in sasl.jaas.config; both only if they say the same. *value receives NULL
 * if neither does. */
static int32_t merge(const struct security_draft *draft, enum setting setting, const char *option,
                     const struct secret **value) {
  const struct secret *own = draft_secret(draft, setting);
  const struct jaas *jaas = draft->settings->jaas;
  const struct secret *theirs = jaas == NULL ? NULL : jaas_option(jaas, option);
  if (secret_bytes(theirs).size == 0) theirs = NULL;
  *value = own != NULL ? own : theirs;
  if (own == NULL || theirs == NULL || secret_equal(secret_bytes(own), secret_bytes(theirs)))
    return STATUS_OK;
  return draft_refuse(draft, "%s and %s in sasl.jaas.config are both set and differ",
                      setting_row(setting)->name, option);
}

static int32_t refuse_missing(const struct security_draft *draft, enum setting setting, const char *option) {
  return draft_refuse(draft, "sasl.mechanism=%s needs %s, or %s in sasl.jaas.config", mechanism_text(draft),
                      setting_row(setting)->name, option);
}

static int32_t resolve_password(const struct security_draft *draft) {
  struct sasl_settings *sasl = &draft->settings->sasl;
  const struct secret *username = NULL;
  int32_t status = merge(draft, SETTING_SASL_USERNAME, "username", &username);
  if (status == STATUS_OK) status = merge(draft, SETTING_SASL_PASSWORD, "password", &sasl->password);
  if (status != STATUS_OK) return status;
  if (username == NULL) return refuse_missing(draft, SETTING_SASL_USERNAME, "username");
  if (sasl->password == NULL) return refuse_missing(draft, SETTING_SASL_PASSWORD, "password");
  sasl->username = secret_text(username);
  sasl->delegation_token = draft->settings->jaas != NULL && jaas_flag(draft->settings->jaas, "tokenauth");
  return STATUS_OK;
}

/* Java takes a keytab only where useKeyTab=true asks for one. */
static int32_t check_keytab_option(const struct security_draft *draft) {
  const struct jaas *jaas = draft->settings->jaas;
  bool is_named = jaas != NULL && jaas_option(jaas, "keyTab") != NULL;
  bool is_asked_for = jaas != NULL && jaas_flag(jaas, "useKeyTab");
  if (is_named && !is_asked_for)
    return draft_refuse(draft, "keyTab in sasl.jaas.config needs useKeyTab=true beside it");
  if (is_asked_for && !is_named && !draft_is_set(draft, SETTING_SASL_KERBEROS_KEYTAB))
    return draft_refuse(draft, "useKeyTab=true in sasl.jaas.config needs keyTab beside it");
  return STATUS_OK;
}

static int32_t resolve_kerberos(const struct security_draft *draft) {
  struct sasl_settings *sasl = &draft->settings->sasl;
  const struct secret *service = NULL, *principal = NULL, *keytab = NULL;
  int32_t status = check_keytab_option(draft);
  if (status == STATUS_OK) status = merge(draft, SETTING_SASL_KERBEROS_SERVICE_NAME, "serviceName", &service);
  if (status == STATUS_OK) status = merge(draft, SETTING_SASL_KERBEROS_PRINCIPAL, "principal", &principal);
  if (status == STATUS_OK) status = merge(draft, SETTING_SASL_KERBEROS_KEYTAB, "keyTab", &keytab);
  if (status != STATUS_OK) return status;
  sasl->kerberos_service = secret_text(service);
  if (service == NULL) sasl->kerberos_service = draft_text(draft, SETTING_SASL_KERBEROS_SERVICE_NAME);
  sasl->kerberos_principal = secret_text(principal);
  sasl->kerberos_keytab = secret_text(keytab);
  draft_check_mode(draft, "sasl.kerberos.keytab", sasl->kerberos_keytab);
  return STATUS_OK;
}

static int32_t resolve_aws(const struct security_draft *draft) {
  struct sasl_settings *sasl = &draft->settings->sasl;
  sasl->username = draft_text(draft, SETTING_SASL_AWS_ACCESS_KEY_ID);
  sasl->password = draft_secret(draft, SETTING_SASL_AWS_SECRET_ACCESS_KEY);
  sasl->aws_session_token = draft_secret(draft, SETTING_SASL_AWS_SESSION_TOKEN);
  sasl->aws_region = draft_text(draft, SETTING_SASL_AWS_REGION);
  if (sasl->username != NULL && sasl->password != NULL) return STATUS_OK;
  return draft_refuse(
      draft, "sasl.mechanism=AWS_MSK_IAM needs sasl.aws.access.key.id and sasl.aws.secret.access.key; "
             "${env:AWS_ACCESS_KEY_ID} and its like, with config.providers=env, take them from the "
             "environment");
}

static bool jaas_has_prefix(const struct jaas *jaas, const char *prefix) {
  uint32_t count = jaas == NULL ? 0 : jaas_option_count(jaas);
  for (uint32_t i = 0; i < count; i++) {
    if (strncmp(jaas_option_at(jaas, i).name, prefix, strlen(prefix)) == 0) return true;
  }
  return false;
}

static void resolve_refreshing(const struct security_draft *draft) {
  struct security_settings *settings = draft->settings;
  settings->refresh_window =
      (double)draft_number(draft, SETTING_SASL_LOGIN_REFRESH_WINDOW_FACTOR) / decimal_scale;
  settings->refresh_jitter =
      (double)draft_number(draft, SETTING_SASL_LOGIN_REFRESH_WINDOW_JITTER) / decimal_scale;
  settings->refresh_minimum_us = draft_number(draft, SETTING_SASL_LOGIN_REFRESH_MIN_PERIOD_SECONDS) * 1000000;
  settings->refresh_buffer_us = draft_number(draft, SETTING_SASL_LOGIN_REFRESH_BUFFER_SECONDS) * 1000000;
  settings->login_backoff_us = draft_number(draft, SETTING_SASL_LOGIN_RETRY_BACKOFF_MS);
  settings->login_backoff_max_us = draft_number(draft, SETTING_SASL_LOGIN_RETRY_BACKOFF_MAX_MS);
  if (settings->login_backoff_max_us < settings->login_backoff_us)
    settings->login_backoff_max_us = settings->login_backoff_us;
}

/* Who names a client wants its tokens. */
static bool has_client(const struct security_draft *draft) {
  const struct jaas *jaas = draft->settings->jaas;
  return draft_is_set(draft, SETTING_SASL_OAUTHBEARER_CLIENT_ID) ||
         draft_is_set(draft, SETTING_SASL_OAUTHBEARER_CLIENT_SECRET) ||
         (jaas != NULL &&
          (jaas_option(jaas, "clientId") != NULL || jaas_option(jaas, "clientSecret") != NULL));
}

static int32_t resolve_tokens(const struct security_draft *draft) {
  static const char unsecured_prefix[] = "unsecuredLogin";
  int64_t handler = draft_number(draft, SETTING_SASL_LOGIN_CALLBACK_HANDLER_CLASS);
  bool oidc = draft_number(draft, SETTING_SASL_OAUTHBEARER_METHOD) == 1 || handler == HANDLER_OIDC ||
              handler == HANDLER_OIDC_SECURED;
  bool unsecured = draft_number(draft, SETTING_ENABLE_SASL_OAUTHBEARER_UNSECURE_JWT) != 0 ||
                   handler == HANDLER_UNSECURED || jaas_has_prefix(draft->settings->jaas, unsecured_prefix);
  bool has_url = draft_is_set(draft, SETTING_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL);
  if (unsecured && (oidc || has_url)) {
    return draft_refuse(draft,
                        "tokens are to come from sasl.oauthbearer.token.endpoint.url and, unsecured, from "
                        "here: take one of them out");
  }
  resolve_refreshing(draft);
  if (oidc || has_url || (!unsecured && has_client(draft))) return resolve_oidc(draft);
  if (unsecured) return resolve_unsecured(draft);
  draft->settings->token_method = TOKEN_METHOD_HOST;
  return STATUS_OK;
}

/* "name=value,name=value", from the setting or from extension_name="value" in sasl.jaas.config. */
static int32_t resolve_extensions(const struct security_draft *draft) {
  static const char prefix[] = "extension_";
  const struct jaas *jaas = draft->settings->jaas;
  draft->settings->oidc.extensions = draft_text(draft, SETTING_SASL_OAUTHBEARER_EXTENSIONS);
  if (!jaas_has_prefix(jaas, prefix)) return STATUS_OK;
  if (draft->settings->oidc.extensions != NULL) {
    return draft_refuse(draft,
                        "sasl.oauthbearer.extensions and extension_... in sasl.jaas.config are both set");
  }
  size_t size = 0;
  for (uint32_t i = 0; i < jaas_option_count(jaas); i++)
    size += strlen(jaas_option_at(jaas, i).name) + secret_bytes(jaas_option_at(jaas, i).value).size + 2;
  struct secret *joined = secret_allocate(size);
  if (joined == NULL) return STATUS_OUT_OF_MEMORY;
  draft->settings->extensions = joined;
  size_t used = 0;
  for (uint32_t i = 0; i < jaas_option_count(jaas); i++) {
    struct jaas_option option = jaas_option_at(jaas, i);
    if (strncmp(option.name, prefix, strlen(prefix)) != 0) continue;
    int written = snprintf((char *)secret_data(joined) + used, size - used, "%s%s=%s", used == 0 ? "" : ",",
                           option.name + strlen(prefix), secret_text(option.value));
    used += written > 0 ? (size_t)written : 0;
  }
  draft->settings->oidc.extensions = secret_text(joined);
  return STATUS_OK;
}

/* The list's parts, in a copy of it. */
static int32_t resolve_urls(const struct security_draft *draft) {
  struct security_settings *settings = draft->settings;
  const struct secret *list = draft_secret(draft, SETTING_SASL_OAUTHBEARER_ALLOWED_URLS);
  if (list == NULL) return STATUS_OK;
  settings->urls = secret_copy(list);
  settings->url_list =
      allocator_allocate_zeroed(secret_bytes(list).size / 2 + 1, sizeof(*settings->url_list));
  if (settings->urls == NULL || settings->url_list == NULL) return STATUS_OUT_OF_MEMORY;
  char *cursor = (char *)secret_data(settings->urls);
  for (cursor += strspn(cursor, ", \t"); *cursor != '\0'; cursor += strspn(cursor, ", \t")) {
    settings->url_list[settings->oidc.allowed_url_count++] = cursor;
    cursor += strcspn(cursor, ", \t");
    if (*cursor != '\0') *cursor++ = '\0';
  }
  settings->oidc.allowed_urls = settings->url_list;
  return STATUS_OK;
}

static int32_t resolve_oidc(const struct security_draft *draft) {
  struct oidc_settings *oidc = &draft->settings->oidc;
  const struct secret *client_id = NULL, *scope = NULL;
  int32_t status = merge(draft, SETTING_SASL_OAUTHBEARER_CLIENT_ID, "clientId", &client_id);
  if (status == STATUS_OK)
    status = merge(draft, SETTING_SASL_OAUTHBEARER_CLIENT_SECRET, "clientSecret", &oidc->client_secret);
  if (status == STATUS_OK) status = merge(draft, SETTING_SASL_OAUTHBEARER_SCOPE, "scope", &scope);
  if (status == STATUS_OK) status = resolve_extensions(draft);
  if (status == STATUS_OK) status = resolve_urls(draft);
  if (status != STATUS_OK) return status;
  draft->settings->token_method = TOKEN_METHOD_OIDC;
  oidc->token_endpoint_url = draft_text(draft, SETTING_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL);
  oidc->client_id = secret_text(client_id);
  oidc->scope = secret_text(scope);
  oidc->subject_claim = draft_text(draft, SETTING_SASL_OAUTHBEARER_SUB_CLAIM_NAME);
  oidc->url_encode_header = draft_number(draft, SETTING_SASL_OAUTHBEARER_HEADER_URLENCODE) != 0;
  oidc->connect_timeout_ms =
      (int32_t)((draft_number(draft, SETTING_SASL_LOGIN_CONNECT_TIMEOUT_MS) + 999) / 1000);
  oidc->read_timeout_ms = (int32_t)((draft_number(draft, SETTING_SASL_LOGIN_READ_TIMEOUT_MS) + 999) / 1000);
  oidc->ca_location = draft_text(draft, SETTING_HTTPS_CA_LOCATION);
  oidc->ca_pem = draft_text(draft, SETTING_HTTPS_CA_PEM);
  oidc->user_agent = "sendoff/" SENDOFF_VERSION_TEXT;
  if (oidc->token_endpoint_url == NULL)
    return draft_refuse(draft, "tokens by OIDC need sasl.oauthbearer.token.endpoint.url");
  if (oidc->client_id == NULL) return refuse_missing(draft, SETTING_SASL_OAUTHBEARER_CLIENT_ID, "clientId");
  if (oidc->client_secret == NULL)
    return refuse_missing(draft, SETTING_SASL_OAUTHBEARER_CLIENT_SECRET, "clientSecret");
  if (oidc->ca_location != NULL && oidc->ca_pem != NULL)
    return draft_refuse(draft, "https.ca.location and https.ca.pem are both set: which of them is meant?");
  return STATUS_OK;
}

static int32_t resolve_unsecured(const struct security_draft *draft) {
  struct security_settings *settings = draft->settings;
  settings->token_method = TOKEN_METHOD_UNSECURED;
  settings->unsecured.config = draft_text(draft, SETTING_SASL_OAUTHBEARER_CONFIG);
  draft_warn(draft, "tokens are made here, and nobody signs them: that is for tests only");
  uint32_t count = settings->jaas == NULL ? 0 : jaas_option_count(settings->jaas);
  if (count == 0) return STATUS_OK;
  settings->options = allocator_allocate_zeroed(count, sizeof(*settings->options));
  if (settings->options == NULL) return STATUS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    struct jaas_option option = jaas_option_at(settings->jaas, i);
    if (strncmp(option.name, "unsecuredLogin", strlen("unsecuredLogin")) != 0) continue;
    settings->options[settings->unsecured.option_count++] =
        (struct unsecured_token_option){.name = option.name, .value = secret_text(option.value)};
  }
  settings->unsecured.options = settings->options;
  return STATUS_OK;
}
