#include "security/tls_session.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "security/tls_parts.h"
#include "security/tls_resumption.h"
#include "security/tls_session_parts.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>

enum {
  RECORD_BYTES = SSL3_RT_MAX_PLAIN_LENGTH,
  RECORD_OVERHEAD_MAX = SSL3_RT_HEADER_LENGTH + SSL3_RT_MAX_ENCRYPTED_OVERHEAD,
  RECORDS_MAX = 16, /* of output, so that one system call takes many */
  OUTPUT_BYTES = RECORDS_MAX * (RECORD_BYTES + RECORD_OVERHEAD_MAX),
  OUTPUT_BYTES_MAX = OUTPUT_BYTES + (64 << 10), /* with what OpenSSL answers by itself */
  BUFFER_BYTES_MIN = 4096,
};

static bool prepare(struct tls_session *session, const char *host);
static bool set_host(struct tls_session *session);
static bool is_address(const char *host);
static enum tls_outcome outcome_of(struct tls_session *session, int result);
static void note_input(struct tls_session *session, struct bytes input);
static BIO_METHOD *methods(void);

/* ---- life ---- */

struct tls_session *tls_session_create(struct tls_context *context, const char *host, uint16_t port) {
  struct tls_session *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return NULL;
  created->context = tls_context_retain(context);
  created->port = port;
  created->ssl = SSL_new(tls_context_ssl(context));
  ERR_clear_error();
  if (created->ssl != NULL && prepare(created, host)) return created;
  tls_session_destroy(created);
  return NULL;
}

static bool prepare(struct tls_session *session, const char *host) {
  session->host = allocator_copy_string(host);
  if (session->host == NULL) return false;
  size_t size = strlen(session->host);
  if (size > 0 && session->host[size - 1] == '.') session->host[size - 1] = '\0';
  char *zone = strchr(session->host, '%');
  if (zone != NULL && strchr(session->host, ':') != NULL) *zone = '\0';
  session->is_address = is_address(session->host);
  BIO *bio = methods() == NULL ? NULL : BIO_new(methods());
  if (bio == NULL) return false;
  BIO_set_data(bio, session);
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl, bio, bio);
  SSL_set_app_data(session->ssl, session);
  SSL_set_mode(session->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_connect_state(session->ssl);
  if (!set_host(session)) return false;
  struct tls_resumption *resumption = tls_context_resumption(session->context);
  SSL_SESSION *earlier = tls_resumption_take(resumption, session->host, session->port);
  if (earlier != NULL) SSL_set_session(session->ssl, earlier);
  SSL_SESSION_free(earlier);
  return true;
}

/* SNI has names alone (RFC 6066, 3). */
static bool set_host(struct tls_session *session) {
  bool verifies_name = tls_context_verifies_host_name(session->context);
  SSL_set_verify(session->ssl,
                 tls_context_verifies_certificate(session->context) ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                 NULL);
  if (session->is_address)
    return !verifies_name || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session->ssl), session->host) == 1;
  SSL_set_hostflags(session->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set_tlsext_host_name(session->ssl, session->host) != 1) return false;
  return !verifies_name || SSL_set1_host(session->ssl, session->host) == 1;
}

static bool is_address(const char *host) {
  uint8_t bytes[16];
  return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

void tls_session_destroy(struct tls_session *session) {
  if (session == NULL) return;
  /* A session that was not shut down counts as broken in OpenSSL, and would not be resumed. */
  if (session->ssl != NULL && session->status == STATUS_OK && session->is_handshake_done)
    SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(session->ssl);
  tls_buffer_deinit(&session->input);
  tls_buffer_deinit(&session->output);
  allocator_free(session->host);
  tls_context_release(session->context);
  ERR_clear_error();
  allocator_free(session);
}

/* ---- work ---- */

enum tls_outcome tls_session_handshake(struct tls_session *session) {
  if (session->status != STATUS_OK) return TLS_FAILED;
  ERR_clear_error();
  enum tls_outcome outcome = outcome_of(session, SSL_do_handshake(session->ssl));
  if (outcome == TLS_DONE) session->is_handshake_done = true;
  if (outcome == TLS_CLOSED) {
    tls_session_fail_by_end(session);
    return TLS_FAILED;
  }
  return outcome;
}

enum tls_outcome tls_session_read(struct tls_session *session, uint8_t *to, size_t capacity, size_t *count) {
  ASSERT(session->is_handshake_done && capacity > 0);
  size_t total = 0;
  if (session->status != STATUS_OK) return TLS_FAILED;
  enum tls_outcome outcome = TLS_DONE;
  while (total < capacity && outcome == TLS_DONE) {
    size_t step = 0;
    ERR_clear_error();
    outcome = outcome_of(session, SSL_read_ex(session->ssl, to + total, capacity - total, &step));
    total += step;
  }
  if (total == 0) return outcome;
  *count = total; /* what went wrong after that is told by the next call */
  return TLS_DONE;
}

enum tls_outcome tls_session_write(struct tls_session *session, struct bytes data, size_t *count) {
  ASSERT(session->is_handshake_done);
  size_t total = 0;
  if (session->status != STATUS_OK) return TLS_FAILED;
  while (total < data.size) {
    size_t waiting = session->output.end - session->output.start;
    if (waiting + RECORD_BYTES + RECORD_OVERHEAD_MAX > OUTPUT_BYTES) break;
    size_t left = data.size - total, step = 0;
    ERR_clear_error();
    int result =
        SSL_write_ex(session->ssl, data.data + total, left < RECORD_BYTES ? left : RECORD_BYTES, &step);
    enum tls_outcome outcome = outcome_of(session, result);
    if (outcome != TLS_DONE) return outcome;
    total += step;
  }
  if (total == 0 && data.size > 0) return TLS_FULL;
  *count = total;
  return TLS_DONE;
}

void tls_session_shut_down(struct tls_session *session) {
  if (session->was_shut_down || session->status != STATUS_OK || !session->is_handshake_done) return;
  session->was_shut_down = true;
  ERR_clear_error();
  SSL_shutdown(session->ssl);
}

static enum tls_outcome outcome_of(struct tls_session *session, int result) {
  if (result > 0) return TLS_DONE;
  switch (SSL_get_error(session->ssl, result)) {
  case SSL_ERROR_ZERO_RETURN: return TLS_CLOSED;
  case SSL_ERROR_WANT_READ:
    if (!session->has_input_ended) return TLS_WANT_INPUT;
    /* The end is not shown to OpenSSL, which takes it for an error after a record, or for none within one. */
    if (session->framing.header_have == 0 && session->is_handshake_done) return TLS_CLOSED;
    tls_session_fail_by_end(session);
    return TLS_FAILED;
  default: tls_session_fail_by_openssl(session); return TLS_FAILED;
  }
}

/* ---- bytes ---- */

bool tls_session_put(struct tls_session *session, struct bytes input) {
  if (!tls_buffer_reserve(&session->input, input.size)) {
    tls_session_fail(session, STATUS_OUT_OF_MEMORY, "%s", status_text(STATUS_OUT_OF_MEMORY));
    return false;
  }
  if (input.size > 0) memcpy(session->input.data + session->input.end, input.data, input.size);
  session->input.end += input.size;
  note_input(session, input);
  return true;
}

bool tls_session_has_input(const struct tls_session *session) {
  return session->input.end > session->input.start || SSL_pending(session->ssl) > 0;
}

void tls_session_end_input(struct tls_session *session) {
  session->has_input_ended = true;
}

struct bytes tls_session_output(const struct tls_session *session) {
  const struct tls_buffer *output = &session->output;
  return bytes_of(output->data + output->start, output->end - output->start);
}

void tls_session_output_taken(struct tls_session *session, size_t bytes) {
  struct tls_buffer *output = &session->output;
  ASSERT(bytes <= output->end - output->start);
  output->start += bytes;
  if (output->start == output->end) output->start = output->end = 0;
}

/* Keeps the first bytes, which show what else than TLS the peer may speak, and follows the records. */
static void note_input(struct tls_session *session, struct bytes input) {
  struct tls_framing *framing = &session->framing;
  for (size_t i = 0; i < input.size && session->first_count < TLS_FIRST_BYTES; i++)
    session->first[session->first_count++] = input.data[i];
  while (input.size > 0) {
    size_t step = 1;
    if (framing->header_have < sizeof framing->header) {
      framing->header[framing->header_have++] = *input.data;
      framing->body_left = bytes_load_u16(framing->header + 3);
    } else {
      step = input.size < framing->body_left ? input.size : framing->body_left;
      framing->body_left -= step;
    }
    if (framing->header_have == sizeof framing->header && framing->body_left == 0) framing->header_have = 0;
    input = bytes_of(input.data + step, input.size - step);
  }
}

/* ---- what it has come to ---- */

int32_t tls_session_status(const struct tls_session *session) {
  return session->status;
}

const char *tls_session_reason(const struct tls_session *session) {
  return session->reason;
}

void tls_session_describe(const struct tls_session *session, char *text, size_t size) {
  snprintf(text, size, "%s, %s%s", SSL_get_version(session->ssl), SSL_get_cipher_name(session->ssl),
           SSL_session_reused(session->ssl) == 1 ? ", resumed" : "");
}

/* ---- buffers ---- */

bool tls_buffer_reserve(struct tls_buffer *buffer, size_t size) {
  if (buffer->capacity - buffer->end >= size) return true;
  size_t used = buffer->end - buffer->start;
  if (buffer->start > 0) {
    memmove(buffer->data, buffer->data + buffer->start, used);
    buffer->start = 0;
    buffer->end = used;
  }
  if (buffer->capacity - used >= size) return true;
  size_t capacity = buffer->capacity == 0 ? BUFFER_BYTES_MIN : buffer->capacity;
  while (capacity - used < size)
    capacity *= 2;
  uint8_t *data = allocator_reallocate(buffer->data, capacity);
  if (data == NULL) return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

void tls_buffer_deinit(struct tls_buffer *buffer) {
  allocator_free(buffer->data);
  *buffer = (struct tls_buffer){.data = NULL};
}

/* ---- the BIO: OpenSSL's side of the buffers ---- */

static int bio_write(BIO *bio, const char *data, size_t size, size_t *written) {
  struct tls_session *session = BIO_get_data(bio);
  struct tls_buffer *output = &session->output;
  BIO_clear_retry_flags(bio);
  if (output->end - output->start + size > OUTPUT_BYTES_MAX) {
    tls_session_fail(session, STATUS_MALFORMED_RESPONSE,
                     "the broker asks for one TLS answer after the other and reads none");
    return 0;
  }
  if (!tls_buffer_reserve(output, size)) {
    tls_session_fail(session, STATUS_OUT_OF_MEMORY, "%s", status_text(STATUS_OUT_OF_MEMORY));
    return 0;
  }
  memcpy(output->data + output->end, data, size);
  output->end += size;
  *written = size;
  return 1;
}

static int bio_read(BIO *bio, char *to, size_t capacity, size_t *read) {
  struct tls_session *session = BIO_get_data(bio);
  struct tls_buffer *input = &session->input;
  size_t size = input->end - input->start;
  BIO_clear_retry_flags(bio);
  if (size == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  if (size > capacity) size = capacity;
  memcpy(to, input->data + input->start, size);
  input->start += size;
  if (input->start == input->end) input->start = input->end = 0;
  *read = size;
  return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static struct {
  pthread_once_t once;
  BIO_METHOD *methods;
} shared = {.once = PTHREAD_ONCE_INIT};

static void make_methods(void) {
  BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sendoff");
  if (made == NULL) return;
  BIO_meth_set_write_ex(made, bio_write);
  BIO_meth_set_read_ex(made, bio_read);
  BIO_meth_set_ctrl(made, bio_control);
  shared.methods = made;
}

/* One for the process; NULL if there is none. */
static BIO_METHOD *methods(void) {
  pthread_once(&shared.once, make_methods);
  return shared.methods;
}
