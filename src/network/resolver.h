/* Name look-ups off the network thread: getaddrinfo may take half a minute and cannot be interrupted.
 *
 * Look-ups run on up to RESOLVER_THREADS_MAX detached threads, started when there is one to make and ended
 * when there is none left. Threads and owner share a counted reference: destroy drops the owner's and returns
 * at once, and what a thread still holds is freed when its look-up ends. Numeric addresses are answered
 * without a thread. The owner's thread calls everything here. */
#ifndef NETWORK_RESOLVER_H
#define NETWORK_RESOLVER_H

#include "base/list.h"
#include "network/transport.h"

enum {
  RESOLVER_THREADS_MAX = 4,  /* one dead name server must not hold up every other name for long */
  RESOLVER_HOST_BYTES = 256, /* a DNS name has at most 253 characters */
  RESOLVER_REASON_BYTES = 128,
};

struct resolver;

/* A question with room for its answer, so that the threads need no memory of ours. */
struct resolver_lookup {
  struct list node;
  uint64_t token;
  char host[RESOLVER_HOST_BYTES];
  uint16_t port;
  bool canonical;
  bool replaced;          /* its answer is not wanted any more */
  int32_t address_family; /* 0 any, 4, 6 */
  /* the answer */
  int32_t status; /* STATUS_OK or STATUS_NAME_NOT_RESOLVED */
  uint32_t address_count;
  struct address addresses[TRANSPORT_MAX_ADDRESSES];
  char reason[RESOLVER_REASON_BYTES];
};

/* Copied by resolver_create. */
struct resolver_settings {
  int32_t address_family; /* 0 any, 4, 6 */
  /* Called from the resolver's threads, under its lock, once an answer can be taken; must not block. Not
   * called after resolver_destroy has returned. */
  void (*wake)(void *context);
  void *wake_context;
  /* What answers a look-up, on a thread; NULL for the system's. For tests. */
  void (*look_up)(struct resolver_lookup *lookup);
};

int32_t resolver_create(const struct resolver_settings *settings, struct resolver **resolver);

/* Never waits for a look-up under way. NULL is allowed. */
void resolver_destroy(struct resolver *resolver);

/* Asks for the addresses of host. A look-up under the same token that was not taken yet is forgotten.
 * STATUS_INVALID_ARGUMENT (host empty or too long), STATUS_OUT_OF_MEMORY, STATUS_SYSTEM_ERROR (no thread). */
int32_t resolver_ask(struct resolver *resolver, const char *host, uint16_t port, bool canonical,
                     uint64_t token);

/* The next answer, in order of arrival, or NULL. The caller frees it with allocator_free. */
struct resolver_lookup *resolver_take(struct resolver *resolver);

/* The system's look-up: getaddrinfo, and with `canonical` the addresses of each address's own name (KIP-235).
 * Any thread; blocks. */
void resolver_look_up(struct resolver_lookup *lookup);

#endif
