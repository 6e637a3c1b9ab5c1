/* ListOffsets (api 2), versions 1 to 7. Flexible from 6. The embedded broker answers it; the other direction
 * is for tests.
 *
 *   Request   => replica_id:INT32 isolation_level:INT8 (2+) [topic]
 *   topic     => name:STRING [partition]
 *   partition => index:INT32 current_leader_epoch:INT32 (4+) timestamp:INT64
 *
 *   Response  => throttle_time_ms:INT32 (2+) [topic]
 *   topic     => name:STRING [partition]
 *   partition => index:INT32 error_code:INT16 timestamp:INT64 offset:INT64 leader_epoch:INT32 (4+)
 *
 * Read and written part by part in the order of the wire; see produce.h. */
#ifndef PROTOCOL_LIST_OFFSETS_H
#define PROTOCOL_LIST_OFFSETS_H

#include "protocol/wire.h"

/* Timestamps with a meaning of their own. */
enum {
  LIST_OFFSETS_LATEST = -1,
  LIST_OFFSETS_EARLIEST = -2,
  LIST_OFFSETS_MAX_TIMESTAMP = -3, /* version 7, KIP-734 */
};

struct list_offsets_request {
  int32_t replica_id;     /* -1: a consumer */
  int8_t isolation_level; /* 0 read uncommitted, and always before version 2; 1 read committed */
  int32_t topic_count;
};
/* In requests and responses. */
struct list_offsets_topic {
  struct bytes name;
  int32_t partition_count;
};
struct list_offsets_request_partition {
  int32_t index;
  int32_t current_leader_epoch; /* -1: not known, and always before version 4 */
  int64_t timestamp_ms;
};

void list_offsets_request_write(struct wire_writer *writer, int16_t version,
                                const struct list_offsets_request *request);
void list_offsets_request_write_topic(struct wire_writer *writer, int16_t version,
                                      const struct list_offsets_topic *topic);
void list_offsets_request_write_partition(struct wire_writer *writer, int16_t version,
                                          const struct list_offsets_request_partition *partition);
void list_offsets_request_write_topic_end(struct wire_writer *writer, int16_t version);
void list_offsets_request_write_end(struct wire_writer *writer, int16_t version);

void list_offsets_request_read(struct wire_reader *reader, int16_t version,
                               struct list_offsets_request *request);
void list_offsets_request_read_topic(struct wire_reader *reader, int16_t version,
                                     struct list_offsets_topic *topic);
void list_offsets_request_read_partition(struct wire_reader *reader, int16_t version,
                                         struct list_offsets_request_partition *partition);
void list_offsets_request_read_topic_end(struct wire_reader *reader, int16_t version);
void list_offsets_request_read_end(struct wire_reader *reader, int16_t version);

struct list_offsets_response {
  int32_t throttle_ms;
  int32_t topic_count;
};
struct list_offsets_response_partition {
  int32_t index;
  int16_t error_code;
  int64_t timestamp_ms; /* of the record that was found; -1 for the latest and earliest offset */
  int64_t offset;       /* -1: none */
  int32_t leader_epoch; /* -1: not known, and always before version 4 */
};

void list_offsets_response_write(struct wire_writer *writer, int16_t version,
                                 const struct list_offsets_response *response);
void list_offsets_response_write_topic(struct wire_writer *writer, int16_t version,
                                       const struct list_offsets_topic *topic);
void list_offsets_response_write_partition(struct wire_writer *writer, int16_t version,
                                           const struct list_offsets_response_partition *partition);
void list_offsets_response_write_topic_end(struct wire_writer *writer, int16_t version);
void list_offsets_response_write_end(struct wire_writer *writer, int16_t version);

void list_offsets_response_read(struct wire_reader *reader, int16_t version,
                                struct list_offsets_response *response);
void list_offsets_response_read_topic(struct wire_reader *reader, int16_t version,
                                      struct list_offsets_topic *topic);
void list_offsets_response_read_partition(struct wire_reader *reader, int16_t version,
                                          struct list_offsets_response_partition *partition);
void list_offsets_response_read_topic_end(struct wire_reader *reader, int16_t version);
void list_offsets_response_read_end(struct wire_reader *reader, int16_t version);

#endif
