/* Metadata (api 3), versions 4 to 13. Flexible from 9.
 *
 *   Request   => [topic_id:UUID (10+) name:NULLABLE_STRING] (a null array asks for all topics)
 *                allow_auto_topic_creation:BOOLEAN include_cluster_authorized_operations:BOOLEAN (8-10)
 *                include_topic_authorized_operations:BOOLEAN (8+)
 *
 *   Response  => throttle_time_ms:INT32 [broker] cluster_id:NULLABLE_STRING controller_id:INT32 [topic]
 *                cluster_authorized_operations:INT32 (8-10) error_code:INT16 (13)
 *   broker    => node_id:INT32 host:STRING port:INT32 rack:NULLABLE_STRING
 *   topic     => error_code:INT16 name:NULLABLE_STRING topic_id:UUID (10+) is_internal:BOOLEAN [partition]
 *                topic_authorized_operations:INT32 (8+)
 *   partition => error_code:INT16 index:INT32 leader_id:INT32 leader_epoch:INT32 (7+) [replica:INT32]
 *                [isr:INT32] [offline:INT32] (5+)
 *
 * Read and written part by part in the order of the wire; see produce.h. */
#ifndef PROTOCOL_METADATA_H
#define PROTOCOL_METADATA_H

#include "protocol/wire.h"

struct metadata_request {
  int32_t topic_count; /* -1: all topics */
  bool allow_auto_topic_creation;
};
struct metadata_request_topic {
  struct uuid id; /* versions 10+; zero: by name */
  struct bytes name;
};

void metadata_request_write(struct wire_writer *writer, int16_t version,
                            const struct metadata_request *request);
void metadata_request_write_topic(struct wire_writer *writer, int16_t version,
                                  const struct metadata_request_topic *topic);
void metadata_request_write_end(struct wire_writer *writer, int16_t version,
                                const struct metadata_request *request);

/* Reads the topic count only; allow_auto_topic_creation comes with ..._read_end. */
void metadata_request_read(struct wire_reader *reader, int16_t version, struct metadata_request *request);
void metadata_request_read_topic(struct wire_reader *reader, int16_t version,
                                 struct metadata_request_topic *topic);
void metadata_request_read_end(struct wire_reader *reader, int16_t version, struct metadata_request *request);

struct metadata_response {
  int32_t throttle_ms;
  int32_t broker_count;
};
struct metadata_broker {
  int32_t node_id;
  struct bytes host;
  int32_t port;
  struct bytes rack; /* null if none */
};
struct metadata_cluster {
  struct bytes cluster_id; /* null if none */
  int32_t controller_id;
  int32_t topic_count;
};
struct metadata_topic {
  int16_t error_code;
  struct bytes name;
  struct uuid id; /* zero before version 10 */
  bool is_internal;
  int32_t partition_count;
};
/* Node ids are read from `ids` by metadata_read_node_id, count times. */
struct metadata_nodes {
  int32_t count;
  struct wire_reader ids;
};
struct metadata_partition {
  int16_t error_code;
  int32_t index;
  int32_t leader_id;    /* -1: none */
  int32_t leader_epoch; /* -1 before version 7 */
  struct metadata_nodes replicas, isr, offline;
};
struct metadata_response_end {
  int16_t error_code; /* version 13: REBOOTSTRAP_REQUIRED (129), KIP-1102 */
};

void metadata_response_read(struct wire_reader *reader, int16_t version, struct metadata_response *response);
void metadata_response_read_broker(struct wire_reader *reader, int16_t version,
                                   struct metadata_broker *broker);
void metadata_response_read_cluster(struct wire_reader *reader, int16_t version,
                                    struct metadata_cluster *cluster);
void metadata_response_read_topic(struct wire_reader *reader, int16_t version, struct metadata_topic *topic);
void metadata_response_read_partition(struct wire_reader *reader, int16_t version,
                                      struct metadata_partition *partition);
void metadata_response_read_topic_end(struct wire_reader *reader, int16_t version);
void metadata_response_read_end(struct wire_reader *reader, int16_t version,
                                struct metadata_response_end *end);
int32_t metadata_read_node_id(struct metadata_nodes *nodes);

/* The broker's side: it has one node and lists it as leader, replica and in-sync replica of every partition.
 */
void metadata_response_write(struct wire_writer *writer, int16_t version,
                             const struct metadata_response *response);
void metadata_response_write_broker(struct wire_writer *writer, int16_t version,
                                    const struct metadata_broker *broker);
void metadata_response_write_cluster(struct wire_writer *writer, int16_t version,
                                     const struct metadata_cluster *cluster);
void metadata_response_write_topic(struct wire_writer *writer, int16_t version,
                                   const struct metadata_topic *topic);
/* replicas, isr and offline of `partition` are ignored; node_ids holds replica_count ids, all of them in
 * sync. */
void metadata_response_write_partition(struct wire_writer *writer, int16_t version,
                                       const struct metadata_partition *partition, const int32_t *node_ids,
                                       int32_t replica_count);
void metadata_response_write_topic_end(struct wire_writer *writer, int16_t version);
void metadata_response_write_end(struct wire_writer *writer, int16_t version,
                                 const struct metadata_response_end *end);

#endif
