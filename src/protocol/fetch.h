/* Fetch (api 1), versions 4 to 12. Flexible from 12. The embedded broker answers it, without fetch sessions
 * (its session id is always 0, so that every request is a whole one: KIP-227) and without transactions; the
 * other direction is for tests.
 *
 *   Request   => replica_id:INT32 max_wait_ms:INT32 min_bytes:INT32 max_bytes:INT32 isolation_level:INT8
 *                session_id:INT32 (7+) session_epoch:INT32 (7+) [topic] [forgotten] (7+) rack_id:STRING (11+)
 *                <tag 0: cluster_id> (12)
 *   topic     => name:STRING [partition]
 *   partition => index:INT32 current_leader_epoch:INT32 (9+) fetch_offset:INT64 last_fetched_epoch:INT32 (12)
 *                log_start_offset:INT64 (5+) partition_max_bytes:INT32
 *   forgotten => name:STRING [partition:INT32]
 *
 *   Response  => throttle_time_ms:INT32 error_code:INT16 (7+) session_id:INT32 (7+) [topic]
 *   topic     => name:STRING [partition]
 *   partition => index:INT32 error_code:INT16 high_watermark:INT64 last_stable_offset:INT64
 *                log_start_offset:INT64 (5+) [producer_id:INT64 first_offset:INT64] (nullable)
 *                preferred_read_replica:INT32 (11+) records:NULLABLE_BYTES (record batches, end to end)
 *                <tag 0: diverging_epoch, 1: current_leader, 2: snapshot_id> (12)
 *
 * Read and written part by part in the order of the wire; see produce.h. */
#ifndef PROTOCOL_FETCH_H
#define PROTOCOL_FETCH_H

#include "protocol/wire.h"

struct fetch_request {
  int32_t replica_id; /* -1: a consumer */
  int32_t max_wait_ms;
  int32_t min_bytes, max_bytes; /* of the whole response */
  int8_t isolation_level;       /* 0 read uncommitted, 1 read committed */
  int32_t session_id;           /* 0 before version 7 */
  int32_t session_epoch;        /* -1, no session, before version 7 */
  int32_t topic_count;
};
/* In requests and responses. */
struct fetch_topic {
  struct bytes name;
  int32_t partition_count;
};
struct fetch_request_partition {
  int32_t index;
  int32_t current_leader_epoch; /* -1: not known, and always before version 9 */
  int64_t fetch_offset;
  int32_t last_fetched_epoch; /* -1 before version 12 */
  int64_t log_start_offset;   /* of a follower; -1 from a consumer and before version 5 */
  int32_t partition_max_bytes;
};

void fetch_request_write(struct wire_writer *writer, int16_t version, const struct fetch_request *request);
void fetch_request_write_topic(struct wire_writer *writer, int16_t version, const struct fetch_topic *topic);
void fetch_request_write_partition(struct wire_writer *writer, int16_t version,
                                   const struct fetch_request_partition *partition);
void fetch_request_write_topic_end(struct wire_writer *writer, int16_t version);
/* Forgets no topics; rack_id may be empty, not null. */
void fetch_request_write_end(struct wire_writer *writer, int16_t version, struct bytes rack_id);

void fetch_request_read(struct wire_reader *reader, int16_t version, struct fetch_request *request);
void fetch_request_read_topic(struct wire_reader *reader, int16_t version, struct fetch_topic *topic);
void fetch_request_read_partition(struct wire_reader *reader, int16_t version,
                                  struct fetch_request_partition *partition);
void fetch_request_read_topic_end(struct wire_reader *reader, int16_t version);
/* Skips the forgotten topics, which only sessions have. *rack_id is empty before version 11. */
void fetch_request_read_end(struct wire_reader *reader, int16_t version, struct bytes *rack_id);

struct fetch_response {
  int32_t throttle_ms;
  int16_t error_code; /* versions 7+ */
  int32_t session_id; /* versions 7+; 0: no session */
  int32_t topic_count;
};
struct fetch_response_partition {
  int32_t index;
  int16_t error_code;
  int64_t high_watermark;
  int64_t last_stable_offset;
  int64_t log_start_offset; /* -1 before version 5 */
  size_t records_bytes;     /* writing: the size of what the caller sends itself */
  struct bytes records;     /* reading: a view; null if absent */
};

/* After ..._write_partition the caller sends records_bytes, then goes on with ..._write_partition_end. There
 * are no aborted transactions and no preferred replica. */
void fetch_response_write(struct wire_writer *writer, int16_t version, const struct fetch_response *response);
void fetch_response_write_topic(struct wire_writer *writer, int16_t version, const struct fetch_topic *topic);
void fetch_response_write_partition(struct wire_writer *writer, int16_t version,
                                    const struct fetch_response_partition *partition);
void fetch_response_write_partition_end(struct wire_writer *writer, int16_t version);
void fetch_response_write_topic_end(struct wire_writer *writer, int16_t version);
void fetch_response_write_end(struct wire_writer *writer, int16_t version);

void fetch_response_read(struct wire_reader *reader, int16_t version, struct fetch_response *response);
void fetch_response_read_topic(struct wire_reader *reader, int16_t version, struct fetch_topic *topic);
/* Reads the partition, its records and its tagged fields; skips aborted transactions and preferred replica.
 */
void fetch_response_read_partition(struct wire_reader *reader, int16_t version,
                                   struct fetch_response_partition *partition);
void fetch_response_read_topic_end(struct wire_reader *reader, int16_t version);
void fetch_response_read_end(struct wire_reader *reader, int16_t version);

#endif
