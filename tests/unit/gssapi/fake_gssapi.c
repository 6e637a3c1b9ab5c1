#include "gssapi/fake_gssapi.h"

#include "security/gssapi.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_gssapi fake_gssapi;

/* Names, credentials and contexts: what they are does not matter, only that each is given back once. */
static void *object_create(void) {
  fake_gssapi.live++;
  return malloc(1);
}

static uint32_t object_release(void **object) {
  if (*object != NULL) fake_gssapi.live--;
  free(*object);
  *object = NULL;
  return GSS_S_COMPLETE;
}

static bool fails(const char *function, uint32_t *minor) {
  *minor = 0;
  if (fake_gssapi.failing == NULL || strcmp(fake_gssapi.failing, function) != 0) return false;
  *minor = fake_gssapi.minor;
  return true;
}

static void buffer_fill(struct gss_buffer *buffer, const void *data, size_t size) {
  void *copy = malloc(size == 0 ? 1 : size);
  if (size > 0) memcpy(copy, data, size);
  *buffer = (struct gss_buffer){.length = size, .value = copy};
  fake_gssapi.live++;
}

uint32_t gss_import_name(uint32_t *minor, const struct gss_buffer *text, const struct gss_oid *type,
                         gss_name *name);
uint32_t gss_import_name(uint32_t *minor, const struct gss_buffer *text, const struct gss_oid *type,
                         gss_name *name) {
  bool is_service = type->length == 10 && memcmp(type->elements, gssapi_name_of_service.elements, 10) == 0;
  if (fails(is_service ? "import_service" : "import_principal", minor)) return fake_gssapi.major;
  char *to = is_service ? fake_gssapi.service : fake_gssapi.principal;
  (void)snprintf(to, 128, "%.*s", (int)text->length, (const char *)text->value);
  *name = object_create();
  return GSS_S_COMPLETE;
}

uint32_t gss_release_name(uint32_t *minor, gss_name *name);
uint32_t gss_release_name(uint32_t *minor, gss_name *name) {
  *minor = 0;
  return object_release(name);
}

uint32_t gss_acquire_cred_from(uint32_t *minor, gss_name name, uint32_t seconds,
                               const struct gss_oid_set *mechanisms, int usage,
                               const struct gss_key_values *store, gss_credential *credential,
                               void *actual_mechanisms, uint32_t *actual_seconds);
uint32_t gss_acquire_cred_from(uint32_t *minor, gss_name name, uint32_t seconds,
                               const struct gss_oid_set *mechanisms, int usage,
                               const struct gss_key_values *store, gss_credential *credential,
                               void *actual_mechanisms, uint32_t *actual_seconds) {
  (void)name, (void)seconds, (void)actual_mechanisms, (void)actual_seconds;
  if (fails("acquire_cred_from", minor)) return fake_gssapi.major;
  if (usage != GSS_C_INITIATE || mechanisms->count != 1) return 1U << 16;
  for (uint32_t i = 0; store != NULL && i < store->count; i++) {
    bool is_keytab = strcmp(store->elements[i].key, "client_keytab") == 0;
    char *to = is_keytab ? fake_gssapi.keytab : fake_gssapi.cache;
    (void)snprintf(to, 128, "%s", store->elements[i].value);
  }
  *credential = object_create();
  return GSS_S_COMPLETE;
}

uint32_t gss_release_cred(uint32_t *minor, gss_credential *credential);
uint32_t gss_release_cred(uint32_t *minor, gss_credential *credential) {
  *minor = 0;
  return object_release(credential);
}

uint32_t gss_init_sec_context(uint32_t *minor, gss_credential credential, gss_context *context,
                              gss_name target, const struct gss_oid *mechanism, uint32_t flags,
                              uint32_t seconds, void *bindings, const struct gss_buffer *input,
                              void *actual_mechanism, struct gss_buffer *output, uint32_t *actual_flags,
                              uint32_t *actual_seconds);
uint32_t gss_init_sec_context(uint32_t *minor, gss_credential credential, gss_context *context,
                              gss_name target, const struct gss_oid *mechanism, uint32_t flags,
                              uint32_t seconds, void *bindings, const struct gss_buffer *input,
                              void *actual_mechanism, struct gss_buffer *output, uint32_t *actual_flags,
                              uint32_t *actual_seconds) {
  (void)credential, (void)seconds, (void)bindings, (void)actual_mechanism, (void)actual_seconds;
  static uint32_t round;
  if (*context == NULL) round = 0;
  if (fails(round == 0 ? "init_sec_context" : "init_sec_context_again", minor)) return fake_gssapi.major;
  if (target == NULL || mechanism->length != 9 || (input == NULL) != (*context == NULL)) return 1U << 16;
  if (*context == NULL) *context = object_create();
  if (input != NULL)
    (void)snprintf(fake_gssapi.heard, sizeof fake_gssapi.heard, "%.*s", (int)input->length,
                   (const char *)input->value);
  round++;
  fake_gssapi.wanted_flags = flags;
  *actual_flags = fake_gssapi.flags;
  bool is_last = round > fake_gssapi.rounds;
  char token[32];
  int size = snprintf(token, sizeof token, "token-%u", round);
  bool speaks = is_last ? fake_gssapi.ends_with_a_token : !fake_gssapi.is_silent;
  if (speaks) buffer_fill(output, token, (size_t)size);
  return is_last ? GSS_S_COMPLETE : GSS_S_CONTINUE_NEEDED;
}

uint32_t gss_delete_sec_context(uint32_t *minor, gss_context *context, struct gss_buffer *output);
uint32_t gss_delete_sec_context(uint32_t *minor, gss_context *context, struct gss_buffer *output) {
  (void)output;
  *minor = 0;
  return object_release(context);
}

#ifndef WITHOUT_WRAP
uint32_t gss_wrap(uint32_t *minor, gss_context context, int confidential, uint32_t protection,
                  const struct gss_buffer *input, int *was_confidential, struct gss_buffer *output);
uint32_t gss_wrap(uint32_t *minor, gss_context context, int confidential, uint32_t protection,
                  const struct gss_buffer *input, int *was_confidential, struct gss_buffer *output) {
  (void)context, (void)protection, (void)was_confidential;
  if (fails("wrap", minor)) return fake_gssapi.major;
  char wrapped[128] = "W:";
  if (confidential != 0 || input->length + 2 > sizeof wrapped) return 1U << 16;
  memcpy(wrapped + 2, input->value, input->length);
  buffer_fill(output, wrapped, input->length + 2);
  return GSS_S_COMPLETE;
}
#endif

uint32_t gss_unwrap(uint32_t *minor, gss_context context, const struct gss_buffer *input,
                    struct gss_buffer *output, int *was_confidential, uint32_t *protection);
uint32_t gss_unwrap(uint32_t *minor, gss_context context, const struct gss_buffer *input,
                    struct gss_buffer *output, int *was_confidential, uint32_t *protection) {
  (void)context, (void)was_confidential, (void)protection;
  if (fails("unwrap", minor)) return fake_gssapi.major;
  if (input->length < 2 || memcmp(input->value, "W:", 2) != 0) return 9U << 16;
  buffer_fill(output, (const char *)input->value + 2, input->length - 2);
  return GSS_S_COMPLETE;
}

uint32_t gss_release_buffer(uint32_t *minor, struct gss_buffer *buffer);
uint32_t gss_release_buffer(uint32_t *minor, struct gss_buffer *buffer) {
  *minor = 0;
  union {
    const void *given;
    void *memory;
  } value = {.given = buffer->value};
  if (value.memory != NULL) fake_gssapi.live--;
  free(value.memory);
  *buffer = (struct gss_buffer){.length = 0};
  return GSS_S_COMPLETE;
}

/* A major status has two texts. */
uint32_t gss_display_status(uint32_t *minor, uint32_t status, int kind, const struct gss_oid *mechanism,
                            uint32_t *more, struct gss_buffer *text);
uint32_t gss_display_status(uint32_t *minor, uint32_t status, int kind, const struct gss_oid *mechanism,
                            uint32_t *more, struct gss_buffer *text) {
  (void)mechanism;
  if (fails("display_status", minor)) return fake_gssapi.major;
  char said[64];
  int size = kind == GSS_C_MECH_CODE ? snprintf(said, sizeof said, "minor %d\n", (int)status)
                                     : snprintf(said, sizeof said, "major %u", status >> 16);
  if (kind == GSS_C_GSS_CODE && *more == 1) size = snprintf(said, sizeof said, "once more");
  *more = kind == GSS_C_GSS_CODE && *more == 0 ? 1 : 0;
  buffer_fill(text, said, (size_t)size);
  return GSS_S_COMPLETE;
}

int32_t krb5_init_context(void **context);
int32_t krb5_init_context(void **context) {
  *context = object_create();
  return 0;
}

void krb5_free_context(void *context);
void krb5_free_context(void *context) {
  (void)object_release(&context);
}

int32_t krb5_cc_resolve(void *context, const char *name, void **cache);
int32_t krb5_cc_resolve(void *context, const char *name, void **cache) {
  (void)context;
  if (strcmp(name, fake_gssapi.cache) != 0) return 1;
  *cache = object_create();
  return 0;
}

int32_t krb5_cc_destroy(void *context, void *cache);
int32_t krb5_cc_destroy(void *context, void *cache) {
  (void)context;
  fake_gssapi.destroyed_caches++;
  (void)object_release(&cache);
  return 0;
}
