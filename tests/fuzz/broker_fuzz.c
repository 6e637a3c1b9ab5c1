/* What a client may send to the embedded broker: the first byte seeds the sizes of the pieces in which the
 * rest, frames of requests, arrives at its connection. Batches whose checksum is that of the word "crc!" get
 * their true one, which no search by chance would find. */
#include "broker/broker_connection.h"
#include "broker/broker_model.h"

#include "base/assertion.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "protocol/record_batch.h"
#include "protocol/request_header.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  REQUEST_MAX_BYTES = 16 << 10,
  PARTITION_LIMIT_BYTES = 32 << 10,
  DATA_LIMIT_BYTES = 64 << 10,
  ANSWER_MAX_BYTES = 256 << 10,
  PIECES_BYTES_MAX = 512,
};

static const int64_t NOW_MS = 1700000000000;

struct world {
  struct broker_model *model;
  struct broker_connection *connection;
  int peer;
  uint32_t last_offset_count;
};

static struct broker_model *create_model(void);
static bool handle_requests(struct world *world);
static bool handle(struct world *world, struct bytes request);
static void check_answer(struct bytes request, struct bytes answer);
static void drain(struct world *world);
static uint8_t *mend_checksums(struct bytes input);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int sockets[2];
  if (size < 1) return 0;
  int status = socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
  ASSERT(status == 0);
  uint8_t *input = mend_checksums(bytes_of(data, size));
  struct world world = {.model = create_model(),
                        .connection = broker_connection_create(sockets[0], REQUEST_MAX_BYTES),
                        .peer = sockets[1]};
  ASSERT(world.connection != NULL);
  uint32_t state = data[0];
  bool goes_on = true;
  for (size_t at = 1, piece; at < size && goes_on; at += piece) {
    state = state * 1103515245 + 12345;
    piece = data[0] == 0 ? size : 1 + state / 65536 % PIECES_BYTES_MAX;
    if (piece > size - at) piece = size - at;
    ssize_t sent = send(world.peer, input + at, piece, 0);
    ASSERT(sent == (ssize_t)piece);
    for (size_t left = piece; left > 0 && goes_on && broker_connection_wants_input(world.connection);) {
      size_t before = world.connection->input_size;
      goes_on = broker_connection_receive(world.connection);
      size_t received = world.connection->input_size - before;
      left -= received < left ? received : left;
      if (received == 0) break;
      goes_on = goes_on && handle_requests(&world);
    }
  }
  broker_connection_destroy(world.connection);
  close(world.peer);
  broker_model_destroy(world.model);
  free(input);
  return 0;
}

static struct broker_model *create_model(void) {
  struct broker_settings settings;
  broker_settings_init(&settings);
  settings.auto_create_partitions = 2;
  settings.partition_limit_bytes = PARTITION_LIMIT_BYTES;
  settings.data_limit_bytes = DATA_LIMIT_BYTES;
  settings.check_records = true;
  struct broker_model *model;
  int32_t status = broker_model_create(&settings, &model);
  ASSERT(status == STATUS_OK);
  status = broker_model_set_node(model, 1, "127.0.0.1", 9092);
  ASSERT(status == STATUS_OK);
  status = broker_model_create_topic(model, "t", 2);
  ASSERT(status == STATUS_OK);
  return model;
}

static bool handle_requests(struct world *world) {
  struct bytes request;
  for (;;) {
    switch (broker_connection_request(world->connection, &request)) {
    case BROKER_FRAME_INVALID: return false;
    case BROKER_FRAME_INCOMPLETE: return true;
    case BROKER_FRAME_READY: break;
    }
    if (!handle(world, request)) return false;
    broker_connection_next_request(world->connection);
    drain(world);
  }
}

static bool handle(struct world *world, struct bytes request) {
  struct wire_writer *output = &world->connection->output;
  uint64_t appends = broker_model_append_count(world->model);
  size_t before = output->size;
  int64_t wait_ms = 0;
  enum broker_answer answer = broker_model_handle(world->model, NOW_MS, request, false, output, &wait_ms);
  if (answer == BROKER_ANSWER_WAIT) {
    ASSERT(output->size == before && wait_ms > 0 && appends == broker_model_append_count(world->model));
    answer = broker_model_handle(world->model, NOW_MS, request, true, output, &wait_ms);
    ASSERT(answer != BROKER_ANSWER_WAIT);
  }
  ASSERT(answer != BROKER_ANSWER_STALL); /* only faults do that */
  ASSERT((answer == BROKER_ANSWER_SEND) == (output->size > before));
  if (answer == BROKER_ANSWER_SEND)
    check_answer(request, bytes_of(output->data + before, output->size - before));
  return answer != BROKER_ANSWER_CUT;
}

/* One frame, for this request. */
static void check_answer(struct bytes request, struct bytes answer) {
  ASSERT(answer.size >= 2 * sizeof(int32_t) && answer.size <= ANSWER_MAX_BYTES);
  ASSERT(bytes_load_u32(answer.data) == answer.size - REQUEST_SIZE_BYTES);
  struct wire_reader reader = wire_reader_of(request);
  struct request_header header;
  request_header_read(&reader, &header);
  ASSERT(!reader.failed);
  ASSERT(bytes_load_u32(answer.data + REQUEST_SIZE_BYTES) == (uint32_t)header.correlation_id);
}

/* Reads what the broker sends until it has sent all. */
static void drain(struct world *world) {
  static uint8_t buffer[64 << 10];
  do {
    bool is_open = broker_connection_send(world->connection);
    ASSERT(is_open);
    ssize_t count;
    do {
      count = recv(world->peer, buffer, sizeof buffer, MSG_DONTWAIT);
    } while (count > 0);
    ASSERT(count == -1 && errno == EAGAIN);
  } while (broker_connection_wants_output(world->connection));
}

/* A copy. */
static uint8_t *mend_checksums(struct bytes input) {
  enum { CRC_AT = 17, LENGTH_AT = 8, LENGTH_END = 12 };
  uint8_t *copy = malloc(input.size);
  ASSERT(copy != NULL);
  memcpy(copy, input.data, input.size);
  for (size_t at = CRC_AT; at + RECORD_BATCH_HEADER_BYTES - CRC_AT <= input.size; at++) {
    if (memcmp(copy + at, "crc!", 4) != 0) continue;
    uint8_t *batch = copy + at - CRC_AT;
    size_t whole = (size_t)bytes_load_u32(batch + LENGTH_AT) + LENGTH_END;
    size_t left = input.size - (at - CRC_AT);
    if (whole < RECORD_BATCH_HEADER_BYTES || whole > left) continue;
    bytes_store_u32(copy + at,
                    crc32c_extend(0, batch + RECORD_BATCH_CRC_FROM, whole - RECORD_BATCH_CRC_FROM));
  }
  return copy;
}
