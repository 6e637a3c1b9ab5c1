/* DescribeProducers (api 61), version 0, flexible. What a replica remembers of those who write to its
 * partitions: the client asks to learn what became of a batch whose answer was lost (KIP-664). Brokers from
 * 2.8 on offer it; it needs READ on the topic.
 *
 *   Request   => [topic]
 *   topic     => name:STRING [index:INT32]
 *
 *   Response  => throttle_time_ms:INT32 [topic]
 *   topic     => name:STRING [partition]
 *   partition => index:INT32 error_code:INT16 error_message:NULLABLE_STRING [producer]
 *   producer  => producer_id:INT64 producer_epoch:INT32 last_sequence:INT32 last_timestamp:INT64
 *                coordinator_epoch:INT32 current_txn_start_offset:INT64
 *
 * Read and written part by part in the order of the wire; see produce.h. */
#ifndef PROTOCOL_DESCRIBE_PRODUCERS_H
#define PROTOCOL_DESCRIBE_PRODUCERS_H

#include "protocol/wire.h"

struct describe_producers_request {
  int32_t topic_count;
};
/* In requests and responses. */
struct describe_producers_topic {
  struct bytes name;
  int32_t partition_count;
};

void describe_producers_request_write(struct wire_writer *writer, int16_t version,
                                      const struct describe_producers_request *request);
void describe_producers_request_write_topic(struct wire_writer *writer, int16_t version,
                                            const struct describe_producers_topic *topic);
void describe_producers_request_write_partition(struct wire_writer *writer, int16_t version, int32_t index);
void describe_producers_request_write_topic_end(struct wire_writer *writer, int16_t version);
void describe_producers_request_write_end(struct wire_writer *writer, int16_t version);

void describe_producers_request_read(struct wire_reader *reader, int16_t version,
                                     struct describe_producers_request *request);
void describe_producers_request_read_topic(struct wire_reader *reader, int16_t version,
                                           struct describe_producers_topic *topic);
int32_t describe_producers_request_read_partition(struct wire_reader *reader, int16_t version);
void describe_producers_request_read_topic_end(struct wire_reader *reader, int16_t version);
void describe_producers_request_read_end(struct wire_reader *reader, int16_t version);

struct describe_producers_response {
  int32_t throttle_ms;
  int32_t topic_count;
};
struct describe_producers_partition {
  int32_t index;
  int16_t error_code;
  struct bytes error_message; /* nullable */
  int32_t producer_count;
};
struct describe_producers_producer {
  int64_t producer_id;
  int32_t producer_epoch;
  int32_t last_sequence;     /* -1: no batch of this epoch is there */
  int64_t last_timestamp_ms; /* the newest of its last batch's records; -1: none */
  int32_t coordinator_epoch;
  int64_t transaction_start_offset; /* -1: no transaction is open */
};

void describe_producers_response_write(struct wire_writer *writer, int16_t version,
                                       const struct describe_producers_response *response);
void describe_producers_response_write_topic(struct wire_writer *writer, int16_t version,
                                             const struct describe_producers_topic *topic);
void describe_producers_response_write_partition(struct wire_writer *writer, int16_t version,
                                                 const struct describe_producers_partition *partition);
void describe_producers_response_write_producer(struct wire_writer *writer, int16_t version,
                                                const struct describe_producers_producer *producer);
void describe_producers_response_write_partition_end(struct wire_writer *writer, int16_t version);
void describe_producers_response_write_topic_end(struct wire_writer *writer, int16_t version);
void describe_producers_response_write_end(struct wire_writer *writer, int16_t version);

void describe_producers_response_read(struct wire_reader *reader, int16_t version,
                                      struct describe_producers_response *response);
void describe_producers_response_read_topic(struct wire_reader *reader, int16_t version,
                                            struct describe_producers_topic *topic);
void describe_producers_response_read_partition(struct wire_reader *reader, int16_t version,
                                                struct describe_producers_partition *partition);
void describe_producers_response_read_producer(struct wire_reader *reader, int16_t version,
                                               struct describe_producers_producer *producer);
void describe_producers_response_read_partition_end(struct wire_reader *reader, int16_t version);
void describe_producers_response_read_topic_end(struct wire_reader *reader, int16_t version);
void describe_producers_response_read_end(struct wire_reader *reader, int16_t version);

#endif
