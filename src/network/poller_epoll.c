#include "network/poller.h"

#if POLLER_USES_EPOLL

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

struct poller {
  int descriptor;
};

static struct epoll_event watch(uint64_t key, bool writing);

int32_t poller_create(struct poller **poller) {
  struct poller *created = allocator_allocate(sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (created->descriptor < 0) {
    allocator_free(created);
    return STATUS_SYSTEM_ERROR;
  }
  *poller = created;
  return STATUS_OK;
}

void poller_destroy(struct poller *poller) {
  if (poller == NULL) return;
  poller_abandon(poller);
  allocator_free(poller);
}

void poller_abandon(struct poller *poller) {
  int descriptor = poller->descriptor;
  poller->descriptor = -1;
  if (descriptor >= 0) close(descriptor);
}

int32_t poller_add(struct poller *poller, int descriptor, uint64_t key, bool writing) {
  struct epoll_event event = watch(key, writing);
  if (epoll_ctl(poller->descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0) return STATUS_OK;
  return errno == ENOMEM ? STATUS_OUT_OF_MEMORY : STATUS_SYSTEM_ERROR;
}

void poller_set_writing(struct poller *poller, int descriptor, uint64_t key, bool writing) {
  struct epoll_event event = watch(key, writing);
  epoll_ctl(poller->descriptor, EPOLL_CTL_MOD, descriptor, &event);
}

void poller_remove(struct poller *poller, int descriptor) {
  epoll_ctl(poller->descriptor, EPOLL_CTL_DEL, descriptor, NULL);
}

uint32_t poller_wait(struct poller *poller, int64_t timeout_us, struct poller_event *events,
                     uint32_t capacity) {
  ASSERT(capacity > 0);
  struct epoll_event ready[EVENTS_MAX];
  int limit = capacity < EVENTS_MAX ? (int)capacity : EVENTS_MAX;
  int count = epoll_wait(poller->descriptor, ready, limit, poller_timeout_ms(timeout_us));
  if (count <= 0) return 0;
  const uint32_t broken = EPOLLERR | EPOLLHUP;
  for (int i = 0; i < count; i++)
    events[i] = (struct poller_event){.key = ready[i].data.u64,
                                      .readable = (ready[i].events & (EPOLLIN | broken)) != 0,
                                      .writable = (ready[i].events & (EPOLLOUT | broken)) != 0};
  return (uint32_t)count;
}

static struct epoll_event watch(uint64_t key, bool writing) {
  return (struct epoll_event){.events = EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0), .data = {.u64 = key}};
}

#else
typedef int poller_is_another;
#endif
