#include "network/transport_socket.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "network/poller.h"
#include "network/resolver.h"
#include "network/system_error.h"
#include "network/waker.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  SEND_VECTORS_MAX = 512,  /* segments for one system call; below every system's IOV_MAX */
  POLLED_EVENTS_MAX = 128, /* descriptors that one wait handles */
  REASON_BYTES = 128,
};

#define WAKER_KEY UINT64_MAX

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* where it is missing, SO_NOSIGPIPE is set instead */
#endif

/* A socket handle is an index into `entries`. descriptor -1: free, and in the list that starts at
 * first_free. */
struct socket_entry {
  int descriptor;
  bool wants_write;
  int error; /* errno of the last failure, for describe; a pending one fails the next send */
  uint64_t token;
  int64_t next_free;
};

/* Owned by one thread, except `waker`. */
struct transport_socket {
  struct transport base;
  struct transport_socket_settings settings;
  struct poller *poller;
  struct waker waker;
  struct resolver *resolver;
  bool abandoned;
  struct socket_entry *entries;
  int64_t entry_count, entry_capacity;
  int64_t first_free;    /* -1: none */
  struct list delivered; /* answers that the last wait handed out */
  bool answers_left;     /* it had no room for all of them */
  char reason[REASON_BYTES];
};

static int32_t operation_resolve(struct transport *base, const char *host, uint16_t port, bool canonical,
                                 uint64_t token);
static int32_t operation_connect(struct transport *base, const struct address *address, const char *host,
                                 uint64_t token, int64_t *socket, char *reason, size_t reason_size);
static int32_t operation_connected(struct transport *base, int64_t socket, char *reason, size_t reason_size);
static enum transport_outcome operation_send(struct transport *base, int64_t socket,
                                             const struct transport_segment *segments, size_t segment_count,
                                             size_t *count);
static enum transport_outcome operation_receive(struct transport *base, int64_t socket, uint8_t *to,
                                                size_t capacity, size_t *count);
static void operation_want_write(struct transport *base, int64_t socket, bool wanted);
static const char *operation_describe(struct transport *base, int64_t socket);
static int32_t operation_failure(struct transport *base, int64_t socket);
static void operation_close(struct transport *base, int64_t socket);
static uint32_t operation_wait(struct transport *base, int64_t timeout_us, struct transport_event *events,
                               uint32_t capacity);
static void operation_wake(struct transport *base);
static void operation_destroy(struct transport *base);
static void operation_abandon(struct transport *base);
static struct transport_socket *socket_of(struct transport *base);
static struct socket_entry *entry_of(struct transport_socket *transport, int64_t socket);
static void wake_transport(void *context);
static int32_t reserve_entry(struct transport_socket *transport, int64_t *socket);
static void release_entry(struct transport_socket *transport, int64_t socket);
static int open_socket(const struct transport_socket *transport, const struct address *address);
static void set_options(const struct transport_socket *transport, int descriptor);
static int start_connect(int descriptor, const struct address *address);
static ssize_t send_vectors(int descriptor, const struct transport_segment *segments, size_t count,
                            size_t *bytes);
static uint32_t take_answers(struct transport_socket *transport, struct transport_event *events,
                             uint32_t capacity);
static void free_delivered(struct transport_socket *transport);
static uint32_t translate(struct transport_socket *transport, const struct poller_event *polled,
                          struct transport_event *events);

static const struct transport_operations OPERATIONS = {
    .resolve = operation_resolve,
    .connect = operation_connect,
    .connected = operation_connected,
    .send = operation_send,
    .receive = operation_receive,
    .want_write = operation_want_write,
    .describe = operation_describe,
    .failure = operation_failure,
    .close = operation_close,
    .wait = operation_wait,
    .wake = operation_wake,
    .destroy = operation_destroy,
    .abandon = operation_abandon,
};

int32_t transport_socket_create(const struct transport_socket_settings *settings,
                                struct transport **transport) {
  struct transport_socket *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->base.operations = &OPERATIONS;
  created->settings = *settings;
  created->first_free = -1;
  list_init(&created->delivered);
  const struct resolver_settings resolver_settings = {
      .address_family = settings->address_family, .wake = wake_transport, .wake_context = created};
  int32_t status = waker_init(&created->waker);
  if (status == STATUS_OK) status = poller_create(&created->poller);
  if (status == STATUS_OK)
    status = poller_add(created->poller, created->waker.read_descriptor, WAKER_KEY, false);
  if (status == STATUS_OK) status = resolver_create(&resolver_settings, &created->resolver);
  if (status != STATUS_OK) {
    operation_destroy(&created->base);
    return status;
  }
  *transport = &created->base;
  return STATUS_OK;
}

/* ---- operations ---- */

static int32_t operation_resolve(struct transport *base, const char *host, uint16_t port, bool canonical,
                                 uint64_t token) {
  return resolver_ask(socket_of(base)->resolver, host, port, canonical, token);
}

static int32_t operation_connect(struct transport *base, const struct address *address, const char *host,
                                 uint64_t token, int64_t *socket, char *reason, size_t reason_size) {
  struct transport_socket *transport = socket_of(base);
  int64_t handle;
  (void)host;
  int32_t status = reserve_entry(transport, &handle);
  if (status != STATUS_OK) {
    snprintf(reason, reason_size, "%s", status_text(status));
    return status;
  }
  int descriptor = open_socket(transport, address);
  int error = descriptor < 0 ? errno : start_connect(descriptor, address);
  if (error == 0) {
    status = poller_add(transport->poller, descriptor, (uint64_t)handle, true);
    error = status == STATUS_OK ? 0 : status == STATUS_OUT_OF_MEMORY ? ENOMEM : errno;
  }
  if (error != 0) {
    if (descriptor >= 0) close(descriptor);
    release_entry(transport, handle);
    system_error_format(error, reason, reason_size);
    return status != STATUS_OK ? status : system_error_connect_status(error);
  }
  struct socket_entry *entry = &transport->entries[handle];
  *entry =
      (struct socket_entry){.descriptor = descriptor, .wants_write = true, .token = token, .next_free = -1};
  *socket = handle;
  return STATUS_OK;
}

static int32_t operation_connected(struct transport *base, int64_t socket, char *reason, size_t reason_size) {
  const struct socket_entry *entry = entry_of(socket_of(base), socket);
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(entry->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return STATUS_OK;
  system_error_format(error, reason, reason_size);
  return system_error_connect_status(error);
}

static enum transport_outcome operation_send(struct transport *base, int64_t socket,
                                             const struct transport_segment *segments, size_t segment_count,
                                             size_t *count) {
  struct socket_entry *entry = entry_of(socket_of(base), socket);
  size_t total = 0;
  if (entry->error != 0) return TRANSPORT_FAILED;
  while (segment_count > 0) {
    size_t step = segment_count < SEND_VECTORS_MAX ? segment_count : SEND_VECTORS_MAX;
    size_t offered;
    ssize_t taken = send_vectors(entry->descriptor, segments, step, &offered);
    if (taken < 0 && errno != EAGAIN && errno != EWOULDBLOCK) entry->error = errno;
    if (taken > 0) total += (size_t)taken;
    if (taken < 0 || (size_t)taken < offered) break;
    segments += step;
    segment_count -= step;
  }
  if (total == 0 && entry->error != 0) return TRANSPORT_FAILED;
  if (total == 0) return TRANSPORT_WOULD_BLOCK;
  *count = total;
  return TRANSPORT_DONE;
}

static enum transport_outcome operation_receive(struct transport *base, int64_t socket, uint8_t *to,
                                                size_t capacity, size_t *count) {
  struct socket_entry *entry = entry_of(socket_of(base), socket);
  ssize_t received;
  do {
    received = recv(entry->descriptor, to, capacity, 0);
  } while (received < 0 && errno == EINTR);
  if (received == 0) return TRANSPORT_END;
  if (received < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return TRANSPORT_WOULD_BLOCK;
    entry->error = errno;
    return TRANSPORT_FAILED;
  }
  *count = (size_t)received;
  return TRANSPORT_DONE;
}

static void operation_want_write(struct transport *base, int64_t socket, bool wanted) {
  struct transport_socket *transport = socket_of(base);
  struct socket_entry *entry = entry_of(transport, socket);
  if (entry->wants_write == wanted) return;
  entry->wants_write = wanted;
  poller_set_writing(transport->poller, entry->descriptor, (uint64_t)socket, wanted);
}

static const char *operation_describe(struct transport *base, int64_t socket) {
  struct transport_socket *transport = socket_of(base);
  const struct socket_entry *entry = entry_of(transport, socket);
  return system_error_format(entry->error, transport->reason, sizeof transport->reason);
}

static int32_t operation_failure(struct transport *base, int64_t socket) {
  (void)base;
  (void)socket;
  return STATUS_DISCONNECTED;
}

static void operation_close(struct transport *base, int64_t socket) {
  struct transport_socket *transport = socket_of(base);
  struct socket_entry *entry = entry_of(transport, socket);
  int descriptor = entry->descriptor;
  poller_remove(transport->poller, descriptor);
  /* Before the close, so that a child forked in between does not close another file under this number. */
  release_entry(transport, socket);
  close(descriptor);
}

static uint32_t operation_wait(struct transport *base, int64_t timeout_us, struct transport_event *events,
                               uint32_t capacity) {
  struct transport_socket *transport = socket_of(base);
  struct poller_event polled[POLLED_EVENTS_MAX];
  ASSERT(capacity >= 4);
  free_delivered(transport);
  uint32_t count = transport->answers_left ? take_answers(transport, events, capacity / 2) : 0;
  /* A descriptor that is readable and writable makes two events. */
  uint32_t limit = (capacity - count) / 2;
  if (limit > POLLED_EVENTS_MAX) limit = POLLED_EVENTS_MAX;
  uint32_t polled_count = poller_wait(transport->poller, count > 0 ? 0 : timeout_us, polled, limit);
  bool was_woken = false;
  for (uint32_t i = 0; i < polled_count; i++) {
    if (polled[i].key == WAKER_KEY)
      was_woken = true;
    else
      count += translate(transport, &polled[i], &events[count]);
  }
  if (was_woken) {
    waker_drain(&transport->waker);
    count += take_answers(transport, &events[count], capacity - count);
  }
  return count;
}

static void operation_wake(struct transport *base) {
  waker_wake(&socket_of(base)->waker);
}

static void operation_destroy(struct transport *base) {
  struct transport_socket *transport = socket_of(base);
  /* A child cannot know whether the resolver's lock was held at the fork: its memory is left alone. */
  if (!transport->abandoned) resolver_destroy(transport->resolver);
  free_delivered(transport);
  for (int64_t i = 0; i < transport->entry_count; i++)
    if (transport->entries[i].descriptor >= 0) close(transport->entries[i].descriptor);
  poller_destroy(transport->poller);
  waker_deinit(&transport->waker);
  allocator_free(transport->entries);
  allocator_free(transport);
}

static void operation_abandon(struct transport *base) {
  struct transport_socket *transport = socket_of(base);
  transport->abandoned = true;
  for (int64_t i = 0; i < transport->entry_count; i++) {
    int descriptor = transport->entries[i].descriptor;
    transport->entries[i].descriptor = -1;
    if (descriptor >= 0) close(descriptor);
  }
  poller_abandon(transport->poller);
  waker_deinit(&transport->waker);
}

/* ---- entries ---- */

static struct transport_socket *socket_of(struct transport *base) {
  return (struct transport_socket *)(void *)base; /* its first member */
}

static struct socket_entry *entry_of(struct transport_socket *transport, int64_t socket) {
  ASSERT(socket >= 0 && socket < transport->entry_count);
  ASSERT(transport->entries[socket].descriptor >= 0);
  return &transport->entries[socket];
}

static void wake_transport(void *context) {
  struct transport_socket *transport = context;
  waker_wake(&transport->waker);
}

/* The entry stays marked as free (descriptor -1) until the caller fills it in. */
static int32_t reserve_entry(struct transport_socket *transport, int64_t *socket) {
  if (transport->first_free >= 0) {
    *socket = transport->first_free;
    transport->first_free = transport->entries[*socket].next_free;
    return STATUS_OK;
  }
  if (transport->entry_count == transport->entry_capacity) {
    int64_t capacity = transport->entry_capacity == 0 ? 8 : transport->entry_capacity * 2;
    size_t size = (size_t)capacity * sizeof *transport->entries;
    struct socket_entry *entries = allocator_reallocate(transport->entries, size);
    if (entries == NULL) return STATUS_OUT_OF_MEMORY;
    transport->entries = entries;
    transport->entry_capacity = capacity;
  }
  *socket = transport->entry_count;
  transport->entries[*socket] = (struct socket_entry){.descriptor = -1, .next_free = -1};
  transport->entry_count++;
  return STATUS_OK;
}

static void release_entry(struct transport_socket *transport, int64_t socket) {
  struct socket_entry *entry = &transport->entries[socket];
  entry->descriptor = -1;
  entry->next_free = transport->first_free;
  transport->first_free = socket;
}

/* ---- sockets ---- */

/* -1 with errno set. */
static int open_socket(const struct transport_socket *transport, const struct address *address) {
  int family = address->size == sizeof(struct sockaddr_in6) ? AF_INET6 : AF_INET;
#ifdef SOCK_NONBLOCK
  int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
#else
  int descriptor = socket(family, SOCK_STREAM, 0);
  if (descriptor < 0) return -1;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
#endif
  set_options(transport, descriptor);
  return descriptor;
}

/* Each option is a wish: a connection without it still carries records. */
static void set_options(const struct transport_socket *transport, int descriptor) {
  const struct transport_socket_settings *settings = &transport->settings;
  const int one = 1;
  if (settings->no_delay) setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (settings->keepalive) setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  if (settings->send_buffer_bytes >= 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &settings->send_buffer_bytes, sizeof(int32_t));
  if (settings->receive_buffer_bytes >= 0) /* before the connect: it decides the window scale */
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &settings->receive_buffer_bytes, sizeof(int32_t));
#ifdef TCP_USER_TIMEOUT
  if (settings->user_timeout_ms > 0)
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &settings->user_timeout_ms, sizeof(int32_t));
#endif
#ifdef SO_NOSIGPIPE
  setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#endif
}

/* 0 if the connect is done or under way, else errno's value. An interrupted connect goes on by itself. */
static int start_connect(int descriptor, const struct address *address) {
  struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
  memcpy(&storage, address->storage, address->size);
  if (connect(descriptor, (const struct sockaddr *)&storage, address->size) == 0) return 0;
  return errno == EINPROGRESS || errno == EINTR ? 0 : errno;
}

/* Returns sendmsg's result; *bytes receives what was offered. */
static ssize_t send_vectors(int descriptor, const struct transport_segment *segments, size_t count,
                            size_t *bytes) {
  struct iovec vectors[SEND_VECTORS_MAX];
  size_t offered = 0;
  for (size_t i = 0; i < count; i++) {
    /* sendmsg only reads, but struct iovec has no const. */
    union {
      const void *read;
      void *written;
    } base = {.read = segments[i].data};
    vectors[i] = (struct iovec){.iov_base = base.written, .iov_len = segments[i].size};
    offered += segments[i].size;
  }
  struct msghdr message = {.msg_iov = vectors};
  message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
  ssize_t taken;
  do {
    taken = sendmsg(descriptor, &message, MSG_NOSIGNAL);
  } while (taken < 0 && errno == EINTR);
  *bytes = offered;
  return taken;
}

/* ---- events ---- */

static uint32_t take_answers(struct transport_socket *transport, struct transport_event *events,
                             uint32_t capacity) {
  uint32_t count = 0;
  while (true) {
    transport->answers_left = count == capacity;
    if (transport->answers_left) break;
    struct resolver_lookup *answer = resolver_take(transport->resolver);
    if (answer == NULL) break;
    list_append(&transport->delivered, &answer->node);
    events[count++] = (struct transport_event){.kind = TRANSPORT_RESOLVED,
                                               .token = answer->token,
                                               .status = answer->status,
                                               .address_count = answer->address_count,
                                               .addresses = answer->addresses,
                                               .reason = answer->reason};
  }
  return count;
}

static void free_delivered(struct transport_socket *transport) {
  while (!list_is_empty(&transport->delivered)) {
    struct resolver_lookup *answer = LIST_ENTRY(transport->delivered.next, struct resolver_lookup, node);
    list_remove(&answer->node);
    allocator_free(answer);
  }
}

/* WRITABLE goes first: it also says that the connection is there to be read from. */
static uint32_t translate(struct transport_socket *transport, const struct poller_event *polled,
                          struct transport_event *events) {
  const struct socket_entry *entry = &transport->entries[polled->key];
  uint32_t count = 0;
  if (entry->descriptor < 0) return 0;
  if (polled->writable && entry->wants_write)
    events[count++] = (struct transport_event){.kind = TRANSPORT_WRITABLE, .token = entry->token};
  if (polled->readable)
    events[count++] = (struct transport_event){.kind = TRANSPORT_READABLE, .token = entry->token};
  return count;
}
