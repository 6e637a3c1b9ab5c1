/* Produce (api 0), versions 3 to 13. Flexible from 9.
 *
 *   Request   => transactional_id:NULLABLE_STRING acks:INT16 timeout_ms:INT32 [topic]
 *   topic     => name:STRING (3-12) | topic_id:UUID (13) [partition]
 *   partition => index:INT32 records:NULLABLE_BYTES (one record batch v2)
 *
 *   Response  => [topic] throttle_time_ms:INT32 <tag 0: [endpoint]> (10+)
 *   topic     => name:STRING (3-12) | topic_id:UUID (13) [partition]
 *   partition => index:INT32 error_code:INT16 base_offset:INT64 log_append_time_ms:INT64
 *                log_start_offset:INT64 (5+) [batch_index:INT32 message:NULLABLE_STRING] (8+)
 *                error_message:NULLABLE_STRING (8+)
 *                <tag 0: current_leader leader_id:INT32 leader_epoch:INT32> (10+)
 *   endpoint  => node_id:INT32 host:STRING port:INT32 rack:NULLABLE_STRING
 *
 * Written and read part by part, in the order of the wire, so that neither side allocates. The records
 * themselves are not copied: after produce_request_write_partition the caller sends records_bytes from where
 * they lie, then goes on with produce_request_write_partition_end. */
#ifndef PROTOCOL_PRODUCE_H
#define PROTOCOL_PRODUCE_H

#include "protocol/wire.h"

struct produce_request {
  struct bytes transactional_id;
  int16_t acks;
  int32_t timeout_ms;
  int32_t topic_count;
};
struct produce_request_topic {
  struct bytes name; /* versions 3-12 */
  struct uuid id;    /* version 13 */
  int32_t partition_count;
};
struct produce_request_partition {
  int32_t index;
  size_t records_bytes; /* writing: the size of what the caller sends itself */
  struct bytes records; /* reading: a view; null if absent */
};

void produce_request_write(struct wire_writer *writer, int16_t version,
                           const struct produce_request *request);
void produce_request_write_topic(struct wire_writer *writer, int16_t version,
                                 const struct produce_request_topic *topic);
void produce_request_write_partition(struct wire_writer *writer, int16_t version,
                                     const struct produce_request_partition *partition);
void produce_request_write_partition_end(struct wire_writer *writer, int16_t version);
void produce_request_write_topic_end(struct wire_writer *writer, int16_t version);
void produce_request_write_end(struct wire_writer *writer, int16_t version);

void produce_request_read(struct wire_reader *reader, int16_t version, struct produce_request *request);
void produce_request_read_topic(struct wire_reader *reader, int16_t version,
                                struct produce_request_topic *topic);
/* Reads the partition, its records and its tagged fields. */
void produce_request_read_partition(struct wire_reader *reader, int16_t version,
                                    struct produce_request_partition *partition);
void produce_request_read_topic_end(struct wire_reader *reader, int16_t version);
void produce_request_read_end(struct wire_reader *reader, int16_t version);

struct produce_response_topic {
  struct bytes name; /* versions 3-12 */
  struct uuid id;    /* version 13 */
  int32_t partition_count;
};
struct produce_response_partition {
  int32_t index;
  int16_t error_code;
  int64_t base_offset;
  int64_t log_append_time_ms;       /* -1: the topic keeps the producer's timestamps */
  int64_t log_start_offset;         /* -1 before version 5 */
  int32_t record_error_count;       /* versions 8+ */
  struct wire_reader record_errors; /* reading: pass to produce_response_read_record_error */
  struct bytes error_message;       /* null if absent */
  int32_t leader_id, leader_epoch;  /* -1 without the tag */
};
struct produce_record_error {
  int32_t batch_index; /* index of the record in its batch */
  struct bytes message;
};
struct produce_response_end {
  int32_t throttle_ms;
  int32_t endpoint_count;       /* 0 without the tag */
  struct wire_reader endpoints; /* reading: pass to produce_response_read_endpoint */
};
struct produce_endpoint {
  int32_t node_id;
  struct bytes host;
  int32_t port;
  struct bytes rack;
};

/* Returns the number of topics. */
int32_t produce_response_read(struct wire_reader *reader, int16_t version);
void produce_response_read_topic(struct wire_reader *reader, int16_t version,
                                 struct produce_response_topic *topic);
void produce_response_read_partition(struct wire_reader *reader, int16_t version,
                                     struct produce_response_partition *partition);
void produce_response_read_record_error(struct produce_response_partition *partition, int16_t version,
                                        struct produce_record_error *error);
void produce_response_read_topic_end(struct wire_reader *reader, int16_t version);
void produce_response_read_end(struct wire_reader *reader, int16_t version, struct produce_response_end *end);
void produce_response_read_endpoint(struct produce_response_end *end, int16_t version,
                                    struct produce_endpoint *endpoint);

/* The broker's side. record_errors: record_error_count elements. endpoints: end->endpoint_count elements. */
void produce_response_write(struct wire_writer *writer, int16_t version, int32_t topic_count);
void produce_response_write_topic(struct wire_writer *writer, int16_t version,
                                  const struct produce_response_topic *topic);
void produce_response_write_partition(struct wire_writer *writer, int16_t version,
                                      const struct produce_response_partition *partition,
                                      const struct produce_record_error *record_errors);
void produce_response_write_topic_end(struct wire_writer *writer, int16_t version);
void produce_response_write_end(struct wire_writer *writer, int16_t version,
                                const struct produce_response_end *end,
                                const struct produce_endpoint *endpoints);

#endif
