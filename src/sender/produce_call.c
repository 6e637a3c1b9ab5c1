#include "sender/produce_call.h"

#include "accumulator/topic.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include "sender/sender_partition.h"
#include <stdlib.h>

enum { FIRST_VERSION_WITH_TOPIC_ID = 13 }; /* KIP-516 */

static int by_name(const void *a, const void *b);
static int by_id(const void *a, const void *b);
static int compare_names(struct bytes a, struct bytes b);
static bool reserve_segments(struct produce_call *call);
static void write_topics(struct produce_call *call, int32_t timeout_ms);
static uint32_t topic_end(const struct produce_call *call, uint32_t from);
static uint32_t fill_segments(struct produce_call *call);
static struct produce_part *find_part(struct produce_call *call, const struct produce_response_topic *topic,
                                      int32_t index, uint32_t *hint);
static int compare_to_answer(const struct produce_call *call, const struct produce_part *part,
                             const struct produce_response_topic *topic, int32_t index);

static const struct sender_topic *topic_of(const struct produce_part *part) {
  return part->batch->topic->sender;
}

static struct bytes name_of(const struct produce_part *part) {
  return bytes_of(part->batch->topic->name, part->batch->topic->name_bytes);
}

static int32_t index_of(const struct produce_part *part) {
  return part->batch->partition->index;
}

static int compare_indexes(int32_t a, int32_t b) {
  return a < b ? -1 : a > b;
}

struct produce_call *produce_call_create(void *owner) {
  struct produce_call *call = allocator_allocate_zeroed(1, sizeof *call);
  if (call == NULL) return NULL;
  call->owner = owner;
  list_init(&call->node);
  return call;
}

void produce_call_destroy(struct produce_call *call) {
  if (call == NULL) return;
  wire_writer_deinit(&call->writer);
  allocator_free(call->parts);
  allocator_free(call->breaks);
  allocator_free(call->segments);
  allocator_free(call);
}

void produce_call_reset(struct produce_call *call) {
  call->part_count = 0;
  call->batch_bytes = 0;
  wire_writer_reset(&call->writer);
}

bool produce_call_add(struct produce_call *call, struct batch *batch, struct sender_partition *partition) {
  if (call->part_count == call->part_capacity) {
    uint32_t capacity = call->part_capacity == 0 ? 4 : call->part_capacity * 2;
    struct produce_part *parts = allocator_reallocate(call->parts, capacity * sizeof *parts);
    if (parts == NULL) return false;
    call->parts = parts;
    call->part_capacity = capacity;
  }
  call->parts[call->part_count++] = (struct produce_part){.batch = batch, .partition = partition};
  call->batch_bytes += batch_wire_bytes(batch);
  return true;
}

bool produce_call_write(struct produce_call *call, struct bytes client_id, int32_t correlation_id,
                        int64_t timeout_us) {
  ASSERT(call->part_count > 0);
  if (!reserve_segments(call)) return false;
  for (uint32_t i = 0; i < call->part_count; i++)
    call->parts[i].topic_id = topic_of(&call->parts[i])->id;
  if (call->part_count > 1)
    qsort(call->parts, call->part_count, sizeof call->parts[0],
          call->version >= FIRST_VERSION_WITH_TOPIC_ID ? by_id : by_name);
  struct wire_writer *writer = &call->writer;
  wire_writer_reset(writer);
  request_header_write(writer, &(struct request_header){.api_key = API_PRODUCE,
                                                        .api_version = call->version,
                                                        .correlation_id = correlation_id,
                                                        .client_id = client_id});
  write_topics(call, (int32_t)(timeout_us / 1000));
  produce_request_write_end(writer, call->version);
  size_t records_bytes = 0;
  for (uint32_t i = 0; i < call->part_count; i++)
    records_bytes += call->parts[i].batch->records_bytes;
  request_frame_finish(writer, records_bytes);
  if (writer->failed) return false;
  call->request = (struct request){
      .api_key = API_PRODUCE,
      .api_version = call->version,
      .correlation_id = correlation_id,
      .expects_response = call->acks != 0,
      .segments = call->segments,
      .segment_count = fill_segments(call),
      .timeout_us = timeout_us,
  };
  return true;
}

bool produce_call_read(struct produce_call *call, struct wire_reader reader,
                       struct produce_response_end *end) {
  for (uint32_t i = 0; i < call->part_count; i++)
    call->parts[i].answered = false;
  uint32_t answered = 0, hint = 0;
  int32_t topic_count = produce_response_read(&reader, call->version);
  for (int32_t t = 0; t < topic_count && !reader.failed; t++) {
    struct produce_response_topic topic;
    produce_response_read_topic(&reader, call->version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader.failed; p++) {
      struct produce_response_partition answer;
      produce_response_read_partition(&reader, call->version, &answer);
      struct produce_part *part = reader.failed ? NULL : find_part(call, &topic, answer.index, &hint);
      if (part == NULL || part->answered) return false;
      part->answered = true;
      part->answer = answer;
      answered++;
    }
    produce_response_read_topic_end(&reader, call->version);
  }
  produce_response_read_end(&reader, call->version, end);
  return !reader.failed && answered == call->part_count;
}

bool produce_call_has_topic_ids(const struct produce_call *call) {
  for (uint32_t i = 0; i < call->part_count; i++)
    if (uuid_is_zero(&topic_of(&call->parts[i])->id)) return false;
  return true;
}

/* Parts stand in the order of what names them on the wire, so that an answer's part is found by halving:
 * brokers answer in the order of a hash table, and a request may have thousands of parts. */
static int by_name(const void *a, const void *b) {
  const struct produce_part *x = a, *y = b;
  int order = compare_names(name_of(x), name_of(y));
  return order != 0 ? order : compare_indexes(index_of(x), index_of(y));
}

static int by_id(const void *a, const void *b) {
  const struct produce_part *x = a, *y = b;
  int order = memcmp(&x->topic_id, &y->topic_id, sizeof x->topic_id);
  return order != 0 ? order : compare_indexes(index_of(x), index_of(y));
}

static int compare_names(struct bytes a, struct bytes b) {
  if (a.size != b.size) return a.size < b.size ? -1 : 1;
  return a.size == 0 ? 0 : memcmp(a.data, b.data, a.size);
}

static bool reserve_segments(struct produce_call *call) {
  uint32_t needed = 2 * call->part_count + 1;
  if (needed <= call->segment_capacity) return true;
  struct transport_segment *segments = allocator_reallocate(call->segments, needed * sizeof *segments);
  if (segments == NULL) return false;
  call->segments = segments;
  size_t *breaks = allocator_reallocate(call->breaks, needed * sizeof *breaks);
  if (breaks == NULL) return false;
  call->breaks = breaks;
  call->segment_capacity = needed;
  return true;
}

static void write_topics(struct produce_call *call, int32_t timeout_ms) {
  struct wire_writer *writer = &call->writer;
  int32_t topic_count = 0;
  for (uint32_t i = 0; i < call->part_count; i = topic_end(call, i))
    topic_count++;
  produce_request_write(writer, call->version,
                        &(struct produce_request){.transactional_id = bytes_of(NULL, 0),
                                                  .acks = call->acks,
                                                  .timeout_ms = timeout_ms,
                                                  .topic_count = topic_count});
  for (uint32_t i = 0; i < call->part_count;) {
    uint32_t end = topic_end(call, i);
    const struct topic *topic = call->parts[i].batch->topic;
    produce_request_write_topic(
        writer, call->version,
        &(struct produce_request_topic){.name = bytes_of(topic->name, topic->name_bytes),
                                        .id = call->parts[i].topic_id,
                                        .partition_count = (int32_t)(end - i)});
    for (; i < end; i++) {
      const struct batch *batch = call->parts[i].batch;
      produce_request_write_partition(
          writer, call->version,
          &(struct produce_request_partition){.index = batch->partition->index,
                                              .records_bytes = batch_wire_bytes(batch)});
      wire_write_raw(writer, bytes_of(batch->header, RECORD_BATCH_HEADER_BYTES));
      call->breaks[i] = writer->size;
      produce_request_write_partition_end(writer, call->version);
    }
    produce_request_write_topic_end(writer, call->version);
  }
}

/* One past the last part of the same topic. */
static uint32_t topic_end(const struct produce_call *call, uint32_t from) {
  uint32_t end = from + 1;
  while (end < call->part_count && call->parts[end].batch->topic == call->parts[from].batch->topic)
    end++;
  return end;
}

static uint32_t fill_segments(struct produce_call *call) {
  uint32_t count = 0;
  size_t from = 0;
  for (uint32_t i = 0; i < call->part_count; i++) {
    const struct batch *batch = call->parts[i].batch;
    call->segments[count++] = (struct transport_segment){call->writer.data + from, call->breaks[i] - from};
    call->segments[count++] = (struct transport_segment){batch->records, batch->records_bytes};
    from = call->breaks[i];
  }
  if (from < call->writer.size)
    call->segments[count++] = (struct transport_segment){call->writer.data + from, call->writer.size - from};
  return count;
}

/* Some brokers answer in the order of the request: the one behind the last that was found is tried first. */
static struct produce_part *find_part(struct produce_call *call, const struct produce_response_topic *topic,
                                      int32_t index, uint32_t *hint) {
  uint32_t low = 0, high = call->part_count, middle = *hint;
  while (low < high) {
    if (middle >= high) middle = low + (high - low) / 2;
    int order = compare_to_answer(call, &call->parts[middle], topic, index);
    if (order == 0) {
      *hint = middle + 1;
      return &call->parts[middle];
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
    middle = low + (high - low) / 2;
  }
  return NULL;
}

static int compare_to_answer(const struct produce_call *call, const struct produce_part *part,
                             const struct produce_response_topic *topic, int32_t index) {
  int order = call->version >= FIRST_VERSION_WITH_TOPIC_ID
                  ? memcmp(&part->topic_id, &topic->id, sizeof topic->id)
                  : compare_names(name_of(part), topic->name);
  return order != 0 ? order : compare_indexes(index_of(part), index);
}
