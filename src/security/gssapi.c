#include "security/gssapi.h"

#include "base/bytes.h"
#include "base/lock.h"
#include "security/sasl_text.h"
#include "security/security_library.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libgssapi_krb5.so.2"

static const char krb5_mechanism_bytes[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
static const char name_of_service_bytes[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04";
static const char name_of_principal_bytes[] = "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";

/* 1.2.840.113554.1.2.2, GSS_C_NT_HOSTBASED_SERVICE, GSS_KRB5_NT_PRINCIPAL_NAME. */
const struct gss_oid gssapi_krb5_mechanism = {9, krb5_mechanism_bytes};
const struct gss_oid gssapi_name_of_service = {10, name_of_service_bytes};
const struct gss_oid gssapi_name_of_principal = {10, name_of_principal_bytes};

static struct lock mutex = LOCK_INITIALIZER;
static struct gssapi functions; /* under mutex until it is loaded */
static bool is_loaded GUARDED_BY(mutex);

static bool load(char *error, size_t error_size);
static bool find_all(void *library, struct gssapi *found, const char **missing);

const struct gssapi *gssapi_load(char *error, size_t error_size) {
  lock_acquire(&mutex);
  if (!is_loaded) is_loaded = load(error, error_size);
  bool loaded = is_loaded;
  lock_release(&mutex);
  return loaded ? &functions : NULL;
}

static bool load(char *error, size_t error_size) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    const char *reason = dlerror();
    (void)snprintf(error, error_size,
                   "GSSAPI needs " LIBRARY
                   " (Debian and Ubuntu: libgssapi-krb5-2; Fedora and RHEL: krb5-libs; "
                   "Alpine: krb5-libs), which cannot be loaded: %.200s",
                   reason == NULL ? "no reason given" : reason);
    return false;
  }
  const char *missing = NULL;
  struct gssapi found;
  if (!find_all(library, &found, &missing)) {
    (void)snprintf(error, error_size, "GSSAPI needs the function %s, which this " LIBRARY " does not have",
                   missing);
    (void)dlclose(library);
    return false;
  }
  functions = found;
  security_library_started();
  return true;
}

/* A pointer to data becomes one to a function as POSIX says for dlsym. */
static bool find(void *library, const char *name, void *function) {
  void *symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

static bool find_all(void *library, struct gssapi *found, const char **missing) {
  memset(found, 0, sizeof *found);
  const struct {
    const char *name;
    void *function;
  } wanted[] = {
      {"gss_import_name", &found->import_name},
      {"gss_release_name", &found->release_name},
      {"gss_acquire_cred_from", &found->acquire_cred_from},
      {"gss_release_cred", &found->release_cred},
      {"gss_init_sec_context", &found->init_sec_context},
      {"gss_delete_sec_context", &found->delete_sec_context},
      {"gss_wrap", &found->wrap},
      {"gss_unwrap", &found->unwrap},
      {"gss_release_buffer", &found->release_buffer},
      {"gss_display_status", &found->display_status},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    if (find(library, wanted[i].name, wanted[i].function)) continue;
    *missing = wanted[i].name;
    return false;
  }
  bool has_caches = find(library, "krb5_init_context", &found->krb5_init_context) &&
                    find(library, "krb5_free_context", &found->krb5_free_context) &&
                    find(library, "krb5_cc_resolve", &found->krb5_cc_resolve) &&
                    find(library, "krb5_cc_destroy", &found->krb5_cc_destroy);
  if (!has_caches) found->krb5_init_context = NULL;
  return true;
}

/* What to do about minor statuses that are met often: MIT's table of errors "krb5" (krb5.h). */
static const char *hint_of(uint32_t minor, bool by_keytab) {
  enum { NO_TICKET = -1765328243, NO_CACHE = -1765328189 };
  if (by_keytab && ((int32_t)minor == NO_TICKET || (int32_t)minor == NO_CACHE))
    return "the keytab cannot be read, or has no key of the client's principal";
  static const struct {
    int32_t code;
    const char *hint;
  } hints[] = {
      {-1765328378, "the KDC does not know the client's principal"},
      {-1765328377,
       "the KDC does not know the broker's principal: check sasl.kerberos.service.name, and that "
       "the broker is connected to by the host name in its keytab"},
      {-1765328361, "the client's password has expired"},
      {-1765328360, "the keytab's key is not the one that the KDC has for the client"},
      {-1765328352, "the ticket has expired: kinit, or a keytab, gets another"},
      {-1765328347, "the clocks of this machine and the KDC or broker differ too much"},
      {NO_TICKET, "the credential cache has no ticket: kinit, or a keytab, gets one"},
      {-1765328230, "krb5.conf does not say where the realm's KDC is"},
      {-1765328228, "no KDC of the realm can be reached"},
      {-1765328203, "the keytab has no key of the client's principal"},
      {NO_CACHE, "there is no credential cache: kinit makes one, and with a keytab none is needed"},
      {-1765328164, "the realm's KDC has a host name that cannot be resolved"},
  };
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
    if (hints[i].code == (int32_t)minor) return hints[i].hint;
  return NULL;
}

/* Appends all texts of a status. */
static void status_append(const struct gssapi *gssapi, uint32_t status, int kind, char *text, size_t size) {
  enum { MESSAGES_MAX = 8 };
  uint32_t more = 0;
  for (int i = 0; i < MESSAGES_MAX; i++) {
    struct gss_buffer message = {.length = 0};
    uint32_t minor;
    const struct gss_oid *mechanism = kind == GSS_C_MECH_CODE ? &gssapi_krb5_mechanism : NULL;
    if (gss_failed(gssapi->display_status(&minor, status, kind, mechanism, &more, &message))) return;
    size_t used = strlen(text);
    const char *separator = used == 0 ? "" : ": ";
    size_t separator_size = strlen(separator);
    if (used + separator_size + 1 < size) {
      memcpy(text + used, separator, separator_size);
      sasl_text_print(bytes_of(message.value, message.length), NULL, 0, text + used + separator_size,
                      size - used - separator_size);
    }
    (void)gssapi->release_buffer(&minor, &message);
    if (more == 0) return;
  }
}

void gssapi_explain(const struct gssapi *gssapi, uint32_t major, uint32_t minor, bool by_keytab, char *text,
                    size_t size) {
  text[0] = '\0';
  status_append(gssapi, major, GSS_C_GSS_CODE, text, size);
  if (minor != 0) status_append(gssapi, minor, GSS_C_MECH_CODE, text, size);
  size_t used = strlen(text);
  if (used == 0) (void)snprintf(text, size, "GSS-API's error %08x, %08x", (unsigned)major, (unsigned)minor);
  const char *hint = hint_of(minor, by_keytab);
  if (hint != NULL) (void)snprintf(text + strlen(text), size - strlen(text), " (%s)", hint);
}
