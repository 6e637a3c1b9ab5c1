#include "broker/broker_connection.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "protocol/request_header.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  READ_AHEAD_BYTES = 64 * 1024,          /* what is read beyond the request in front */
  KEPT_CAPACITY_BYTES = 2 * 1024 * 1024, /* buffers above it are given back once empty */
};

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static size_t wanted_input_size(const struct broker_connection *connection);
static bool input_make_room(struct broker_connection *connection);
static size_t smaller(size_t a, size_t b);

struct broker_connection *broker_connection_create(int socket, size_t request_max_bytes) {
  struct broker_connection *connection = allocator_allocate_zeroed(1, sizeof *connection);
  int flags = fcntl(socket, F_GETFL);
  if (connection == NULL || flags == -1 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) == -1 ||
      fcntl(socket, F_SETFD, FD_CLOEXEC) == -1) {
    allocator_free(connection);
    close(socket);
    return NULL;
  }
  int on = 1;
  /* Answers are written whole: waiting to fill segments would only delay them. Fails on a Unix socket:
   * harmless. */
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
#ifdef SO_NOSIGPIPE
  (void)setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  list_init(&connection->link);
  connection->socket = socket;
  connection->request_max_bytes = request_max_bytes;
  return connection;
}

void broker_connection_destroy(struct broker_connection *connection) {
  ASSERT(!list_is_linked(&connection->link));
  close(connection->socket);
  wire_writer_deinit(&connection->output);
  allocator_free(connection->input);
  allocator_free(connection);
}

bool broker_connection_wants_input(const struct broker_connection *connection) {
  return connection->output.size - connection->output_at <= BROKER_CONNECTION_OUTPUT_MARK &&
         connection->input_size - connection->input_at < wanted_input_size(connection);
}

bool broker_connection_wants_output(const struct broker_connection *connection) {
  return connection->output_at < connection->output.size;
}

bool broker_connection_receive(struct broker_connection *connection) {
  if (!input_make_room(connection)) return false;
  ssize_t count = recv(connection->socket, connection->input + connection->input_size,
                       connection->input_capacity - connection->input_size, 0);
  if (count > 0 && !connection->stalled) connection->input_size += (size_t)count;
  return count > 0 || (count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

bool broker_connection_send(struct broker_connection *connection) {
  struct wire_writer *output = &connection->output;
  while (connection->output_at < output->size) {
    ssize_t count = send(connection->socket, output->data + connection->output_at,
                         output->size - connection->output_at, MSG_NOSIGNAL);
    if (count == -1 && errno == EINTR) continue;
    if (count == -1) return errno == EAGAIN || errno == EWOULDBLOCK;
    connection->output_at += (size_t)count;
  }
  connection->output_at = 0;
  if (output->capacity > KEPT_CAPACITY_BYTES) wire_writer_deinit(output);
  wire_writer_reset(output);
  return true;
}

enum broker_frame broker_connection_request(const struct broker_connection *connection,
                                            struct bytes *request) {
  size_t size = connection->input_size - connection->input_at;
  if (size < REQUEST_SIZE_BYTES) return BROKER_FRAME_INCOMPLETE;
  const uint8_t *front = connection->input + connection->input_at;
  uint32_t length = bytes_load_u32(front);
  if (length > connection->request_max_bytes) return BROKER_FRAME_INVALID;
  if (size - REQUEST_SIZE_BYTES < length) return BROKER_FRAME_INCOMPLETE;
  if (connection->output.size - connection->output_at > BROKER_CONNECTION_OUTPUT_MARK)
    return BROKER_FRAME_INCOMPLETE;
  *request = bytes_of(front + REQUEST_SIZE_BYTES, length);
  return BROKER_FRAME_READY;
}

void broker_connection_next_request(struct broker_connection *connection) {
  ASSERT(connection->input_size - connection->input_at >= REQUEST_SIZE_BYTES);
  uint32_t length = bytes_load_u32(connection->input + connection->input_at);
  ASSERT(connection->input_size - connection->input_at - REQUEST_SIZE_BYTES >= length);
  connection->input_at += REQUEST_SIZE_BYTES + (size_t)length;
  connection->waiting = false;
  if (connection->input_at < connection->input_size) return;
  connection->input_at = connection->input_size = 0;
  if (connection->input_capacity <= KEPT_CAPACITY_BYTES) return;
  allocator_free(connection->input);
  connection->input = NULL;
  connection->input_capacity = 0;
}

void broker_connection_stall(struct broker_connection *connection) {
  connection->stalled = true;
  connection->input_at = connection->input_size = 0;
}

/* How much input is worth holding: the request in front as a whole, or a little of those behind it. */
static size_t wanted_input_size(const struct broker_connection *connection) {
  size_t size = connection->input_size - connection->input_at;
  if (size < REQUEST_SIZE_BYTES) return READ_AHEAD_BYTES;
  size_t frame = REQUEST_SIZE_BYTES + (size_t)bytes_load_u32(connection->input + connection->input_at);
  return frame > READ_AHEAD_BYTES ? frame : READ_AHEAD_BYTES;
}

/* Room for at least one byte. Grows with what has come, not with what a length announces. */
static bool input_make_room(struct broker_connection *connection) {
  size_t size = connection->input_size - connection->input_at;
  if (connection->input_at > 0) {
    memmove(connection->input, connection->input + connection->input_at, size);
    connection->input_at = 0;
    connection->input_size = size;
  }
  size_t wanted = smaller(wanted_input_size(connection), size * 2 + READ_AHEAD_BYTES);
  if (wanted <= connection->input_capacity) return size < connection->input_capacity;
  uint8_t *input = allocator_reallocate(connection->input, wanted);
  if (input == NULL) return false;
  connection->input = input;
  connection->input_capacity = wanted;
  return true;
}

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}
