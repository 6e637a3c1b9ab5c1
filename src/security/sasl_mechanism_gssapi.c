#include "base/allocator.h"
#include "base/status.h"
#include "security/gssapi.h"
#include "security/sasl_mechanism.h"
#include "security/sasl_text.h"
#include <stdio.h>
#include <string.h>

/* RFC 4752. Tokens of Kerberos go to and fro until the context stands; then the broker offers layers, of
 * which "none" is taken, since Kafka sends its requests as they are. */

enum { LAYER_NONE = 1, LAYERS_BYTES = 4, CACHE_NAME_BYTES = 48 };

/* Of credentials: the library, and with a keytab a cache in memory that its tickets go to, so that not each
 * login asks the KDC. */
struct gssapi_prepared {
  const struct gssapi *gssapi;
  char cache_name[CACHE_NAME_BYTES]; /* "": the default one */
};

enum gssapi_stage { STAGE_CONTEXT, STAGE_LAYERS, STAGE_RESULT };

struct gssapi_state {
  enum gssapi_stage stage;
  gss_name service;
  gss_credential credential;
  gss_context context;
};

static atomic_uint cache_count;

static int32_t gssapi_check(const struct sasl_settings *settings, char *error, size_t error_size) {
  bool valid =
      sasl_mechanism_check_text(settings->kerberos_service, "sasl.kerberos.service.name", error, error_size);
  if (valid && settings->kerberos_principal != NULL)
    valid = sasl_mechanism_check_text(settings->kerberos_principal, "GSSAPI's principal", error, error_size);
  if (valid && settings->kerberos_keytab != NULL)
    valid = sasl_mechanism_check_text(settings->kerberos_keytab, "GSSAPI's keytab", error, error_size);
  return valid ? STATUS_OK : STATUS_INVALID_SETTING;
}

static int32_t gssapi_prepare(struct sasl_credentials *credentials, char *error, size_t error_size) {
  const struct gssapi *gssapi = gssapi_load(error, error_size);
  if (gssapi == NULL) return STATUS_NOT_CONFIGURED;
  struct gssapi_prepared *prepared = allocator_allocate_zeroed(1, sizeof *prepared);
  if (prepared == NULL) return STATUS_OUT_OF_MEMORY;
  prepared->gssapi = gssapi;
  if (credentials->kerberos_keytab != NULL)
    (void)snprintf(prepared->cache_name, sizeof prepared->cache_name, "MEMORY:sendoff-%u",
                   atomic_fetch_add_explicit(&cache_count, 1, memory_order_relaxed));
  credentials->prepared = prepared;
  return STATUS_OK;
}

/* The cache has keys in it, which destroying it wipes. */
static void gssapi_unprepare(struct sasl_credentials *credentials) {
  struct gssapi_prepared *prepared = credentials->prepared;
  const struct gssapi *gssapi = prepared->gssapi;
  void *context = NULL, *cache = NULL;
  bool has_cache = prepared->cache_name[0] != '\0' && gssapi->krb5_init_context != NULL;
  if (has_cache && gssapi->krb5_init_context(&context) == 0) {
    if (gssapi->krb5_cc_resolve(context, prepared->cache_name, &cache) == 0)
      (void)gssapi->krb5_cc_destroy(context, cache);
    gssapi->krb5_free_context(context);
  }
  allocator_free(prepared);
}

static const struct gssapi *gssapi_of(const struct sasl_exchange *exchange) {
  const struct gssapi_prepared *prepared = exchange->credentials->prepared;
  return prepared->gssapi;
}

static struct sasl_step refuse(struct sasl_exchange *exchange, const char *what, uint32_t major,
                               uint32_t minor) {
  char text[448];
  bool by_keytab = exchange->credentials->kerberos_keytab != NULL;
  gssapi_explain(gssapi_of(exchange), major, minor, by_keytab, text, sizeof text);
  return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED, "GSSAPI: %s failed: %s", what, text);
}

static uint32_t name_import(const struct gssapi *gssapi, const char *text, const struct gss_oid *type,
                            uint32_t *minor, gss_name *name) {
  struct gss_buffer buffer = {.length = strlen(text), .value = text};
  return gssapi->import_name(minor, &buffer, type, name);
}

/* The broker's name: service@host. */
static bool service_import(struct sasl_exchange *exchange, struct sasl_step *step) {
  struct gssapi_state *state = exchange->state;
  struct bytes parts[] = {bytes_of_string(exchange->credentials->kerberos_service), bytes_of_string("@"),
                          bytes_of_string(exchange->host)};
  struct secret *text = sasl_text_join(parts, 3);
  if (text == NULL) {
    *step = sasl_mechanism_fail_as_written(exchange, STATUS_OUT_OF_MEMORY);
    return false;
  }
  uint32_t minor = 0;
  uint32_t major =
      name_import(gssapi_of(exchange), secret_text(text), &gssapi_name_of_service, &minor, &state->service);
  secret_destroy(text);
  if (gss_failed(major)) *step = refuse(exchange, "reading the broker's name", major, minor);
  return !gss_failed(major);
}

/* Of the principal and keytab; without either the library takes the default cache by itself. */
static bool credential_acquire(struct sasl_exchange *exchange, struct sasl_step *step) {
  const struct sasl_credentials *credentials = exchange->credentials;
  const struct gssapi_prepared *prepared = credentials->prepared;
  const struct gssapi *gssapi = prepared->gssapi;
  struct gssapi_state *state = exchange->state;
  if (credentials->kerberos_principal == NULL && credentials->kerberos_keytab == NULL) return true;
  gss_name principal = NULL;
  uint32_t minor = 0, ignored = 0, major = GSS_S_COMPLETE;
  if (credentials->kerberos_principal != NULL)
    major =
        name_import(gssapi, credentials->kerberos_principal, &gssapi_name_of_principal, &minor, &principal);
  if (!gss_failed(major)) {
    struct gss_key_value elements[] = {{"client_keytab", credentials->kerberos_keytab},
                                       {"ccache", prepared->cache_name}};
    const struct gss_key_values store = {2, elements};
    const struct gss_oid_set mechanisms = {1, &gssapi_krb5_mechanism};
    major = gssapi->acquire_cred_from(&minor, principal, GSS_C_INDEFINITE, &mechanisms, GSS_C_INITIATE,
                                      credentials->kerberos_keytab == NULL ? NULL : &store,
                                      &state->credential, NULL, NULL);
  }
  if (principal != NULL) (void)gssapi->release_name(&ignored, &principal);
  if (!gss_failed(major)) return true;
  char what[256] = "getting the client's credentials";
  if (credentials->kerberos_keytab != NULL)
    (void)snprintf(what, sizeof what, "getting the client's credentials by the keytab \"%.160s\"",
                   credentials->kerberos_keytab);
  *step = refuse(exchange, what, major, minor);
  return false;
}

/* One more token of the broker's (none at first) into the context, and ours out of it. */
static struct sasl_step context_step(struct sasl_exchange *exchange, struct bytes challenge) {
  const struct gssapi *gssapi = gssapi_of(exchange);
  struct gssapi_state *state = exchange->state;
  const struct gss_buffer input = {.length = challenge.size, .value = challenge.data};
  struct gss_buffer output = {.length = 0};
  uint32_t minor = 0, ignored = 0, flags = 0;
  uint32_t major =
      gssapi->init_sec_context(&minor, state->credential, &state->context, state->service,
                               &gssapi_krb5_mechanism, GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG, 0, NULL,
                               exchange->step_count == 0 ? NULL : &input, NULL, &output, &flags, NULL);
  struct secret *response = gss_failed(major) ? NULL : secret_create(bytes_of(output.value, output.length));
  size_t response_size = output.length;
  (void)gssapi->release_buffer(&ignored, &output);
  if (gss_failed(major)) return refuse(exchange, "the login at the broker", major, minor);
  if (response == NULL) return sasl_mechanism_fail_as_written(exchange, STATUS_OUT_OF_MEMORY);
  const char *fault = NULL;
  if ((major & GSS_S_CONTINUE_NEEDED) != 0) {
    if (response_size == 0) fault = "the library has nothing to say, and wants an answer";
  } else {
    state->stage = STAGE_LAYERS;
    if ((flags & GSS_C_MUTUAL_FLAG) == 0) fault = "the broker has not proved who it is";
    if ((flags & GSS_C_INTEG_FLAG) == 0)
      fault = "the session has no integrity protection to agree on layers with";
  }
  if (fault == NULL) return sasl_mechanism_send(exchange, response);
  secret_destroy(response);
  return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED, "GSSAPI: %s", fault);
}

/* What is wrong with the broker's offer of layers, or NULL. A byte of bits, and the largest size of a wrapped
 * message, which does not matter without wrapping. */
static const char *layers_check(const struct gss_buffer *offer) {
  if (offer->length != LAYERS_BYTES) return "the broker's offer of layers is not of four bytes";
  uint8_t layers = *(const uint8_t *)offer->value;
  return (layers & LAYER_NONE) != 0 ? NULL
                                    : "the broker insists on a layer of wrapping, which Kafka does not have";
}

static struct sasl_step layers_step(struct sasl_exchange *exchange, struct bytes challenge) {
  const struct gssapi *gssapi = gssapi_of(exchange);
  struct gssapi_state *state = exchange->state;
  const struct gss_buffer input = {.length = challenge.size, .value = challenge.data};
  struct gss_buffer offer = {.length = 0}, output = {.length = 0};
  uint32_t minor = 0, ignored = 0;
  uint32_t major = gssapi->unwrap(&minor, state->context, &input, &offer, NULL, NULL);
  if (gss_failed(major)) return refuse(exchange, "reading the broker's offer of layers", major, minor);
  const char *fault = layers_check(&offer);
  (void)gssapi->release_buffer(&ignored, &offer);
  if (fault != NULL) return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED, "GSSAPI: %s", fault);
  static const uint8_t choice[LAYERS_BYTES] = {LAYER_NONE};
  const struct gss_buffer chosen = {.length = sizeof choice, .value = choice};
  major = gssapi->wrap(&minor, state->context, 0, 0, &chosen, NULL, &output);
  if (gss_failed(major)) return refuse(exchange, "choosing a layer", major, minor);
  struct secret *response = secret_create(bytes_of(output.value, output.length));
  (void)gssapi->release_buffer(&ignored, &output);
  state->stage = STAGE_RESULT;
  return sasl_mechanism_send(exchange, response);
}

static struct sasl_step gssapi_step(struct sasl_exchange *exchange, struct bytes challenge, int64_t now_ms,
                                    int64_t deadline_us) {
  (void)now_ms, (void)deadline_us;
  const struct gssapi_state *state = exchange->state;
  struct sasl_step step;
  if (exchange->step_count == 0 && (!service_import(exchange, &step) || !credential_acquire(exchange, &step)))
    return step;
  switch (state->stage) {
  case STAGE_CONTEXT: return context_step(exchange, challenge);
  case STAGE_LAYERS: return layers_step(exchange, challenge);
  case STAGE_RESULT: break;
  }
  if (challenge.size == 0) return sasl_mechanism_done();
  return sasl_mechanism_fail(exchange, STATUS_LOGIN_FAILED,
                             "GSSAPI: the broker answers with %zu bytes where it has nothing to say",
                             challenge.size);
}

static void gssapi_deinit(struct sasl_exchange *exchange) {
  const struct gssapi *gssapi = gssapi_of(exchange);
  struct gssapi_state *state = exchange->state;
  uint32_t ignored = 0;
  if (state->context != NULL) (void)gssapi->delete_sec_context(&ignored, &state->context, NULL);
  if (state->credential != NULL) (void)gssapi->release_cred(&ignored, &state->credential);
  if (state->service != NULL) (void)gssapi->release_name(&ignored, &state->service);
}

static void gssapi_hint(struct sasl_exchange *exchange, int32_t error_code, int64_t now_ms, char *hint,
                        size_t hint_size) {
  (void)now_ms;
  if (error_code == STATUS_SASL_AUTHENTICATION_FAILED)
    (void)snprintf(
        hint, hint_size,
        "the ticket for %.64s@%.128s was not accepted: the broker's keytab may have another key, or "
        "clocks differ",
        exchange->credentials->kerberos_service, exchange->host);
}

const struct sasl_mechanism sasl_mechanism_gssapi = {
    .name = "GSSAPI",
    .may_block = true,
    .check = gssapi_check,
    .prepare = gssapi_prepare,
    .unprepare = gssapi_unprepare,
    .state_size = sizeof(struct gssapi_state),
    .step = gssapi_step,
    .deinit = gssapi_deinit,
    .hint = gssapi_hint,
};
