#include "sim/wiretap.h"

#include "base/assertion.h"
#include "protocol/api.h"
#include "protocol/init_producer_id.h"
#include "protocol/produce.h"
#include "protocol/request_header.h"
#include <stdlib.h>

enum { FRAME_MAXIMUM_BYTES = 16 << 20, WAITING_MAX = 64 };

/* Bytes of one direction that are not a whole frame yet. */
struct stream {
  uint8_t *data;
  size_t size, capacity;
};

/* Requests whose answers are due on a connection, in order. */
struct waiting {
  int16_t api_key, version;
  int32_t correlation_id;
};

struct tapped {
  struct stream out, in;
  struct waiting waiting[WAITING_MAX];
  uint32_t waiting_count;
  bool is_garbled; /* what comes in makes no sense any more */
};

struct wiretap {
  struct transport base;
  struct transport *under;
  struct ledger *ledger;
  struct wiretap_listener listener;
  bool merges;
  struct tapped *connections; /* by socket */
  size_t connection_count;
};

static struct wiretap *wiretap_of(struct transport *base);
static struct tapped *tapped_of(struct wiretap *wiretap, int64_t socket);
static void add(struct stream *stream, const void *data, size_t size);
static bool next_frame(const struct stream *stream, size_t at, struct bytes *frame);
static size_t frame_left(const struct stream *stream);
static void drop(struct stream *stream, size_t size);
static void take_requests(struct wiretap *wiretap, struct tapped *tapped);
static void take_request(struct wiretap *wiretap, struct tapped *tapped, struct bytes frame);
static void take_produce(struct wiretap *wiretap, struct wire_reader *reader, int16_t version,
                         struct ledger_attempt *attempt);
static void take_answers(struct wiretap *wiretap, struct tapped *tapped);
static bool take_answer(struct wiretap *wiretap, struct tapped *tapped, struct bytes frame);
static void take_identity_answer(struct wiretap *wiretap, struct wire_reader reader, int16_t version);
static bool read_produce_answer(struct wiretap *wiretap, struct wire_reader reader, int16_t version,
                                const struct ledger_attempt *attempt, bool is_certain);

/* ---- operations ---- */

static int32_t operation_resolve(struct transport *base, const char *host, uint16_t port, bool canonical,
                                 uint64_t token) {
  struct transport *under = wiretap_of(base)->under;
  return under->operations->resolve(under, host, port, canonical, token);
}

static int32_t operation_connect(struct transport *base, const struct address *address, const char *host,
                                 uint64_t token, int64_t *socket, char *reason, size_t reason_size) {
  struct transport *under = wiretap_of(base)->under;
  return under->operations->connect(under, address, host, token, socket, reason, reason_size);
}

static int32_t operation_connected(struct transport *base, int64_t socket, char *reason, size_t reason_size) {
  struct transport *under = wiretap_of(base)->under;
  return under->operations->connected(under, socket, reason, reason_size);
}

static enum transport_outcome operation_send(struct transport *base, int64_t socket,
                                             const struct transport_segment *segments, size_t segment_count,
                                             size_t *count) {
  struct wiretap *wiretap = wiretap_of(base);
  struct transport *under = wiretap->under;
  wiretap->listener.before_send(wiretap->listener.context);
  enum transport_outcome outcome = under->operations->send(under, socket, segments, segment_count, count);
  if (outcome != TRANSPORT_DONE) return outcome;
  struct tapped *tapped = tapped_of(wiretap, socket);
  size_t left = *count;
  for (size_t i = 0; i < segment_count && left > 0; i++) {
    size_t step = segments[i].size < left ? segments[i].size : left;
    add(&tapped->out, segments[i].data, step);
    left -= step;
  }
  take_requests(wiretap, tapped);
  return outcome;
}

static enum transport_outcome operation_receive(struct transport *base, int64_t socket, uint8_t *to,
                                                size_t capacity, size_t *count) {
  struct wiretap *wiretap = wiretap_of(base);
  struct transport *under = wiretap->under;
  struct tapped *tapped = tapped_of(wiretap, socket);
  wiretap->listener.before_receive(wiretap->listener.context);
  size_t left = frame_left(&tapped->in);
  if (!wiretap->merges && !tapped->is_garbled && left < capacity) capacity = left;
  enum transport_outcome outcome = under->operations->receive(under, socket, to, capacity, count);
  if (outcome != TRANSPORT_DONE) return outcome;
  if (tapped->is_garbled) return outcome;
  add(&tapped->in, to, *count);
  take_answers(wiretap, tapped);
  return outcome;
}

static void operation_want_write(struct transport *base, int64_t socket, bool wanted) {
  struct transport *under = wiretap_of(base)->under;
  under->operations->want_write(under, socket, wanted);
}

static const char *operation_describe(struct transport *base, int64_t socket) {
  struct transport *under = wiretap_of(base)->under;
  return under->operations->describe(under, socket);
}

static int32_t operation_failure(struct transport *base, int64_t socket) {
  struct transport *under = wiretap_of(base)->under;
  return under->operations->failure(under, socket);
}

static void operation_close(struct transport *base, int64_t socket) {
  struct transport *under = wiretap_of(base)->under;
  under->operations->close(under, socket);
}

static uint32_t operation_wait(struct transport *base, int64_t timeout_us, struct transport_event *events,
                               uint32_t capacity) {
  struct transport *under = wiretap_of(base)->under;
  return under->operations->wait(under, timeout_us, events, capacity);
}

static void operation_wake(struct transport *base) {
  struct transport *under = wiretap_of(base)->under;
  under->operations->wake(under);
}

static void operation_destroy(struct transport *base) {
  struct wiretap *wiretap = wiretap_of(base);
  wiretap->under->operations->destroy(wiretap->under);
  for (size_t i = 0; i < wiretap->connection_count; i++) {
    free(wiretap->connections[i].out.data);
    free(wiretap->connections[i].in.data);
  }
  free(wiretap->connections);
  free(wiretap);
}

static void operation_abandon(struct transport *base) {
  struct transport *under = wiretap_of(base)->under;
  under->operations->abandon(under);
}

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

struct transport *wiretap_create(struct transport *under, struct ledger *ledger,
                                 const struct wiretap_listener *listener, bool merges) {
  struct wiretap *wiretap = calloc(1, sizeof *wiretap);
  ASSERT(wiretap != NULL);
  wiretap->base.operations = &OPERATIONS;
  wiretap->under = under;
  wiretap->ledger = ledger;
  wiretap->listener = *listener;
  wiretap->merges = merges;
  return &wiretap->base;
}

/* ---- streams ---- */

static struct wiretap *wiretap_of(struct transport *base) {
  return (struct wiretap *)(void *)base; /* its first member */
}

static struct tapped *tapped_of(struct wiretap *wiretap, int64_t socket) {
  size_t wanted = (size_t)socket + 1;
  if (wanted > wiretap->connection_count) {
    wiretap->connections = realloc(wiretap->connections, wanted * sizeof *wiretap->connections);
    ASSERT(wiretap->connections != NULL);
    memset(wiretap->connections + wiretap->connection_count, 0,
           (wanted - wiretap->connection_count) * sizeof *wiretap->connections);
    wiretap->connection_count = wanted;
  }
  return &wiretap->connections[socket];
}

static void add(struct stream *stream, const void *data, size_t size) {
  if (stream->size + size > stream->capacity) {
    stream->capacity = (stream->size + size) * 2;
    stream->data = realloc(stream->data, stream->capacity);
    ASSERT(stream->data != NULL);
  }
  memcpy(stream->data + stream->size, data, size);
  stream->size += size;
}

/* Without its length. */
static bool next_frame(const struct stream *stream, size_t at, struct bytes *frame) {
  if (stream->size - at < REQUEST_SIZE_BYTES) return false;
  size_t size = bytes_load_u32(stream->data + at);
  if (stream->size - at - REQUEST_SIZE_BYTES < size) return false;
  *frame = bytes_of(stream->data + at + REQUEST_SIZE_BYTES, size);
  return true;
}

/* Bytes up to the end of the frame that has begun, or of its length. */
static size_t frame_left(const struct stream *stream) {
  if (stream->size < REQUEST_SIZE_BYTES) return REQUEST_SIZE_BYTES - stream->size;
  return REQUEST_SIZE_BYTES + (size_t)bytes_load_u32(stream->data) - stream->size;
}

static void drop(struct stream *stream, size_t size) {
  if (size == 0) return;
  memmove(stream->data, stream->data + size, stream->size - size);
  stream->size -= size;
}

/* ---- requests ---- */

static void take_requests(struct wiretap *wiretap, struct tapped *tapped) {
  size_t at = 0;
  struct bytes frame;
  while (next_frame(&tapped->out, at, &frame)) {
    take_request(wiretap, tapped, frame);
    at += REQUEST_SIZE_BYTES + frame.size;
  }
  drop(&tapped->out, at);
}

static void take_request(struct wiretap *wiretap, struct tapped *tapped, struct bytes frame) {
  struct wire_reader reader = wire_reader_of(frame);
  struct request_header header;
  request_header_read(&reader, &header);
  if (reader.failed) {
    ledger_refute(wiretap->ledger, "I9 wire_is_what_was_sealed", "a request that cannot be read");
    return;
  }
  bool is_answered = true;
  if (header.api_key == API_PRODUCE) {
    struct ledger_attempt *attempt = ledger_find_attempt(wiretap->ledger, header.correlation_id);
    if (attempt == NULL) {
      ledger_refute(wiretap->ledger, "I9 wire_is_what_was_sealed", "request %d was never handed over",
                    (int)header.correlation_id);
      return;
    }
    take_produce(wiretap, &reader, header.api_version, attempt);
    ledger_note_whole(wiretap->ledger, attempt);
    is_answered = attempt->acks != 0;
  }
  if (header.api_key == API_INIT_PRODUCER_ID) ledger_note_identity_request(wiretap->ledger);
  if (!is_answered || tapped->waiting_count == WAITING_MAX) return;
  tapped->waiting[tapped->waiting_count++] = (struct waiting){
      .api_key = header.api_key, .version = header.api_version, .correlation_id = header.correlation_id};
}

static void take_produce(struct wiretap *wiretap, struct wire_reader *reader, int16_t version,
                         struct ledger_attempt *attempt) {
  struct produce_request request;
  uint32_t index = 0;
  produce_request_read(reader, version, &request);
  for (int32_t t = 0; t < request.topic_count && !reader->failed; t++) {
    struct produce_request_topic topic;
    produce_request_read_topic(reader, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++) {
      struct produce_request_partition partition;
      produce_request_read_partition(reader, version, &partition);
      struct ledger_wire wire = {topic.name, topic.id, partition.index, partition.records};
      if (!reader->failed) ledger_note_wire(wiretap->ledger, attempt, index++, &wire);
    }
    produce_request_read_topic_end(reader, version);
  }
  produce_request_read_end(reader, version);
  if (reader->failed || index != attempt->part_count)
    ledger_refute(wiretap->ledger, "I9 wire_is_what_was_sealed",
                  "request %d has %u batches on the wire, %u were handed over", (int)attempt->correlation_id,
                  index, attempt->part_count);
}

/* ---- answers ---- */

static void take_answers(struct wiretap *wiretap, struct tapped *tapped) {
  size_t at = 0;
  struct bytes frame;
  while (!tapped->is_garbled && next_frame(&tapped->in, at, &frame)) {
    tapped->is_garbled = !take_answer(wiretap, tapped, frame);
    at += REQUEST_SIZE_BYTES + frame.size;
  }
  drop(&tapped->in, at);
}

/* False: the client cannot make sense of it, and has to close the connection. */
static bool take_answer(struct wiretap *wiretap, struct tapped *tapped, struct bytes frame) {
  if (tapped->waiting_count == 0 || frame.size < sizeof(int32_t)) return false;
  struct waiting first = tapped->waiting[0];
  tapped->waiting_count--;
  memmove(tapped->waiting, tapped->waiting + 1, tapped->waiting_count * sizeof first);
  struct wire_reader reader = wire_reader_of(frame);
  if (response_header_read(&reader, first.api_key, first.version) != first.correlation_id || reader.failed)
    return false;
  if (first.api_key == API_INIT_PRODUCER_ID) take_identity_answer(wiretap, reader, first.version);
  if (first.api_key != API_PRODUCE) return true;
  const struct ledger_attempt *attempt = ledger_find_attempt(wiretap->ledger, first.correlation_id);
  ASSERT(attempt != NULL);
  if (!read_produce_answer(wiretap, reader, first.version, attempt, false)) return false;
  return read_produce_answer(wiretap, reader, first.version, attempt, true);
}

static void take_identity_answer(struct wiretap *wiretap, struct wire_reader reader, int16_t version) {
  struct init_producer_id_response response;
  init_producer_id_response_read(&reader, version, &response);
  if (!reader.failed && response.error_code != 0) ledger_note_identity_refusal(wiretap->ledger);
}

/* An answer counts only if all of it can be read, so it is read twice. */
static bool read_produce_answer(struct wiretap *wiretap, struct wire_reader reader, int16_t version,
                                const struct ledger_attempt *attempt, bool is_certain) {
  int32_t topic_count = produce_response_read(&reader, version);
  uint32_t answered = 0;
  for (int32_t t = 0; t < topic_count && !reader.failed; t++) {
    struct produce_response_topic topic;
    produce_response_read_topic(&reader, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader.failed; p++) {
      struct produce_response_partition partition;
      produce_response_read_partition(&reader, version, &partition);
      answered++;
      if (!is_certain || reader.failed) continue;
      ledger_note_answer(wiretap->ledger, attempt, topic.name, &topic.id, &partition);
      wiretap->listener.on_answer(wiretap->listener.context, attempt->correlation_id, topic.name, &partition);
    }
    produce_response_read_topic_end(&reader, version);
  }
  struct produce_response_end end;
  produce_response_read_end(&reader, version, &end);
  return !reader.failed && answered == attempt->part_count;
}
