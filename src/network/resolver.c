#include "network/resolver.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/condition.h"
#include "base/lock.h"
#include "base/status.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

LOCK_ROLE(resolver_guard);

/* `lock` guards everything below it. A look-up is in exactly one of the three lists, or with its taker. */
struct resolver {
  struct resolver_settings settings;
  struct lock lock;
  struct list asked GUARDED_BY(resolver_guard);
  struct list running GUARDED_BY(resolver_guard);
  struct list answered GUARDED_BY(resolver_guard);
  uint32_t thread_count GUARDED_BY(resolver_guard);
  uint32_t reference_count GUARDED_BY(resolver_guard); /* the owner and each thread */
  bool destroyed GUARDED_BY(resolver_guard);
};
LOCK_GUARD(resolver_guard, resolver, lock);

static void forget_token(struct resolver *resolver, uint64_t token) REQUIRES(resolver_guard);
static int32_t start_thread(struct resolver *resolver) REQUIRES(resolver_guard);
static void *run_thread(void *argument);
static void drop_reference(struct resolver *resolver) RELEASE(resolver_guard);
static void free_resolver(struct resolver *resolver) NO_THREAD_SAFETY_ANALYSIS;
static void free_all(struct list *lookups);
static bool answer_numeric(struct resolver_lookup *lookup);
static int32_t query(struct resolver_lookup *lookup, const char *host, int flags);
static void add_canonical(struct resolver_lookup *lookup);
static void add_address(struct resolver_lookup *lookup, const struct address *address);

int32_t resolver_create(const struct resolver_settings *settings,
                        struct resolver **resolver) NO_THREAD_SAFETY_ANALYSIS {
  struct resolver *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->settings = *settings;
  if (created->settings.look_up == NULL) created->settings.look_up = resolver_look_up;
  lock_init(&created->lock);
  list_init(&created->asked);
  list_init(&created->running);
  list_init(&created->answered);
  created->reference_count = 1;
  *resolver = created;
  return STATUS_OK;
}

void resolver_destroy(struct resolver *resolver) {
  if (resolver == NULL) return;
  resolver_guard_acquire(resolver);
  resolver->destroyed = true;
  free_all(&resolver->asked);
  free_all(&resolver->answered);
  drop_reference(resolver);
}

int32_t resolver_ask(struct resolver *resolver, const char *host, uint16_t port, bool canonical,
                     uint64_t token) {
  size_t host_bytes = strlen(host);
  if (host_bytes == 0 || host_bytes >= RESOLVER_HOST_BYTES) return STATUS_INVALID_ARGUMENT;
  struct resolver_lookup *lookup = allocator_allocate_zeroed(1, sizeof *lookup);
  if (lookup == NULL) return STATUS_OUT_OF_MEMORY;
  memcpy(lookup->host, host, host_bytes + 1);
  lookup->token = token;
  lookup->port = port;
  lookup->canonical = canonical;
  lookup->address_family = resolver->settings.address_family;
  list_init(&lookup->node);

  int32_t status = STATUS_OK;
  bool is_numeric = answer_numeric(lookup);
  resolver_guard_acquire(resolver);
  forget_token(resolver, token);
  if (is_numeric) {
    list_append(&resolver->answered, &lookup->node);
    resolver->settings.wake(resolver->settings.wake_context);
  } else {
    list_append(&resolver->asked, &lookup->node);
    status = start_thread(resolver);
    if (status != STATUS_OK) {
      list_remove(&lookup->node);
      allocator_free(lookup);
    }
  }
  resolver_guard_release(resolver);
  return status;
}

struct resolver_lookup *resolver_take(struct resolver *resolver) {
  struct resolver_lookup *lookup = NULL;
  resolver_guard_acquire(resolver);
  if (!list_is_empty(&resolver->answered)) {
    lookup = LIST_ENTRY(resolver->answered.next, struct resolver_lookup, node);
    list_remove(&lookup->node);
  }
  resolver_guard_release(resolver);
  return lookup;
}

void resolver_look_up(struct resolver_lookup *lookup) {
  lookup->address_count = 0;
  int error = query(lookup, lookup->host, 0);
  if (error == 0 && lookup->canonical) add_canonical(lookup);
  lookup->status = lookup->address_count > 0 ? STATUS_OK : STATUS_NAME_NOT_RESOLVED;
  if (lookup->status != STATUS_OK)
    snprintf(lookup->reason, sizeof lookup->reason, "%s",
             error == 0 ? "the name has no address" : gai_strerror(error));
}

/* ---- threads ---- */

static void forget_token(struct resolver *resolver, uint64_t token) {
  struct list *lists[] = {&resolver->asked, &resolver->running, &resolver->answered};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
    for (struct list *at = lists[i]->next, *next; at != lists[i]; at = next) {
      next = at->next;
      struct resolver_lookup *lookup = LIST_ENTRY(at, struct resolver_lookup, node);
      if (lookup->token != token) continue;
      if (lists[i] == &resolver->running) {
        lookup->replaced = true; /* its thread frees it */
        continue;
      }
      list_remove(at);
      allocator_free(lookup);
    }
}

/* Fails only if no thread is left that would take the look-up. */
static int32_t start_thread(struct resolver *resolver) {
  if (resolver->thread_count == RESOLVER_THREADS_MAX) return STATUS_OK;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0)
    return resolver->thread_count > 0 ? STATUS_OK : STATUS_SYSTEM_ERROR;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all, before;
  sigfillset(&all); /* the host's signals are handled on the host's threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, run_thread, resolver);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error != 0) return resolver->thread_count > 0 ? STATUS_OK : STATUS_SYSTEM_ERROR;
  resolver->thread_count++;
  resolver->reference_count++;
  return STATUS_OK;
}

static void *run_thread(void *argument) {
  struct resolver *resolver = argument;
  resolver_guard_acquire(resolver);
  while (!list_is_empty(&resolver->asked)) {
    struct resolver_lookup *lookup = LIST_ENTRY(resolver->asked.next, struct resolver_lookup, node);
    list_remove(&lookup->node);
    list_append(&resolver->running, &lookup->node);
    resolver_guard_release(resolver);

    resolver->settings.look_up(lookup);

    resolver_guard_acquire(resolver);
    list_remove(&lookup->node);
    if (resolver->destroyed || lookup->replaced) {
      allocator_free(lookup);
    } else {
      list_append(&resolver->answered, &lookup->node);
      resolver->settings.wake(resolver->settings.wake_context);
    }
  }
  resolver->thread_count--;
  drop_reference(resolver);
  return NULL;
}

/* Called with the lock held; gives it up. */
static void drop_reference(struct resolver *resolver) {
  bool is_last = --resolver->reference_count == 0;
  resolver_guard_release(resolver);
  if (is_last) free_resolver(resolver);
}

/* Nobody else is there. */
static void free_resolver(struct resolver *resolver) {
  ASSERT(list_is_empty(&resolver->asked) && list_is_empty(&resolver->running));
  ASSERT(list_is_empty(&resolver->answered));
  lock_deinit(&resolver->lock);
  allocator_free(resolver);
}

static void free_all(struct list *lookups) {
  while (!list_is_empty(lookups)) {
    struct resolver_lookup *lookup = LIST_ENTRY(lookups->next, struct resolver_lookup, node);
    list_remove(&lookup->node);
    allocator_free(lookup);
  }
}

/* ---- the system's look-up ---- */

static bool answer_numeric(struct resolver_lookup *lookup) {
  if (lookup->canonical) return false; /* its name has to be asked for */
  if (query(lookup, lookup->host, AI_NUMERICHOST) != 0) return false;
  lookup->status = STATUS_OK;
  return true;
}

/* Adds the addresses of host; returns getaddrinfo's error. */
static int32_t query(struct resolver_lookup *lookup, const char *host, int flags) {
  int family = lookup->address_family == 4 ? AF_INET : lookup->address_family == 6 ? AF_INET6 : AF_UNSPEC;
  const struct addrinfo hints = {
      .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
  char service[8];
  snprintf(service, sizeof service, "%u", (unsigned)lookup->port);
  struct addrinfo *found = NULL;
  int error = getaddrinfo(host, service, &hints, &found);
  if (error != 0) return error;
  for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
    struct address address = {.size = 0};
    if (at->ai_addrlen > sizeof address.storage) continue;
    if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
    memcpy(address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    add_address(lookup, &address);
  }
  freeaddrinfo(found);
  return 0;
}

/* KIP-235: an alias of many servers becomes the servers' own names, and those their addresses. An address
 * without a name stands for itself. */
static void add_canonical(struct resolver_lookup *lookup) {
  struct address aliases[TRANSPORT_MAX_ADDRESSES];
  uint32_t alias_count = lookup->address_count;
  memcpy(aliases, lookup->addresses, alias_count * sizeof aliases[0]);
  lookup->address_count = 0;
  for (uint32_t i = 0; i < alias_count; i++) {
    struct sockaddr_storage socket_address = {.ss_family = AF_UNSPEC};
    memcpy(&socket_address, aliases[i].storage, aliases[i].size);
    char name[NI_MAXHOST];
    int error = getnameinfo((const struct sockaddr *)&socket_address, aliases[i].size, name, sizeof name,
                            NULL, 0, NI_NAMEREQD);
    if (error != 0 || query(lookup, name, 0) != 0) add_address(lookup, &aliases[i]);
  }
}

static void add_address(struct resolver_lookup *lookup, const struct address *address) {
  if (lookup->address_count == TRANSPORT_MAX_ADDRESSES) return;
  for (uint32_t i = 0; i < lookup->address_count; i++)
    if (address_equal(&lookup->addresses[i], address)) return;
  lookup->addresses[lookup->address_count++] = *address;
}
