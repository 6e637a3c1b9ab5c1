#include "network/poller.h"

#if !POLLER_USES_EPOLL

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include <errno.h>
#include <poll.h>

/* watched[i] and keys[i] belong together, dense; positions[descriptor] is the index in them, -1 without. */
struct poller {
  struct pollfd *watched;
  uint64_t *keys;
  uint32_t count, capacity;
  int32_t *positions;
  uint32_t position_count;
  uint32_t turn; /* where the next wait begins to look, so that a small capacity starves none */
};

static bool reserve_entry(struct poller *poller);
static bool reserve_position(struct poller *poller, int descriptor);
static struct poller_event event_at(const struct poller *poller, uint32_t index);

int32_t poller_create(struct poller **poller) {
  struct poller *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  *poller = created;
  return STATUS_OK;
}

void poller_destroy(struct poller *poller) {
  if (poller == NULL) return;
  allocator_free(poller->watched);
  allocator_free(poller->keys);
  allocator_free(poller->positions);
  allocator_free(poller);
}

void poller_abandon(struct poller *poller) {
  (void)poller; /* has no descriptor of its own */
}

int32_t poller_add(struct poller *poller, int descriptor, uint64_t key, bool writing) {
  if (!reserve_entry(poller) || !reserve_position(poller, descriptor)) return STATUS_OUT_OF_MEMORY;
  uint32_t index = poller->count++;
  poller->watched[index] =
      (struct pollfd){.fd = descriptor, .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
  poller->keys[index] = key;
  poller->positions[descriptor] = (int32_t)index;
  return STATUS_OK;
}

void poller_set_writing(struct poller *poller, int descriptor, uint64_t key, bool writing) {
  int32_t index = poller->positions[descriptor];
  ASSERT(index >= 0 && poller->keys[index] == key);
  poller->watched[index].events = (short)(POLLIN | (writing ? POLLOUT : 0));
}

void poller_remove(struct poller *poller, int descriptor) {
  int32_t index = poller->positions[descriptor];
  ASSERT(index >= 0);
  uint32_t last = --poller->count;
  poller->watched[index] = poller->watched[last];
  poller->keys[index] = poller->keys[last];
  poller->positions[poller->watched[index].fd] = index;
  poller->positions[descriptor] = -1;
}

uint32_t poller_wait(struct poller *poller, int64_t timeout_us, struct poller_event *events,
                     uint32_t capacity) {
  ASSERT(capacity > 0);
  int ready = poll(poller->watched, poller->count, poller_timeout_ms(timeout_us));
  if (ready <= 0) return 0;
  uint32_t found = 0, start = poller->turn;
  for (uint32_t step = 0; step < poller->count && found < capacity; step++) {
    uint32_t index = (start + step) % poller->count;
    if (poller->watched[index].revents == 0) continue;
    events[found++] = event_at(poller, index);
    poller->turn = index + 1;
  }
  return found;
}

static bool reserve_entry(struct poller *poller) {
  if (poller->count < poller->capacity) return true;
  uint32_t capacity = poller->capacity == 0 ? 16 : poller->capacity * 2;
  struct pollfd *watched = allocator_reallocate(poller->watched, capacity * sizeof *watched);
  if (watched == NULL) return false;
  poller->watched = watched;
  uint64_t *keys = allocator_reallocate(poller->keys, capacity * sizeof *keys);
  if (keys == NULL) return false;
  poller->keys = keys;
  poller->capacity = capacity;
  return true;
}

static bool reserve_position(struct poller *poller, int descriptor) {
  ASSERT(descriptor >= 0);
  if ((uint32_t)descriptor < poller->position_count) return true;
  uint32_t count = (uint32_t)descriptor + 64;
  int32_t *positions = allocator_reallocate(poller->positions, count * sizeof *positions);
  if (positions == NULL) return false;
  for (uint32_t i = poller->position_count; i < count; i++)
    positions[i] = -1;
  poller->positions = positions;
  poller->position_count = count;
  return true;
}

static struct poller_event event_at(const struct poller *poller, uint32_t index) {
  int happened = poller->watched[index].revents;
  const int broken = POLLERR | POLLHUP | POLLNVAL;
  return (struct poller_event){.key = poller->keys[index],
                               .readable = (happened & (POLLIN | broken)) != 0,
                               .writable = (happened & (POLLOUT | broken)) != 0};
}

#else
typedef int poller_is_another;
#endif
