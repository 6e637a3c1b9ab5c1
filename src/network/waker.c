#include "network/waker.h"

#include "base/status.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

static int32_t open_descriptors(struct waker *waker);

int32_t waker_init(struct waker *waker) {
  waker->read_descriptor = -1;
  waker->write_descriptor = -1;
  atomic_init(&waker->signalled, false);
  return open_descriptors(waker);
}

void waker_deinit(struct waker *waker) {
  int read_descriptor = waker->read_descriptor, write_descriptor = waker->write_descriptor;
  waker->read_descriptor = -1;
  waker->write_descriptor = -1;
  if (read_descriptor >= 0) close(read_descriptor);
  if (write_descriptor >= 0 && write_descriptor != read_descriptor) close(write_descriptor);
}

void waker_wake(struct waker *waker) {
  if (atomic_exchange(&waker->signalled, true)) return;
  int saved = errno;
  const uint64_t one = 1;
  /* Neither form can be full: at most one write is outstanding. */
  while (write(waker->write_descriptor, &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = saved;
}

void waker_drain(struct waker *waker) {
  uint64_t wakes;
  while (read(waker->read_descriptor, &wakes, sizeof wakes) < 0 && errno == EINTR) {
  }
  /* After the read: cleared before it, a wake in between would be read here and yet stay marked. */
  atomic_exchange(&waker->signalled, false);
}

#ifdef __linux__
static int32_t open_descriptors(struct waker *waker) {
  int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0) return STATUS_SYSTEM_ERROR;
  waker->read_descriptor = descriptor;
  waker->write_descriptor = descriptor;
  return STATUS_OK;
}
#else
static int32_t open_descriptors(struct waker *waker) {
  int ends[2];
  if (pipe(ends) != 0) return STATUS_SYSTEM_ERROR;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  waker->read_descriptor = ends[0];
  waker->write_descriptor = ends[1];
  return STATUS_OK;
}
#endif
