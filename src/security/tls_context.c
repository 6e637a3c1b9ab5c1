#include "security/tls_context.h"

#include "base/allocator.h"
#include "base/status.h"
#include "security/security_library.h"
#include "security/tls_parts.h"
#include "security/tls_resumption.h"
#include "security/tls_session_parts.h"
#include <openssl/err.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

enum { SECURITY_LEVEL_MIN = 2 }; /* 112 bits: RSA keys of 2,048 bits, no SHA-1 signatures */

struct tls_context {
  atomic_uint references;
  SSL_CTX *ssl;
  struct tls_resumption *resumption;
  bool verifies_certificate, verifies_host_name;
};

static int32_t load_all(const struct tls_load *load);
static int32_t refuse_openssl(const struct tls_load *load);
static void set_options(SSL_CTX *ssl);
static void warn_of_what_is_off(const struct tls_load *load);

int32_t tls_context_create(const struct tls_settings *settings, const struct log *log,
                           struct tls_context **context, char *error, size_t error_size) {
  struct tls_load load = {.settings = settings, .log = log, .error = error, .error_size = error_size};
  struct tls_context *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL)
    return tls_load_fail(&load, STATUS_OUT_OF_MEMORY, "%s", status_text(STATUS_OUT_OF_MEMORY));
  security_library_init();
  atomic_init(&created->references, 1);
  created->verifies_certificate = settings->verify_certificate;
  created->verifies_host_name = settings->verify_certificate && settings->verify_host_name;
  ERR_set_mark(); /* the thread is the host's, and so may be errors in OpenSSL's queue */
  created->resumption = tls_resumption_create();
  created->ssl = load.ssl = SSL_CTX_new(TLS_client_method());
  int32_t status = STATUS_OK;
  if (created->resumption == NULL)
    status = tls_load_fail(&load, STATUS_OUT_OF_MEMORY, "%s", status_text(STATUS_OUT_OF_MEMORY));
  else if (created->ssl == NULL)
    status = refuse_openssl(&load);
  if (status == STATUS_OK) status = load_all(&load);
  ERR_pop_to_mark();
  if (status != STATUS_OK) {
    tls_context_release(created);
    return status;
  }
  *context = created;
  return STATUS_OK;
}

struct tls_context *tls_context_retain(struct tls_context *context) {
  atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
  return context;
}

void tls_context_release(struct tls_context *context) {
  if (context == NULL || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) > 1) return;
  tls_resumption_destroy(context->resumption);
  SSL_CTX_free(context->ssl);
  allocator_free(context);
}

/* ---- for sessions ---- */

SSL_CTX *tls_context_ssl(const struct tls_context *context) {
  return context->ssl;
}

struct tls_resumption *tls_context_resumption(struct tls_context *context) {
  return context->resumption;
}

bool tls_context_verifies_certificate(const struct tls_context *context) {
  return context->verifies_certificate;
}

bool tls_context_verifies_host_name(const struct tls_context *context) {
  return context->verifies_host_name;
}

/* ---- loading ---- */

int32_t tls_load_fail(const struct tls_load *load, int32_t status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(load->error, load->error_size, format, arguments);
  va_end(arguments);
  return status;
}

static int32_t load_all(const struct tls_load *load) {
  set_options(load->ssl);
  int32_t status = tls_algorithms_load(load);
  if (status == STATUS_OK && load->settings->verify_certificate) status = tls_trust_load(load);
  if (status == STATUS_OK) status = tls_identity_load(load);
  if (status == STATUS_OK) warn_of_what_is_off(load);
  return status;
}

/* It has no algorithms: as a rule because its configuration took them away. */
static int32_t refuse_openssl(const struct tls_load *load) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = ERR_reason_error_string(code);
  if (reason == NULL || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
    return tls_load_fail(load, STATUS_OUT_OF_MEMORY, "%s", status_text(STATUS_OUT_OF_MEMORY));
  return tls_load_fail(load, STATUS_SYSTEM_ERROR,
                       "OpenSSL does not start (%s): is its configuration right? It is openssl.cnf, or what "
                       "OPENSSL_CONF names",
                       reason);
}

/* Said here, since openssl.cnf or a distribution may have other defaults. */
static void set_options(SSL_CTX *ssl) {
  SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_clear_options(ssl, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
  if (SSL_CTX_get_security_level(ssl) < SECURITY_LEVEL_MIN)
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL_MIN);
  SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN); /* what is sent is what the user gave */
  tls_session_install(ssl);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}

static void warn_of_what_is_off(const struct tls_load *load) {
  const struct tls_settings *settings = load->settings;
  if (!settings->verify_certificate)
    LOG(load->log, LOG_LEVEL_WARNING,
        "enable.ssl.certificate.verification=false: brokers' certificates are not checked, so anybody in "
        "between "
        "can read and change what is sent");
  else if (!settings->verify_host_name)
    LOG(load->log, LOG_LEVEL_WARNING,
        "ssl.endpoint.identification.algorithm is off: any certificate of a trusted authority passes for "
        "every "
        "broker");
}
