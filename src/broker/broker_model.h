/* A model of one Kafka broker: bytes of requests in, bytes of answers out. No sockets, threads or clock, so
 * that a simulator can drive it and broker_server can put it behind sockets.
 *
 * It keeps topics with in-memory logs, checks what it is sent as a broker does, and speaks ApiVersions,
 * Metadata, Produce, InitProducerId, DescribeProducers, ListOffsets and Fetch (api.def); no groups, no
 * transactions. Partitions may be copies among several models, which their owner makes follow each other
 * (broker_state.h). Tests make it fail in chosen ways with faults. One owner at a time, no lock of its own;
 * nothing blocks. */
#ifndef BROKER_BROKER_MODEL_H
#define BROKER_BROKER_MODEL_H

#include "base/bytes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_model;
struct wire_writer;
struct record_view;

/* What a broker is made of. Set it up with broker_settings_init, then change what has to differ. */
struct broker_settings {
  int32_t node_id;
  const char *cluster_id;
  uint64_t seed;                     /* of topic ids */
  int32_t auto_create_partitions;    /* of topics that a client asks for first; 0: none are created */
  size_t partition_limit_bytes;      /* the oldest batches of a partition go beyond it; 0: no limit */
  size_t data_limit_bytes;           /* of all partitions together; 0: no limit */
  size_t message_max_bytes;          /* of one batch */
  int64_t producer_id_expiration_ms; /* 0: producers are never forgotten */
  int64_t timestamp_ahead_max_ms;    /* a record's timestamp may be that far in the future */
  bool check_records;                /* decompress batches and check each record */
  /* Topics that are asked for first are made elsewhere, as by a controller, and unknown for now; NULL: here.
   */
  void (*create_topic)(void *context, struct bytes name, int32_t partition_count);
  void *context;
};

/* Node 1, no auto-creation, 64 MiB a partition, 1 GiB in all, Kafka's defaults for the rest. */
void broker_settings_init(struct broker_settings *settings);

/* Copies the settings. STATUS_OUT_OF_MEMORY, STATUS_INVALID_ARGUMENT. */
int32_t broker_model_create(const struct broker_settings *settings, struct broker_model **model);
/* NULL is allowed. */
void broker_model_destroy(struct broker_model *model);

/* Names a node of the cluster, this one (by its own id) or another, as Metadata and leader hints show it;
 * again with the same id changes its address. The model's own id is listed once it has an address.
 * STATUS_OUT_OF_MEMORY. */
int32_t broker_model_set_node(struct broker_model *model, int32_t node_id, const char *host, int32_t port);

/* ---- requests ---- */

enum broker_answer {
  BROKER_ANSWER_SEND,  /* a whole frame was appended to the response */
  BROKER_ANSWER_NONE,  /* nothing is to be sent (acks=0) */
  BROKER_ANSWER_WAIT,  /* a Fetch that may wait for more: see broker_model_handle */
  BROKER_ANSWER_STALL, /* never answer this request nor any behind it, but leave the connection open */
  BROKER_ANSWER_DELAY, /* a frame as with SEND, for when the high watermarks allow it (replication only) */
  BROKER_ANSWER_CUT,   /* close the connection: a malformed request, an API not offered, or a fault */
};

/* Handles one request, given without its frame length, at wall-clock time now_ms. With BROKER_ANSWER_WAIT
 * nothing has happened yet: hand the request in again when broker_model_append_count has grown, and after
 * *wait_ms at the latest with last_chance set. Unless it returns BROKER_ANSWER_SEND
 * or _DELAY the response is as before. */
enum broker_answer broker_model_handle(struct broker_model *model, int64_t now_ms, struct bytes request,
                                       bool last_chance, struct wire_writer *response, int64_t *wait_ms);

/* Grows with each appended batch. */
uint64_t broker_model_append_count(const struct broker_model *model);

/* ---- topics ---- */

/* STATUS_INVALID_TOPIC_EXCEPTION, STATUS_TOPIC_ALREADY_EXISTS, STATUS_INVALID_PARTITIONS,
 * STATUS_OUT_OF_MEMORY. */
int32_t broker_model_create_topic(struct broker_model *model, const char *name, int32_t partition_count);
/* With its records; created again it has another id. STATUS_UNKNOWN_TOPIC_OR_PARTITION. */
int32_t broker_model_delete_topic(struct broker_model *model, const char *name);
/* More partitions; they are never fewer. STATUS_INVALID_PARTITIONS and as above. */
int32_t broker_model_add_partitions(struct broker_model *model, const char *name, int32_t partition_count);
/* node_id -1: no leader. While another node leads, this one answers NOT_LEADER_OR_FOLLOWER with a hint
 * (KIP-951). */
int32_t broker_model_set_leader(struct broker_model *model, const char *topic, int32_t partition,
                                int32_t node_id, int32_t leader_epoch);

/* ---- what tests can provoke ---- */

enum broker_corruption {
  BROKER_CORRUPTION_NONE,
  BROKER_CORRUPTION_CORRELATION_ID, /* answers another request than was asked */
  BROKER_CORRUPTION_TRUNCATED,      /* a frame that ends in the middle of its body */
  BROKER_CORRUPTION_OVERSIZED,      /* a frame length of 2^31-1 */
  BROKER_CORRUPTION_GARBAGE,        /* a body of 0xff */
};

/* Something that goes wrong, for requests of one API that match. Produce, Fetch, ListOffsets and
 * DescribeProducers match by topic and partition, each partition of a request for itself. Metadata: topic
 * NULL hits the request (the error is that of all its topics, or of the answer if it is
 * REBOOTSTRAP_REQUIRED), a topic with partition -1 that topic, with a partition that one. Other APIs: topic
 * NULL and partition -1 only. Faults are tried in the order in which they came. */
struct broker_fault {
  int16_t api_key;
  const char *topic;  /* NULL: any; copied */
  int32_t partition;  /* -1: any */
  uint32_t skip;      /* this many matches pass unharmed first */
  uint32_t count;     /* then this many are hit; 0 counts as 1, UINT32_MAX as for ever */
  int16_t error_code; /* answered for the partition (topic, request); 0: no error */
  bool after_append;  /* Produce: the batch is appended (or found a duplicate), then the error is answered */
  bool drop_request;  /* nothing is handled, the connection is cut; by topic and partition only for Produce */
  bool drop_response; /* all is handled, then the connection is cut */
  bool withhold_response; /* all is handled, then nothing is answered on the connection any more */
  int32_t throttle_ms;    /* of answers to Produce, InitProducerId, DescribeProducers and, with topic
                           * NULL, Metadata */
  bool leader_hint;       /* Produce from version 10: the error comes with this leader */
  int32_t leader_id, leader_epoch;
  enum broker_corruption corruption; /* of the answer's bytes */
};

/* STATUS_OUT_OF_MEMORY. */
int32_t broker_model_inject(struct broker_model *model, const struct broker_fault *fault);
void broker_model_clear_faults(struct broker_model *model);

/* As after a restart of the broker: it remembers one batch of each producer in each partition. */
void broker_model_reload(struct broker_model *model);
/* Forgets every producer, as after their expiry. */
void broker_model_forget_producers(struct broker_model *model);
void broker_model_set_message_max_bytes(struct broker_model *model, size_t message_max_bytes);
/* Records whose value begins with prefix are refused one by one (INVALID_RECORD with record errors, KIP-467).
 * NULL: none. STATUS_OUT_OF_MEMORY. */
int32_t broker_model_refuse_values(struct broker_model *model, const char *prefix);

/* ---- what tests can see ---- */

/* What a broker has seen and done since it was made. */
struct broker_counters {
  uint64_t requests[128]; /* by api key */
  uint64_t batches_appended;
  uint64_t records_appended;
  uint64_t bytes_appended;
  uint64_t duplicates;   /* recognised, answered with their first offset */
  uint64_t out_of_order; /* answers OUT_OF_ORDER_SEQUENCE_NUMBER */
  uint64_t fenced;       /* answers INVALID_PRODUCER_EPOCH */
  uint64_t refused;      /* batches refused for any other reason before the append */
  uint64_t faults;       /* faults that hit */
  uint64_t malformed;    /* requests that could not be read */
};

/* Valid as long as the model, kept up to date. */
const struct broker_counters *broker_model_counters(const struct broker_model *model);

/* False when there is no such partition. end - start is the number of records that are there. */
bool broker_model_offsets(const struct broker_model *model, const char *topic, int32_t partition,
                          int64_t *start_offset, int64_t *end_offset);

/* The index-th batch of a partition, 0 being the oldest, as it would be fetched; the null view behind the
 * last one. Valid until the model changes. */
struct bytes broker_model_batch(const struct broker_model *model, const char *topic, int32_t partition,
                                uint32_t index);

/* Calls visit for each record of a partition in order, decompressed; its views are valid during the call.
 * Stops when visit returns false. STATUS_UNKNOWN_TOPIC_OR_PARTITION, or what is wrong with a stored batch. */
int32_t broker_model_visit_records(struct broker_model *model, const char *topic, int32_t partition,
                                   bool (*visit)(void *context, int64_t offset, int64_t timestamp_ms,
                                                 const struct record_view *record),
                                   void *context);

#endif
