/* The few functions of GSS-API (RFC 2743, RFC 2744) that a login by Kerberos takes, from MIT's
 * libgssapi_krb5.so.2, which is loaded at first use and kept. No header of it is needed to build: types and
 * numbers here are those of RFC 2744's C bindings, section 4 and appendix A, and of MIT's gssapi_ext.h for
 * gss_acquire_cred_from. Any thread. */
#ifndef SECURITY_GSSAPI_H
#define SECURITY_GSSAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The library's own types, by its layouts. */
struct gss_buffer {
  size_t length;
  const void *value;
};
struct gss_oid {
  uint32_t length;
  const void *elements;
};
struct gss_oid_set {
  size_t count;
  const struct gss_oid *elements;
};
struct gss_key_value {
  const char *key, *value;
};
struct gss_key_values {
  uint32_t count;
  struct gss_key_value *elements;
};

/* Opaque, the library's. */
typedef void *gss_name;
typedef void *gss_credential;
typedef void *gss_context;

enum {
  GSS_S_COMPLETE = 0,
  GSS_S_CONTINUE_NEEDED = 1,
  GSS_C_MUTUAL_FLAG = 2,
  GSS_C_INTEG_FLAG = 32,
  GSS_C_INITIATE = 1,
  GSS_C_GSS_CODE = 1,  /* of gss_display_status: a major status */
  GSS_C_MECH_CODE = 2, /* a minor one */
};

#define GSS_C_INDEFINITE UINT32_MAX

/* Bits 16 to 31 of a major status say what failed. */
static inline bool gss_failed(uint32_t major) {
  return (major & 0xffff0000) != 0;
}

/* Functions of the library. The first argument is where the minor status goes. */
struct gssapi {
  uint32_t (*import_name)(uint32_t *minor, const struct gss_buffer *text, const struct gss_oid *type,
                          gss_name *name);
  uint32_t (*release_name)(uint32_t *minor, gss_name *name);
  uint32_t (*acquire_cred_from)(uint32_t *minor, gss_name name, uint32_t seconds,
                                const struct gss_oid_set *mechanisms, int usage,
                                const struct gss_key_values *store, gss_credential *credential,
                                void *actual_mechanisms, uint32_t *actual_seconds);
  uint32_t (*release_cred)(uint32_t *minor, gss_credential *credential);
  uint32_t (*init_sec_context)(uint32_t *minor, gss_credential credential, gss_context *context,
                               gss_name target, const struct gss_oid *mechanism, uint32_t flags,
                               uint32_t seconds, void *channel_bindings, const struct gss_buffer *input,
                               void *actual_mechanism, struct gss_buffer *output, uint32_t *actual_flags,
                               uint32_t *actual_seconds);
  uint32_t (*delete_sec_context)(uint32_t *minor, gss_context *context, struct gss_buffer *output);
  uint32_t (*wrap)(uint32_t *minor, gss_context context, int confidential, uint32_t protection,
                   const struct gss_buffer *input, int *was_confidential, struct gss_buffer *output);
  uint32_t (*unwrap)(uint32_t *minor, gss_context context, const struct gss_buffer *input,
                     struct gss_buffer *output, int *was_confidential, uint32_t *protection);
  uint32_t (*release_buffer)(uint32_t *minor, struct gss_buffer *buffer);
  uint32_t (*display_status)(uint32_t *minor, uint32_t status, int kind, const struct gss_oid *mechanism,
                             uint32_t *more, struct gss_buffer *text);

  /* Kerberos's own, to destroy a credential cache (krb5.h); NULL where the library does not have them. */
  int32_t (*krb5_init_context)(void **context);
  void (*krb5_free_context)(void *context);
  int32_t (*krb5_cc_resolve)(void *context, const char *name, void **cache);
  int32_t (*krb5_cc_destroy)(void *context, void *cache);
};

extern const struct gss_oid gssapi_krb5_mechanism, gssapi_name_of_service, gssapi_name_of_principal;

/* The library's functions, loaded by the first call that succeeds, or NULL: error says what is missing. */
const struct gssapi *gssapi_load(char *error, size_t error_size);

/* What a call's two statuses say, for people, with a hint where we know one. by_keytab: a keytab was to be
 * used, of which the library says no word where it cannot be. */
void gssapi_explain(const struct gssapi *gssapi, uint32_t major, uint32_t minor, bool by_keytab, char *text,
                    size_t size);

#endif
