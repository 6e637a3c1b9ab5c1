#include "fuzz/message.h"

#include "base/assertion.h"
#include "base/status.h"
#include "protocol/api_versions.h"
#include "protocol/describe_producers.h"
#include "protocol/init_producer_id.h"
#include "protocol/metadata.h"
#include "protocol/produce.h"
#include "protocol/sasl_authenticate.h"
#include "protocol/sasl_handshake.h"
#include <stdlib.h>

static bool read_whole(message_copier *copy, struct bytes body, int16_t version, struct wire_writer *writer);

struct message_copiers message_copiers(int16_t api_key) {
  switch ((enum api_key)api_key) {
  case API_PRODUCE: return (struct message_copiers){copy_produce_request, copy_produce_response};
  case API_FETCH: return (struct message_copiers){copy_fetch_request, copy_fetch_response};
  case API_LIST_OFFSETS:
    return (struct message_copiers){copy_list_offsets_request, copy_list_offsets_response};
  case API_METADATA: return (struct message_copiers){copy_metadata_request, copy_metadata_response};
  case API_FIND_COORDINATOR:
    return (struct message_copiers){copy_find_coordinator_request, copy_find_coordinator_response};
  case API_SASL_HANDSHAKE:
    return (struct message_copiers){copy_sasl_handshake_request, copy_sasl_handshake_response};
  case API_API_VERSIONS:
    return (struct message_copiers){copy_api_versions_request, copy_api_versions_response};
  case API_INIT_PRODUCER_ID:
    return (struct message_copiers){copy_init_producer_id_request, copy_init_producer_id_response};
  case API_SASL_AUTHENTICATE:
    return (struct message_copiers){copy_sasl_authenticate_request, copy_sasl_authenticate_response};
  case API_DESCRIBE_PRODUCERS:
    return (struct message_copiers){copy_describe_producers_request, copy_describe_producers_response};
  }
  ASSERT(false);
  return (struct message_copiers){NULL, NULL};
}

void message_check(message_copier *copy, struct bytes body, int16_t version) {
  struct wire_writer once = {.data = NULL}, twice = {.data = NULL};
  if (read_whole(copy, body, version, &once)) {
    ASSERT(!once.failed);
    bool is_read = read_whole(copy, bytes_of(once.data, once.size), version, &twice);
    ASSERT(is_read && !twice.failed);
    ASSERT(bytes_equal(bytes_of(once.data, once.size), bytes_of(twice.data, twice.size)));
  }
  wire_writer_deinit(&once);
  wire_writer_deinit(&twice);
}

static bool read_whole(message_copier *copy, struct bytes body, int16_t version, struct wire_writer *writer) {
  /* In memory of just its size, so that sanitizers see a read beyond it. */
  uint8_t *exact = malloc(body.size == 0 ? 1 : body.size);
  ASSERT(exact != NULL);
  if (body.size > 0) memcpy(exact, body.data, body.size);
  struct wire_reader reader = wire_reader_of(bytes_of(exact, body.size));
  copy(&reader, version, writer);
  ASSERT(reader.at >= exact && reader.at <= exact + body.size);
  bool is_read = !reader.failed;
  free(exact);
  return is_read;
}

/* ---- Produce ---- */

void copy_produce_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct produce_request request;
  produce_request_read(reader, version, &request);
  produce_request_write(writer, version, &request);
  for (int32_t t = 0; t < request.topic_count && !reader->failed; t++) {
    struct produce_request_topic topic;
    produce_request_read_topic(reader, version, &topic);
    produce_request_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++) {
      struct produce_request_partition partition;
      produce_request_read_partition(reader, version, &partition);
      if (partition.records.data == NULL) { /* is read, but never written */
        wire_reader_fail(reader);
        return;
      }
      partition.records_bytes = partition.records.size;
      produce_request_write_partition(writer, version, &partition);
      wire_write_raw(writer, partition.records);
      produce_request_write_partition_end(writer, version);
    }
    produce_request_read_topic_end(reader, version);
    produce_request_write_topic_end(writer, version);
  }
  produce_request_read_end(reader, version);
  produce_request_write_end(writer, version);
}

static void copy_produce_response_partition(struct wire_reader *reader, int16_t version,
                                            struct wire_writer *writer) {
  struct produce_response_partition partition;
  produce_response_read_partition(reader, version, &partition);
  if (reader->failed) return;
  size_t count = (size_t)partition.record_error_count;
  struct produce_record_error *errors = calloc(count + 1, sizeof *errors);
  ASSERT(errors != NULL);
  for (size_t i = 0; i < count; i++)
    produce_response_read_record_error(&partition, version, &errors[i]);
  ASSERT(!partition.record_errors.failed);
  produce_response_write_partition(writer, version, &partition, errors);
  free(errors);
}

static void copy_produce_response_end(struct wire_reader *reader, int16_t version,
                                      struct wire_writer *writer) {
  struct produce_response_end end;
  produce_response_read_end(reader, version, &end);
  if (reader->failed) return;
  size_t count = (size_t)end.endpoint_count;
  struct produce_endpoint *endpoints = calloc(count + 1, sizeof *endpoints);
  ASSERT(endpoints != NULL);
  for (size_t i = 0; i < count; i++)
    produce_response_read_endpoint(&end, version, &endpoints[i]);
  ASSERT(!end.endpoints.failed);
  produce_response_write_end(writer, version, &end, endpoints);
  free(endpoints);
}

void copy_produce_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  int32_t topic_count = produce_response_read(reader, version);
  produce_response_write(writer, version, topic_count);
  for (int32_t t = 0; t < topic_count && !reader->failed; t++) {
    struct produce_response_topic topic;
    produce_response_read_topic(reader, version, &topic);
    produce_response_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++)
      copy_produce_response_partition(reader, version, writer);
    produce_response_read_topic_end(reader, version);
    produce_response_write_topic_end(writer, version);
  }
  copy_produce_response_end(reader, version, writer);
}

/* ---- Metadata ---- */

void copy_metadata_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct metadata_request request = {.topic_count = 0};
  metadata_request_read(reader, version, &request);
  metadata_request_write(writer, version, &request);
  for (int32_t t = 0; t < request.topic_count && !reader->failed; t++) {
    struct metadata_request_topic topic;
    metadata_request_read_topic(reader, version, &topic);
    metadata_request_write_topic(writer, version, &topic);
  }
  metadata_request_read_end(reader, version, &request);
  metadata_request_write_end(writer, version, &request);
}

/* Those in sync are written as the replicas, and none offline: what the broker's side can say. */
static void copy_metadata_partition(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct metadata_partition partition;
  metadata_response_read_partition(reader, version, &partition);
  if (reader->failed) return;
  for (int32_t i = 0; i < partition.isr.count; i++)
    metadata_read_node_id(&partition.isr);
  for (int32_t i = 0; i < partition.offline.count; i++)
    metadata_read_node_id(&partition.offline);
  int32_t count = partition.replicas.count;
  int32_t *ids = calloc((size_t)count + 1, sizeof *ids);
  ASSERT(ids != NULL);
  for (int32_t i = 0; i < count; i++)
    ids[i] = metadata_read_node_id(&partition.replicas);
  ASSERT(!partition.replicas.ids.failed && !partition.isr.ids.failed && !partition.offline.ids.failed);
  metadata_response_write_partition(writer, version, &partition, ids, count);
  free(ids);
}

void copy_metadata_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct metadata_response response;
  metadata_response_read(reader, version, &response);
  metadata_response_write(writer, version, &response);
  for (int32_t b = 0; b < response.broker_count && !reader->failed; b++) {
    struct metadata_broker broker;
    metadata_response_read_broker(reader, version, &broker);
    metadata_response_write_broker(writer, version, &broker);
  }
  struct metadata_cluster cluster;
  metadata_response_read_cluster(reader, version, &cluster);
  metadata_response_write_cluster(writer, version, &cluster);
  for (int32_t t = 0; t < cluster.topic_count && !reader->failed; t++) {
    struct metadata_topic topic;
    metadata_response_read_topic(reader, version, &topic);
    metadata_response_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++)
      copy_metadata_partition(reader, version, writer);
    metadata_response_read_topic_end(reader, version);
    metadata_response_write_topic_end(writer, version);
  }
  struct metadata_response_end end;
  metadata_response_read_end(reader, version, &end);
  metadata_response_write_end(writer, version, &end);
}

/* ---- ApiVersions ---- */

void copy_api_versions_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct api_versions_request request;
  api_versions_request_read(reader, version, &request);
  api_versions_request_write(writer, version, &request);
}

/* Only our own offer can be written. Whatever is offered, a version that we know is chosen, or none. */
void copy_api_versions_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct api_versions_response response;
  api_versions_response_read(reader, version, &response);
  if (reader->failed) return;
  uint32_t count;
  const struct api_range *ranges = api_ranges(&count);
  for (uint32_t i = 0; i < count; i++) {
    int16_t chosen = api_versions_choose(&response.versions, ranges[i].key, INT16_MAX);
    ASSERT(chosen == -1 || (chosen >= ranges[i].minimum && chosen <= ranges[i].maximum));
  }
  bool is_fallback = response.error_code == STATUS_UNSUPPORTED_VERSION; /* which comes in version 0 */
  api_versions_response_write(writer, is_fallback ? 0 : version, response.error_code);
}

/* ---- InitProducerId ---- */

void copy_init_producer_id_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct init_producer_id_request request;
  init_producer_id_request_read(reader, version, &request);
  init_producer_id_request_write(writer, version, &request);
}

void copy_init_producer_id_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct init_producer_id_response response;
  init_producer_id_response_read(reader, version, &response);
  init_producer_id_response_write(writer, version, &response);
}

/* ---- logins ---- */

void copy_sasl_handshake_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  (void)version;
  struct bytes mechanism;
  sasl_handshake_request_read(reader, &mechanism);
  sasl_handshake_request_write(writer, mechanism);
}

void copy_sasl_handshake_response(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  (void)version;
  struct sasl_handshake_response response;
  sasl_handshake_response_read(reader, &response);
  if (reader->failed) return;
  int32_t count = response.mechanism_count, at = 0;
  struct bytes *names = calloc((size_t)count + 1, sizeof *names);
  ASSERT(names != NULL);
  for (struct bytes name; sasl_handshake_next(&response, &name);)
    names[at++] = name;
  ASSERT(at == count);
  sasl_handshake_response_write(writer, response.error_code, names, count);
  free(names);
}

void copy_sasl_authenticate_request(struct wire_reader *reader, int16_t version, struct wire_writer *writer) {
  struct bytes token;
  sasl_authenticate_request_read(reader, version, &token);
  if (reader->failed) return;
  sasl_authenticate_request_begin(writer, version, token.size);
  wire_write_raw(writer, token);
  wire_write_raw(writer, sasl_authenticate_request_end(version));
}

void copy_sasl_authenticate_response(struct wire_reader *reader, int16_t version,
                                     struct wire_writer *writer) {
  struct sasl_authenticate_response response;
  sasl_authenticate_response_read(reader, version, &response);
  sasl_authenticate_response_write(writer, version, &response);
}

/* ---- DescribeProducers ---- */

void copy_describe_producers_request(struct wire_reader *reader, int16_t version,
                                     struct wire_writer *writer) {
  struct describe_producers_request request;
  describe_producers_request_read(reader, version, &request);
  describe_producers_request_write(writer, version, &request);
  for (int32_t t = 0; t < request.topic_count && !reader->failed; t++) {
    struct describe_producers_topic topic;
    describe_producers_request_read_topic(reader, version, &topic);
    describe_producers_request_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++)
      describe_producers_request_write_partition(writer, version,
                                                 describe_producers_request_read_partition(reader, version));
    describe_producers_request_read_topic_end(reader, version);
    describe_producers_request_write_topic_end(writer, version);
  }
  describe_producers_request_read_end(reader, version);
  describe_producers_request_write_end(writer, version);
}

static void copy_described_partition(struct wire_reader *reader, int16_t version,
                                     struct wire_writer *writer) {
  struct describe_producers_partition partition;
  describe_producers_response_read_partition(reader, version, &partition);
  describe_producers_response_write_partition(writer, version, &partition);
  for (int32_t i = 0; i < partition.producer_count && !reader->failed; i++) {
    struct describe_producers_producer producer;
    describe_producers_response_read_producer(reader, version, &producer);
    describe_producers_response_write_producer(writer, version, &producer);
  }
  describe_producers_response_read_partition_end(reader, version);
  describe_producers_response_write_partition_end(writer, version);
}

void copy_describe_producers_response(struct wire_reader *reader, int16_t version,
                                      struct wire_writer *writer) {
  struct describe_producers_response response;
  describe_producers_response_read(reader, version, &response);
  describe_producers_response_write(writer, version, &response);
  for (int32_t t = 0; t < response.topic_count && !reader->failed; t++) {
    struct describe_producers_topic topic;
    describe_producers_response_read_topic(reader, version, &topic);
    describe_producers_response_write_topic(writer, version, &topic);
    for (int32_t p = 0; p < topic.partition_count && !reader->failed; p++)
      copy_described_partition(reader, version, writer);
    describe_producers_response_read_topic_end(reader, version);
    describe_producers_response_write_topic_end(writer, version);
  }
  describe_producers_response_read_end(reader, version);
  describe_producers_response_write_end(writer, version);
}
