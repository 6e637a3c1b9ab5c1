#include "security/tls_resumption.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/lock.h"
#include <openssl/x509.h>
#include <string.h>

enum { ENTRIES_MAX = 64 };

struct entry {
  char *host;
  uint16_t port;
  SSL_SESSION *session;
  uint64_t stamp; /* the entry with the lowest is the oldest */
};

LOCK_ROLE(tls_resumption_guard);

struct tls_resumption {
  struct lock mutex;
  struct entry entries[ENTRIES_MAX] GUARDED_BY(tls_resumption_guard); /* under mutex, as all below */
  uint32_t count GUARDED_BY(tls_resumption_guard);
  uint64_t last_stamp GUARDED_BY(tls_resumption_guard);
};
LOCK_GUARD(tls_resumption_guard, tls_resumption, mutex);

static struct entry *find(struct tls_resumption *resumption, const char *host, uint16_t port)
    REQUIRES(tls_resumption_guard);
static struct entry *add(struct tls_resumption *resumption, const char *host, uint16_t port)
    REQUIRES(tls_resumption_guard);
static struct entry *oldest(struct tls_resumption *resumption) REQUIRES(tls_resumption_guard);
static void drop(struct tls_resumption *resumption, struct entry *entry) REQUIRES(tls_resumption_guard);
static bool is_over(const SSL_SESSION *session);

struct tls_resumption *tls_resumption_create(void) {
  struct tls_resumption *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created != NULL) lock_init(&created->mutex);
  return created;
}

void tls_resumption_destroy(struct tls_resumption *resumption) NO_THREAD_SAFETY_ANALYSIS {
  if (resumption == NULL) return;
  while (resumption->count > 0)
    drop(resumption, &resumption->entries[0]);
  lock_deinit(&resumption->mutex);
  allocator_free(resumption);
}

bool tls_resumption_put(struct tls_resumption *resumption, const char *host, uint16_t port,
                        SSL_SESSION *session) {
  if (!SSL_SESSION_is_resumable(session)) return false;
  tls_resumption_guard_acquire(resumption);
  struct entry *entry = find(resumption, host, port);
  if (entry == NULL) entry = add(resumption, host, port);
  if (entry != NULL) {
    SSL_SESSION_free(entry->session);
    entry->session = session;
    entry->stamp = ++resumption->last_stamp;
  }
  tls_resumption_guard_release(resumption);
  return entry != NULL;
}

SSL_SESSION *tls_resumption_take(struct tls_resumption *resumption, const char *host, uint16_t port) {
  SSL_SESSION *taken = NULL;
  tls_resumption_guard_acquire(resumption);
  struct entry *entry = find(resumption, host, port);
  if (entry != NULL && !is_over(entry->session)) {
    taken = entry->session;
    SSL_SESSION_up_ref(taken);
  }
  if (entry != NULL && (taken == NULL || SSL_SESSION_get_protocol_version(taken) >= TLS1_3_VERSION))
    drop(resumption, entry);
  tls_resumption_guard_release(resumption);
  return taken;
}

/* ---- helpers ---- */

static struct entry *find(struct tls_resumption *resumption, const char *host, uint16_t port) {
  for (uint32_t i = 0; i < resumption->count; i++)
    if (resumption->entries[i].port == port && strcmp(resumption->entries[i].host, host) == 0)
      return &resumption->entries[i];
  return NULL;
}

/* An entry without a session yet; NULL if memory is missing. */
static struct entry *add(struct tls_resumption *resumption, const char *host, uint16_t port) {
  char *copy = allocator_copy_string(host);
  if (copy == NULL) return NULL;
  if (resumption->count == ENTRIES_MAX) drop(resumption, oldest(resumption));
  struct entry *entry = &resumption->entries[resumption->count++];
  *entry = (struct entry){.host = copy, .port = port};
  return entry;
}

static struct entry *oldest(struct tls_resumption *resumption) {
  struct entry *found = &resumption->entries[0];
  for (uint32_t i = 1; i < resumption->count; i++)
    if (resumption->entries[i].stamp < found->stamp) found = &resumption->entries[i];
  return found;
}

static void drop(struct tls_resumption *resumption, struct entry *entry) {
  SSL_SESSION_free(entry->session);
  allocator_free(entry->host);
  *entry = resumption->entries[--resumption->count];
}

/* Nobody looks at the peer's certificate again when a session is resumed, so it is not resumed for longer
 * than the certificate is valid. */
static bool is_over(const SSL_SESSION *session) {
  long age_s = (long)(clock_wall_ms() / 1000) - SSL_SESSION_get_time(session);
  if (age_s < 0 || age_s >= SSL_SESSION_get_timeout(session)) return true;
  union {
    const SSL_SESSION *read;
    SSL_SESSION *written; /* the function only reads */
  } asked = {.read = session};
  X509 *peer = SSL_SESSION_get0_peer(asked.written);
  return peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0;
}
