#include "broker/broker_server.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/list.h"
#include "base/lock.h"
#include "base/status.h"
#include "broker/broker_connection.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  LISTEN_BACKLOG = 128,
  ACCEPT_RETRY_MS = 100, /* after the system had no descriptor left */
  POLL_WAKE = 0,         /* places in polled */
  POLL_LISTENER = 1,
  POLL_FIRST_CONNECTION = 2,
};

/* Who may touch what: the mutex guards model, paused, stopping and disconnecting; connections,
 * connection_count, polled and accept_after_us belong to the server's thread while it runs; the rest is set
 * while it does not run. */
struct broker_server {
  struct lock mutex;
  struct broker_model *model;
  bool paused GUARDED_BY(broker_model_lock);
  bool stopping GUARDED_BY(broker_model_lock);
  bool disconnecting GUARDED_BY(broker_model_lock);

  struct list connections;
  uint32_t connection_count;
  struct pollfd *polled;   /* room for connection_max_count and two more */
  int64_t accept_after_us; /* the system had no descriptor left: not before then */

  pthread_t thread;
  bool running;
  int listener; /* -1 while stopped */
  int wake_read, wake_write;
  char *address; /* owned */
  uint16_t port;
  uint32_t connection_max_count;
  size_t request_max_bytes;
};
LOCK_GUARD(broker_model_lock, broker_server, mutex);

/* What one turn of the loop has to do, as read under the mutex. */
struct server_orders {
  bool paused, stopping, disconnecting;
};

static int32_t server_open(struct broker_server *server, const struct broker_server_settings *settings);
static int32_t server_listen(struct broker_server *server);
static int bind_first(const struct addrinfo *addresses);
static uint16_t port_of(int listener);
static int32_t server_start(struct broker_server *server);
static void *server_run(void *context);
static struct server_orders orders_take(struct broker_server *server);
static void turn(struct broker_server *server, bool paused);
static nfds_t poll_prepare(struct broker_server *server, bool paused, int64_t now_us, int *timeout_ms);
static int64_t connection_due_us(const struct broker_connection *connection, uint64_t append_count,
                                 int64_t now_us);
static void wake_drain(struct broker_server *server);
static void accept_all(struct broker_server *server);
static bool connection_turn(struct broker_server *server, struct broker_connection *connection, short events);
static bool requests_handle(struct broker_server *server, struct broker_connection *connection);
static enum broker_answer request_handle(struct broker_server *server, struct broker_connection *connection,
                                         struct bytes request);
static void connection_remove(struct broker_server *server, struct broker_connection *connection);
static void connections_close(struct broker_server *server, bool reset);
static void server_wake(struct broker_server *server);

void broker_server_settings_init(struct broker_server_settings *settings) {
  *settings = (struct broker_server_settings){
      .address = "127.0.0.1", .connection_max_count = 1000, .request_max_bytes = 100 * 1024 * 1024};
  broker_settings_init(&settings->broker);
}

int32_t broker_server_create(const struct broker_server_settings *settings, struct broker_server **server) {
  struct broker_server *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  lock_init(&created->mutex);
  list_init(&created->connections);
  created->listener = created->wake_read = created->wake_write = -1;
  int32_t status = server_open(created, settings);
  if (status != STATUS_OK) {
    int reason = errno;
    broker_server_destroy(created);
    errno = reason;
    return status;
  }
  *server = created;
  return STATUS_OK;
}

void broker_server_destroy(struct broker_server *server) {
  if (server == NULL) return;
  broker_server_stop(server);
  if (server->wake_read != -1) close(server->wake_read);
  if (server->wake_write != -1) close(server->wake_write);
  broker_model_destroy(server->model);
  lock_deinit(&server->mutex);
  allocator_free(server->polled);
  allocator_free(server->address);
  allocator_free(server);
}

uint16_t broker_server_port(const struct broker_server *server) {
  return server->port;
}

struct broker_model *broker_server_lock(struct broker_server *server) {
  broker_model_lock_acquire(server);
  return server->model;
}

void broker_server_unlock(struct broker_server *server) {
  broker_model_lock_release(server);
  server_wake(server); /* a Fetch that waits may have something to say now */
}

void broker_server_pause(struct broker_server *server) {
  broker_model_lock_acquire(server);
  server->paused = true;
  broker_model_lock_release(server);
  server_wake(server);
}

void broker_server_continue(struct broker_server *server) {
  broker_model_lock_acquire(server);
  server->paused = false;
  broker_model_lock_release(server);
  server_wake(server);
}

void broker_server_disconnect(struct broker_server *server) {
  broker_model_lock_acquire(server);
  server->disconnecting = true;
  broker_model_lock_release(server);
  server_wake(server);
}

void broker_server_stop(struct broker_server *server) {
  if (server->running) {
    broker_model_lock_acquire(server);
    server->stopping = true;
    broker_model_lock_release(server);
    server_wake(server);
    pthread_join(server->thread, NULL);
    server->running = false;
    broker_model_lock_acquire(server);
    server->stopping = false;
    broker_model_lock_release(server);
  }
  connections_close(server, false);
  if (server->listener != -1) close(server->listener);
  server->listener = -1;
}

int32_t broker_server_restart(struct broker_server *server) {
  ASSERT(!server->running);
  int32_t status = server_listen(server);
  return status == STATUS_OK ? server_start(server) : status;
}

static int32_t server_open(struct broker_server *server, const struct broker_server_settings *settings) {
  int ends[2];
  if (settings->connection_max_count == 0) return STATUS_INVALID_ARGUMENT;
  server->port = settings->port;
  server->connection_max_count = settings->connection_max_count;
  server->request_max_bytes = settings->request_max_bytes;
  server->address = allocator_copy_string(settings->address);
  size_t polled_count = (size_t)settings->connection_max_count + POLL_FIRST_CONNECTION;
  server->polled = allocator_allocate_zeroed(polled_count, sizeof *server->polled);
  if (server->address == NULL || server->polled == NULL) return STATUS_OUT_OF_MEMORY;
  if (pipe(ends) == -1) return STATUS_SYSTEM_ERROR;
  server->wake_read = ends[0];
  server->wake_write = ends[1];
  for (int end = 0; end < 2; end++) {
    if (fcntl(ends[end], F_SETFD, FD_CLOEXEC) == -1 || fcntl(ends[end], F_SETFL, O_NONBLOCK) == -1)
      return STATUS_SYSTEM_ERROR;
  }
  int32_t status = broker_model_create(&settings->broker, &server->model);
  for (uint32_t index = 0; index < settings->topic_count && status == STATUS_OK; index++)
    status = broker_model_create_topic(server->model, settings->topics[index].name,
                                       settings->topics[index].partition_count);
  if (status == STATUS_OK) status = server_listen(server);
  if (status != STATUS_OK) return status;
  const char *host = settings->advertised_host != NULL ? settings->advertised_host : settings->address;
  status = broker_model_set_node(server->model, settings->broker.node_id, host, server->port);
  return status == STATUS_OK ? server_start(server) : status;
}

static int32_t server_listen(struct broker_server *server) {
  struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  char service[8];
  snprintf(service, sizeof service, "%u", (unsigned)server->port);
  if (getaddrinfo(server->address, service, &hints, &addresses) != 0) return STATUS_NAME_NOT_RESOLVED;
  server->listener = bind_first(addresses);
  int reason = errno;
  freeaddrinfo(addresses);
  errno = reason;
  if (server->listener == -1) return STATUS_SYSTEM_ERROR;
  server->port = port_of(server->listener);
  return STATUS_OK;
}

/* A non-blocking socket that listens on the first address that lets it, or -1. */
static int bind_first(const struct addrinfo *addresses) {
  for (const struct addrinfo *address = addresses; address != NULL; address = address->ai_next) {
    int listener = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (listener == -1) continue;
    int on = 1;
    /* A broker that restarts gets its port back though old connections linger. */
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fcntl(listener, F_SETFD, FD_CLOEXEC) == 0 && fcntl(listener, F_SETFL, O_NONBLOCK) == 0 &&
        bind(listener, address->ai_addr, address->ai_addrlen) == 0 && listen(listener, LISTEN_BACKLOG) == 0)
      return listener;
    int reason = errno;
    close(listener);
    errno = reason;
  }
  return -1;
}

static uint16_t port_of(int listener) {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
  } address = {0};
  socklen_t size = sizeof address;
  if (getsockname(listener, &address.any, &size) == -1) return 0;
  return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

static int32_t server_start(struct broker_server *server) {
  sigset_t all, before;
  sigfillset(&all);
  /* Signals are for the host's own threads. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failure = pthread_create(&server->thread, NULL, server_run, server);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failure != 0) {
    errno = failure;
    return STATUS_SYSTEM_ERROR;
  }
  server->running = true;
  return STATUS_OK;
}

static void *server_run(void *context) {
  struct broker_server *server = context;
  for (;;) {
    struct server_orders orders = orders_take(server);
    if (orders.stopping) return NULL;
    if (orders.disconnecting) connections_close(server, true);
    turn(server, orders.paused);
  }
}

static struct server_orders orders_take(struct broker_server *server) {
  broker_model_lock_acquire(server);
  struct server_orders orders = {
      .paused = server->paused, .stopping = server->stopping, .disconnecting = server->disconnecting};
  server->disconnecting = false;
  broker_model_lock_release(server);
  return orders;
}

/* Waits until something can be done, and does it for each connection. */
static void turn(struct broker_server *server, bool paused) {
  int timeout_ms = -1;
  nfds_t count = poll_prepare(server, paused, clock_monotonic_us(), &timeout_ms);
  if (poll(server->polled, count, timeout_ms) == -1) ASSERT(errno == EINTR || errno == ENOMEM);
  wake_drain(server);
  if (paused) return;
  nfds_t place = POLL_FIRST_CONNECTION;
  for (struct list *node = server->connections.next; node != &server->connections; place++) {
    struct broker_connection *connection = LIST_ENTRY(node, struct broker_connection, link);
    node = node->next;
    if (!connection_turn(server, connection, server->polled[place].revents))
      connection_remove(server, connection);
  }
  if (server->polled[POLL_LISTENER].revents != 0) accept_all(server);
}

/* The descriptors to look at, in the order of the connections, and how long a Fetch may wait. */
static nfds_t poll_prepare(struct broker_server *server, bool paused, int64_t now_us, int *timeout_ms) {
  nfds_t count = POLL_FIRST_CONNECTION;
  int64_t until_us = CLOCK_NEVER_US;
  server->polled[POLL_WAKE] = (struct pollfd){.fd = server->wake_read, .events = POLLIN};
  server->polled[POLL_LISTENER] = (struct pollfd){.fd = -1, .events = POLLIN};
  if (paused) return 1;
  if (now_us >= server->accept_after_us) {
    server->polled[POLL_LISTENER].fd = server->listener;
  } else {
    until_us = server->accept_after_us;
  }
  broker_model_lock_acquire(server);
  uint64_t append_count = broker_model_append_count(server->model);
  broker_model_lock_release(server);
  for (struct list *node = server->connections.next; node != &server->connections; node = node->next) {
    const struct broker_connection *connection = LIST_ENTRY(node, struct broker_connection, link);
    int events = (broker_connection_wants_input(connection) ? POLLIN : 0) |
                 (broker_connection_wants_output(connection) ? POLLOUT : 0);
    server->polled[count++] = (struct pollfd){.fd = connection->socket, .events = (short)events};
    int64_t due_us = connection_due_us(connection, append_count, now_us);
    if (due_us < until_us) until_us = due_us;
  }
  if (until_us != CLOCK_NEVER_US) {
    int64_t left_ms = until_us <= now_us ? 0 : (until_us - now_us + 999) / 1000;
    *timeout_ms = left_ms > INT32_MAX ? INT32_MAX : (int)left_ms;
  }
  return count;
}

/* When the request in front is to be tried, though nothing may have come from the peer. */
static int64_t connection_due_us(const struct broker_connection *connection, uint64_t append_count,
                                 int64_t now_us) {
  struct bytes request;
  if (broker_connection_request(connection, &request) != BROKER_FRAME_READY) return CLOCK_NEVER_US;
  if (!connection->waiting || connection->wait_append_count != append_count) return now_us;
  return connection->wait_until_us;
}

static void wake_drain(struct broker_server *server) {
  uint8_t bytes[64];
  if (server->polled[POLL_WAKE].revents == 0) return;
  while (read(server->wake_read, bytes, sizeof bytes) > 0)
    continue;
}

static void accept_all(struct broker_server *server) {
  for (;;) {
    int socket = accept(server->listener, NULL, NULL);
    if (socket == -1) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        server->accept_after_us = clock_add_us(clock_monotonic_us(), ACCEPT_RETRY_MS * 1000);
      return;
    }
    if (server->connection_count == server->connection_max_count) {
      close(socket);
      continue;
    }
    struct broker_connection *connection = broker_connection_create(socket, server->request_max_bytes);
    if (connection == NULL) continue;
    list_append(&server->connections, &connection->link);
    server->connection_count++;
  }
}

/* False when the connection is over. */
static bool connection_turn(struct broker_server *server, struct broker_connection *connection,
                            short events) {
  if ((events & POLLIN) != 0 && !broker_connection_receive(connection)) return false;
  if ((events & POLLIN) == 0 && (events & (POLLERR | POLLHUP | POLLNVAL)) != 0) return false;
  bool alive = requests_handle(server, connection);
  return broker_connection_send(connection) && alive;
}

/* Handles what has come as a whole. False when the connection is to be closed. */
static bool requests_handle(struct broker_server *server, struct broker_connection *connection) {
  for (;;) {
    struct bytes request;
    enum broker_frame frame = broker_connection_request(connection, &request);
    if (frame == BROKER_FRAME_INVALID) return false;
    if (frame == BROKER_FRAME_INCOMPLETE) return true;
    enum broker_answer answer = request_handle(server, connection, request);
    if (answer == BROKER_ANSWER_CUT) return false;
    if (answer == BROKER_ANSWER_WAIT) return true;
    if (answer == BROKER_ANSWER_STALL) {
      broker_connection_stall(connection);
      return true;
    }
    broker_connection_next_request(connection);
  }
}

/* BROKER_ANSWER_WAIT also while the server is paused. */
static enum broker_answer request_handle(struct broker_server *server, struct broker_connection *connection,
                                         struct bytes request) {
  enum broker_answer answer = BROKER_ANSWER_WAIT;
  int64_t now_us = clock_monotonic_us(), wait_ms = 0;
  broker_model_lock_acquire(server);
  uint64_t append_count = broker_model_append_count(server->model);
  bool last_chance = connection->waiting && now_us >= connection->wait_until_us;
  bool worthwhile = !connection->waiting || last_chance || connection->wait_append_count != append_count;
  if (worthwhile && !server->paused) {
    answer = broker_model_handle(server->model, clock_wall_ms(), request, last_chance, &connection->output,
                                 &wait_ms);
    if (answer == BROKER_ANSWER_WAIT && !connection->waiting) {
      connection->waiting = true;
      connection->wait_until_us = clock_add_us(now_us, wait_ms * 1000);
    }
    connection->wait_append_count = append_count;
  }
  broker_model_lock_release(server);
  return answer;
}

static void connection_remove(struct broker_server *server, struct broker_connection *connection) {
  list_remove(&connection->link);
  server->connection_count--;
  broker_connection_destroy(connection);
}

static void connections_close(struct broker_server *server, bool reset) {
  while (!list_is_empty(&server->connections)) {
    struct broker_connection *connection =
        LIST_ENTRY(server->connections.next, struct broker_connection, link);
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (reset) (void)setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_remove(server, connection);
  }
}

static void server_wake(struct broker_server *server) {
  /* A full pipe wakes as well. */
  ssize_t written = write(server->wake_write, "", 1);
  (void)written;
}
