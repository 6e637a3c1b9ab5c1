/* Sendoff: a producer for Apache Kafka. What `sendoff_send` accepted is sent.
 *
 * The whole contract is in ABI.md. In short:
 *  - Every function that can fail returns a status: SENDOFF_OK (0), a Kafka error code (-1 and positive) or
 * one of the statuses below (-1001 and less). Out-parameters are untouched on failure unless the function
 * says otherwise.
 *  - Timeouts are int64 milliseconds; -1 waits without limit, 0 does not wait.
 *  - Handles are opaque and not dereferenced; a stale one is refused with SENDOFF_CLOSED, NULL with
 *    SENDOFF_INVALID_ARGUMENT. All functions on a producer may be called from any thread at any time.
 *  - Pointers that go in are borrowed until the function returns, unless it says otherwise. Text comes out
 * into the caller's buffer, always terminated, cut if it does not fit; an error buffer may be NULL with size
 * 0.
 *  - Structs that may grow begin with their size, which the caller sets to sizeof.
 *  - After fork, the parent's handles answer SENDOFF_FORKED in the child; sendoff_destroy there frees memory
 * only. */
#ifndef SENDOFF_SENDOFF_H
#define SENDOFF_SENDOFF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define SENDOFF_API __attribute__((visibility("default")))
#else
#define SENDOFF_API
#endif

#define SENDOFF_VERSION_MAJOR 1
#define SENDOFF_VERSION_MINOR 0
#define SENDOFF_VERSION_PATCH 0
/* Counts incompatible changes of this header; equals the number in the library's SONAME. */
#define SENDOFF_ABI_VERSION 1

typedef struct sendoff_config sendoff_config;
typedef struct sendoff_producer sendoff_producer;
typedef struct sendoff_partitions sendoff_partitions;

/* ---- Statuses
 * ------------------------------------------------------------------------------------------------- */

/* Ours. Kafka's own codes are passed on verbatim (3 UNKNOWN_TOPIC_OR_PARTITION, 10 MESSAGE_TOO_LARGE, ...).
 */
enum {
  SENDOFF_OK = 0,
  SENDOFF_INVALID_ARGUMENT = -1001,
  SENDOFF_INVALID_SETTING = -1002,
  SENDOFF_UNKNOWN_SETTING = -1003,
  SENDOFF_OUT_OF_MEMORY = -1004,
  SENDOFF_CLOSED = -1005,
  SENDOFF_FORKED = -1006,
  SENDOFF_BUFFER_FULL = -1007,
  SENDOFF_TIMED_OUT = -1008,
  SENDOFF_DELIVERY_TIMED_OUT = -1009,
  SENDOFF_REPORTS_UNREAD = -1010,
  SENDOFF_RECORD_TOO_LARGE = -1011,
  SENDOFF_PARTITION_OUT_OF_RANGE = -1012,
  SENDOFF_IN_CALLBACK = -1013,
  SENDOFF_INTERRUPTED = -1014,
  SENDOFF_ABORTED = -1015,
  SENDOFF_NO_ACKNOWLEDGEMENT = -1016,
  SENDOFF_DISCONNECTED = -1017,
  SENDOFF_REQUEST_TIMED_OUT_LOCALLY = -1018,
  SENDOFF_MALFORMED_RESPONSE = -1019,
  SENDOFF_NAME_NOT_RESOLVED = -1020,
  SENDOFF_UNSUPPORTED_BROKER = -1021,
  SENDOFF_SYSTEM_ERROR = -1022,
  SENDOFF_PARTITION_BUFFER_FULL = -1023,
  SENDOFF_ACKNOWLEDGED_DATA_LOST = -1024,
  SENDOFF_FILE_UNREADABLE = -1025,
  SENDOFF_TOPIC_RECREATED = -1027,
  SENDOFF_CONNECTION_REFUSED = -1028,
  SENDOFF_PARTITIONER_FAILED = -1029,
  SENDOFF_NOT_CONFIGURED = -1030
};

/* Classes of statuses, as bits. */
enum {
  SENDOFF_CLASS_RETRIABLE = 1,        /* the same call or record may succeed later */
  SENDOFF_CLASS_REFRESH_METADATA = 2, /* the client's view of the cluster was stale */
  SENDOFF_CLASS_NOT_APPENDED = 4,     /* the broker refused the attempt before it wrote anything */
  SENDOFF_CLASS_FATAL = 8,            /* the producer cannot go on: create a new one */
  SENDOFF_CLASS_CONFIGURATION = 16,   /* a setting or an argument has to change */
  SENDOFF_CLASS_AUTHORIZATION = 32,   /* a permission or a login is missing */
  SENDOFF_CLASS_ABORTABLE = 64        /* the transaction has to be aborted */
};

/* Name ("NOT_LEADER_OR_FOLLOWER"), one sentence for people, and class bits of any status. Static memory;
 * never fail. */
SENDOFF_API const char *sendoff_status_name(int32_t status);
SENDOFF_API const char *sendoff_status_text(int32_t status);
SENDOFF_API uint32_t sendoff_status_class(int32_t status);

/* "1.0.0"; and SENDOFF_ABI_VERSION as the library was built. Static memory; never fail. */
SENDOFF_API const char *sendoff_version(void);
SENDOFF_API uint32_t sendoff_abi_version(void);

/* ---- Configuration
 * -------------------------------------------------------------------------------------------- */

/* Kafka's own names ("linger.ms"), librdkafka's as aliases, per topic "topic.NAME.setting". CONFIGURATION.md
 * lists all. A config belongs to one thread at a time; sendoff_create copies it. */

/* *config receives a new, empty configuration, freed by sendoff_config_destroy.
 * Statuses: OK, INVALID_ARGUMENT, OUT_OF_MEMORY. Does not block. */
SENDOFF_API int32_t sendoff_config_create(sendoff_config **config);

/* Sets one setting from text. error receives a message that names the setting, the value and what is allowed.
 * Statuses: OK, INVALID_ARGUMENT, INVALID_SETTING, UNKNOWN_SETTING, OUT_OF_MEMORY. Does not block. */
SENDOFF_API int32_t sendoff_config_set(sendoff_config *config, const char *name, const char *value,
                                       char *error, size_t error_size);

/* The effective value (the default where none was set) as text. *needed (may be NULL) receives its bytes
 * without the terminator. Statuses: OK, INVALID_ARGUMENT, UNKNOWN_SETTING. Does not block. */
SENDOFF_API int32_t sendoff_config_get(const sendoff_config *config, const char *name, char *buffer,
                                       size_t buffer_size, size_t *needed);

/* Sets everything from a file in Java's .properties form. The message names file and line.
 * Statuses: as sendoff_config_set, and FILE_UNREADABLE. Blocks for the file system. */
SENDOFF_API int32_t sendoff_config_load_file(sendoff_config *config, const char *path, char *error,
                                             size_t error_size);

/* NULL is allowed. */
SENDOFF_API void sendoff_config_destroy(sendoff_config *config);

/* One setting as the library knows it. All text is static memory. */
typedef struct sendoff_setting {
  uint32_t size;  /* sizeof(sendoff_setting), set by the caller */
  uint32_t flags; /* SENDOFF_SETTING_... */
  const char *name;
  const char *type;          /* "boolean", "int", "long", "double", "string", "list", "enumeration" */
  const char *default_value; /* NULL: none */
  const char *range;         /* what is allowed, for people; NULL: anything of the type */
  const char *text;          /* what it does */
  const char *alias_of;      /* the setting that this name stands for, or NULL */
} sendoff_setting;

enum {
  SENDOFF_SETTING_PER_TOPIC = 1, /* may be set as topic.NAME.setting */
  SENDOFF_SETTING_NO_MEANING = 2 /* accepted because Java's producer knows it; has no meaning here */
};

/* Statuses: OK, INVALID_ARGUMENT. Do not block; any thread. */
SENDOFF_API int32_t sendoff_setting_count(uint32_t *count);
SENDOFF_API int32_t sendoff_setting_at(uint32_t index, sendoff_setting *setting);

/* ---- Reports
 * -------------------------------------------------------------------------------------------------- */

enum {
  SENDOFF_OUTCOME_DELIVERED = 1,                /* acknowledged; offset says where */
  SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN = 2, /* acknowledged; the broker no longer said where */
  SENDOFF_OUTCOME_NOT_DELIVERED = 3,            /* no attempt can have been written: sending again is safe */
  SENDOFF_OUTCOME_UNKNOWN = 4                   /* may have been written: sending again may duplicate */
};

enum {
  SENDOFF_REPORT_LOG_APPEND_TIME = 1 /* timestamp_ms is the broker's */
};

/* Exactly one for each accepted record. 64 bytes, no pointers, this layout for ever; arrays of it may be
 * indexed. */
typedef struct sendoff_report {
  uint64_t opaque;      /* the record's own */
  int64_t offset;       /* -1: unknown */
  int64_t timestamp_ms; /* the record's, or the broker's with SENDOFF_REPORT_LOG_APPEND_TIME */
  int64_t latency_us;   /* from acceptance to the outcome */
  uint32_t topic;       /* id, see sendoff_topic */
  int32_t partition;    /* -1: none was chosen yet */
  int32_t status;       /* SENDOFF_OK, or why */
  int32_t broker;       /* id of the broker that it was sent to last, -1: none */
  uint16_t attempts;    /* requests that carried the record, 65535: that many or more */
  uint8_t outcome;      /* SENDOFF_OUTCOME_... */
  uint8_t flags;        /* SENDOFF_REPORT_... */
  uint8_t zero[12];
} sendoff_report;

/* ---- Producer
 * ------------------------------------------------------------------------------------------------- */

/* What the library calls. Any function may be NULL. All but release, on_log and partitioner run on the
 * library's threads, one at a time per kind; none may throw or longjmp. From on_reports and record callbacks:
 * sendoff_send works and never waits; sendoff_flush is refused (IN_CALLBACK); sendoff_close acts as with
 * timeout 0; sendoff_destroy is allowed. */
typedef struct sendoff_callbacks {
  uint32_t size; /* sizeof(sendoff_callbacks), set by the caller */
  uint32_t zero;
  void *user; /* handed to each function */
  /* Called once when the producer no longer needs user: after the last other call. From sendoff_destroy, from
   * a thread of the library, or from the last call that was inside when the producer was destroyed; also by a
   * sendoff_create that fails, unless size is too small to read it. */
  void (*release)(void *user);
  /* Reports, many at a time, in order per partition; valid until return. On the sender thread, where it holds
   * up the network, or with delivery.report.mode=dispatcher on a thread of its own. */
  void (*on_reports)(void *user, const sendoff_report *reports, size_t count);
  /* A log line without end of line; level as syslog's (3 error .. 7 debug). On any thread, several at a time.
   */
  void (*on_log)(void *user, int32_t level, const char *line);
  /* On a thread of the library, when it starts and just before it ends; name is static. */
  void (*on_thread_start)(void *user, const char *name);
  void (*on_thread_stop)(void *user, const char *name);
  /* Chooses a partition for a record that names none. Runs on the sending thread, or on the sender thread for
   * records accepted before the topic's partitions were known. Must not call the library. Writes 0 <=
   * *partition < count and returns SENDOFF_OK, or returns another status (the record is refused or fails with
   * PARTITIONER_FAILED). */
  int32_t (*partitioner)(void *user, const char *topic, const void *key, size_t key_bytes, const void *value,
                         size_t value_bytes, int32_t partition_count, int32_t *partition);
} sendoff_callbacks;

/* Starts a producer and its thread. Never waits for the network. config is copied; callbacks (may be NULL) is
 * copied, what it points to must live until release. On failure everything built so far is freed, error says
 * what is at fault and release is called. Statuses: OK, INVALID_ARGUMENT, INVALID_SETTING, OUT_OF_MEMORY,
 * SYSTEM_ERROR. */
SENDOFF_API int32_t sendoff_create(const sendoff_config *config, const sendoff_callbacks *callbacks,
                                   sendoff_producer **producer, char *error, size_t error_size);

/* Waits until a broker has answered (names, ports and protocol are right), for who wants to know at start.
 * Statuses: OK, TIMED_OUT with the last failure in error, CLOSED, FORKED, INTERRUPTED, IN_CALLBACK,
 * INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_connect(sendoff_producer *producer, int64_t timeout_ms, char *error,
                                    size_t error_size);

/* The id of a topic, the same for the producer's life; looks nothing up on the network. *topic receives it.
 * Statuses: OK, 17 INVALID_TOPIC_EXCEPTION, OUT_OF_MEMORY, CLOSED, FORKED, INVALID_ARGUMENT. Does not block.
 */
SENDOFF_API int32_t sendoff_topic(sendoff_producer *producer, const char *name, uint32_t *topic);

/* The name of a topic id. *needed (may be NULL) receives its bytes. Statuses: OK, INVALID_ARGUMENT, CLOSED,
 * FORKED. */
SENDOFF_API int32_t sendoff_topic_name(sendoff_producer *producer, uint32_t topic, char *buffer,
                                       size_t buffer_size, size_t *needed);

/* One header of a record. */
typedef struct sendoff_header {
  const char *name;
  size_t name_bytes;
  const void *value; /* NULL: null */
  size_t value_bytes;
} sendoff_header;

/* Which optional fields of a record are set, and how to send. */
enum {
  SENDOFF_SET_TOPIC_ID = 1,  /* topic_id instead of topic */
  SENDOFF_SET_PARTITION = 2, /* partition; otherwise the partitioner chooses */
  SENDOFF_SET_TIMESTAMP = 4, /* timestamp_ms; otherwise now */
  SENDOFF_SET_TRY = 8        /* flat and batch forms: never wait, as sendoff_try_send */
};

/* One record. Zero-initialise, set size and what is needed. NULL data is null, other data with 0 bytes is
 * empty. */
typedef struct sendoff_record {
  uint32_t size; /* sizeof(sendoff_record), set by the caller */
  uint32_t set;  /* SENDOFF_SET_... */
  const char *topic;
  uint32_t topic_id;
  int32_t partition;
  const void *key;
  size_t key_bytes;
  const void *value;
  size_t value_bytes;
  const sendoff_header *headers; /* in order, names may repeat */
  size_t header_count;
  int64_t timestamp_ms; /* milliseconds since 1970, 0 or more */
  uint64_t opaque;      /* comes back in the report */
  /* Called with this record's report, in addition to on_reports; not in report mode queue. May be NULL. */
  void (*callback)(void *user, const sendoff_report *report);
  void *user;
} sendoff_record;

/* Accepts one record; everything is copied. Waits for memory at most max.block.ms, never for the network.
 * Statuses: OK (accepted: exactly one report follows), BUFFER_FULL, PARTITION_BUFFER_FULL, REPORTS_UNREAD
 * (the wait is over), RECORD_TOO_LARGE, PARTITION_OUT_OF_RANGE, 17 INVALID_TOPIC_EXCEPTION,
 * PARTITIONER_FAILED, OUT_OF_MEMORY, CLOSED, FORKED, INTERRUPTED, NOT_CONFIGURED (a record callback in report
 * mode queue), INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_send(sendoff_producer *producer, const sendoff_record *record);

/* As sendoff_send, but never waits. */
SENDOFF_API int32_t sendoff_try_send(sendoff_producer *producer, const sendoff_record *record);

/* Sends one record, cuts its linger and waits for its report, which it returns and which nobody else gets.
 * Statuses: OK (delivered), the report's status, or why it was refused (then *report is untouched);
 * TIMED_OUT: the record is accepted and stays so, but its report is dropped; IN_CALLBACK. record->callback
 * must be NULL. */
SENDOFF_API int32_t sendoff_send_sync(sendoff_producer *producer, const sendoff_record *record,
                                      int64_t timeout_ms, sendoff_report *report);

/* sendoff_send without structs that hold pointers, for hosts that may not pass such. headers: header_bytes of
 * packed headers as in sendoff_packed_record. set: SENDOFF_SET_...; topic_id always counts. Statuses as
 * sendoff_send. */
SENDOFF_API int32_t sendoff_send_flat(sendoff_producer *producer, uint32_t topic_id, uint32_t set,
                                      int32_t partition, int64_t timestamp_ms, const void *key,
                                      size_t key_bytes, const void *value, size_t value_bytes,
                                      const void *headers, size_t headers_bytes, uint64_t opaque);

/* A record in a buffer for sendoff_send_batch: this, then key, value and headers without gaps, then zero to
 * seven bytes up to the next multiple of 8. A header is name_bytes:int32 name value_bytes:int32 (-1 null)
 * value. Host byte order. 40 bytes, no pointers, this layout for ever. */
typedef struct sendoff_packed_record {
  uint64_t opaque;
  int64_t timestamp_ms;
  uint32_t topic_id;
  uint32_t set; /* SENDOFF_SET_PARTITION, SENDOFF_SET_TIMESTAMP */
  int32_t partition;
  int32_t key_bytes;   /* -1: null */
  int32_t value_bytes; /* -1: null */
  uint32_t headers_bytes;
} sendoff_packed_record;

/* Accepts count records from one buffer (8-byte aligned), in order, until one is refused. *accepted receives
 * how many were accepted, also on failure; the status is OK or that of the first refused. set:
 * SENDOFF_SET_TRY or 0; without it waits up to max.block.ms in all. Statuses as sendoff_send;
 * INVALID_ARGUMENT for a buffer that does not parse at that record. */
SENDOFF_API int32_t sendoff_send_batch(sendoff_producer *producer, const void *packed, size_t packed_bytes,
                                       uint32_t count, uint32_t set, uint32_t *accepted);

/* Waits until a record of record_bytes (key, value and headers together) would find room in buffer.memory.
 * Statuses: OK, TIMED_OUT, RECORD_TOO_LARGE, REPORTS_UNREAD (only unread reports hold the memory), CLOSED,
 * FORKED, INTERRUPTED, IN_CALLBACK, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_wait_for_space(sendoff_producer *producer, size_t record_bytes,
                                           int64_t timeout_ms);

/* What became of the records accepted before a flush. */
typedef struct sendoff_flush_result {
  uint32_t size; /* sizeof(sendoff_flush_result), set by the caller */
  uint32_t zero;
  uint64_t pending; /* still without a report: 0 when the flush returned OK */
  uint64_t failed;  /* reported NOT_DELIVERED since the last completed flush */
  uint64_t unknown; /* reported UNKNOWN since the last completed flush (acks=0 not counted) */
} sendoff_flush_result;

/* Cuts linger and waits until every record accepted before it has its report (made: in report mode queue it
 * may still be unread). With timeout 0 it only cuts: those records are sent without lingering, nothing waits.
 * result may be NULL. It is filled in on OK, TIMED_OUT and INTERRUPTED. Statuses: OK, TIMED_OUT, IN_CALLBACK,
 * INTERRUPTED, CLOSED, FORKED, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_flush(sendoff_producer *producer, int64_t timeout_ms,
                                  sendoff_flush_result *result);

/* Refuses new records, flushes, and when the time is up aborts what is left (each with its report:
 * NOT_DELIVERED if it never left, else UNKNOWN); joins the sender thread and closes the sockets. The handle
 * stays valid until destroy. Any thread, any number of times. From a callback it logs a warning and acts as
 * with timeout 0 without waiting. Statuses: OK (all was settled in time, or nothing was left), TIMED_OUT
 * (records were aborted), FORKED, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_close(sendoff_producer *producer, int64_t timeout_ms);

/* Gives up the handle; NULL and stale handles are allowed. Without close before, closes with timeout 0. Never
 * waits; calls still inside return CLOSED, and what they use is freed when the last has left. */
SENDOFF_API void sendoff_destroy(sendoff_producer *producer);

/* ---- Reports and events by queue
 * ------------------------------------------------------------------------------- */

/* delivery.report.mode=queue: takes up to capacity reports. *count receives how many, 0 with TIMED_OUT or
 * INTERRUPTED. Statuses: OK (count > 0), TIMED_OUT, INTERRUPTED, CLOSED (closed and all reports are read),
 * FORKED, NOT_CONFIGURED, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_poll(sendoff_producer *producer, sendoff_report *reports, size_t capacity,
                                 int64_t timeout_ms, size_t *count);

/* A descriptor for poll, epoll or an event loop: readable while reports are unread, and for ever once the
 * producer is closed. The host never reads it and never closes it; it lives until sendoff_destroy. Statuses:
 * OK, NOT_CONFIGURED, CLOSED, FORKED, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_report_descriptor(sendoff_producer *producer, int32_t *descriptor);

enum {
  SENDOFF_EVENT_LOG = 1,       /* a log line; number is its level */
  SENDOFF_EVENT_FATAL = 2,     /* the producer cannot go on; status says why */
  SENDOFF_EVENT_THROTTLED = 3, /* a broker asked for a pause; number is its milliseconds */
  SENDOFF_EVENT_LOST = 4       /* the queue was full; number counts the events lost since the last one read */
};

/* A rare event. New kinds may come with new minor versions: ignore those that you do not know. */
typedef struct sendoff_event {
  uint32_t size; /* sizeof(sendoff_event), set by the caller */
  uint32_t kind; /* SENDOFF_EVENT_... */
  int32_t status;
  int32_t broker; /* -1: none */
  int64_t number;
  char text[1024]; /* terminated */
} sendoff_event;

/* Takes one rare event. With event.queue.capacity=0 there are none. Statuses: OK, TIMED_OUT, INTERRUPTED,
 * CLOSED (closed and all events are read), FORKED, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_poll_event(sendoff_producer *producer, sendoff_event *event, int64_t timeout_ms);

/* Ends the waits that other threads have under way in sendoff_send, _send_flat, _send_batch, _wait_for_space,
 * _flush, _poll, _poll_event, _connect and _partitions_for with INTERRUPTED; not those in _close and
 * _send_sync. One that comes just before a wait may be missed by it: repeat until the thread has left. Never
 * waits; may be called from a signal handler. Statuses: OK, CLOSED, FORKED, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_wake(sendoff_producer *producer);

/* ---- What is going on
 * ------------------------------------------------------------------------------------------ */

/* Totals since create, and gauges of this moment. */
typedef struct sendoff_counters {
  uint32_t size; /* sizeof(sendoff_counters), set by the caller */
  uint32_t zero;
  uint64_t records_accepted, records_delivered, records_not_delivered, records_unknown;
  uint64_t records_unacknowledged; /* acks=0: handed to the system */
  uint64_t bytes_accepted;         /* keys, values and headers */
  uint64_t batches_sent;           /* attempts counted */
  uint64_t batches_retried;        /* attempts after the first */
  uint64_t batches_split;          /* MESSAGE_TOO_LARGE */
  uint64_t batch_bytes_sent;       /* as on the wire, after compression */
  uint64_t batch_bytes_uncompressed;
  uint64_t out_of_order_answers; /* OUT_OF_ORDER_SEQUENCE_NUMBER */
  uint64_t outcomes_resolved;    /* batches whose outcome was unknown and became known */
  uint64_t epochs_raised;        /* partitions that went on under a new epoch */
  uint64_t requests_sent, responses_received;
  uint64_t connections_opened, connections_failed, connections_lost;
  uint64_t throttled_ms;
  uint64_t records_pending;    /* gauge: accepted, without a report */
  uint64_t reports_unread;     /* gauge: made, and neither polled nor through their callbacks */
  uint64_t requests_in_flight; /* gauge: produce requests */
  uint64_t buffer_bytes_used;  /* gauge */
  uint64_t buffer_bytes_total;
  uint64_t threads_waiting; /* gauge: for memory */
} sendoff_counters;

/* Statuses: OK, FORKED, CLOSED (destroyed), INVALID_ARGUMENT. Works on a closed producer. Does not block. */
SENDOFF_API int32_t sendoff_get_counters(sendoff_producer *producer, sendoff_counters *counters);

/* A snapshot of a topic's partitions, freed by sendoff_partitions_destroy. Waits for metadata if it has to.
 * Statuses: OK, 3 UNKNOWN_TOPIC_OR_PARTITION and other codes of the cluster, 17 INVALID_TOPIC_EXCEPTION,
 * TIMED_OUT, CLOSED, FORKED, INTERRUPTED, IN_CALLBACK, OUT_OF_MEMORY, INVALID_ARGUMENT. */
SENDOFF_API int32_t sendoff_partitions_for(sendoff_producer *producer, const char *topic, int64_t timeout_ms,
                                           sendoff_partitions **partitions);

/* One partition as the cluster last described it. */
typedef struct sendoff_partition {
  uint32_t size; /* sizeof(sendoff_partition), set by the caller */
  int32_t partition;
  int32_t leader;       /* -1: none */
  int32_t leader_epoch; /* -1: not told */
  uint32_t replica_count, in_sync_count, offline_count;
  int32_t status; /* OK, or the cluster's error for this partition */
} sendoff_partition;

enum { SENDOFF_NODES_REPLICAS = 0, SENDOFF_NODES_IN_SYNC = 1, SENDOFF_NODES_OFFLINE = 2 };

/* Statuses of these: OK, INVALID_ARGUMENT (also: index out of range). Any thread; do not block. */
SENDOFF_API int32_t sendoff_partitions_count(const sendoff_partitions *partitions, uint32_t *count);
SENDOFF_API int32_t sendoff_partitions_get(const sendoff_partitions *partitions, uint32_t index,
                                           sendoff_partition *partition);
/* Node ids of one kind (SENDOFF_NODES_...), at most capacity; *count receives how many there are. */
SENDOFF_API int32_t sendoff_partitions_nodes(const sendoff_partitions *partitions, uint32_t index,
                                             uint32_t kind, int32_t *nodes, uint32_t capacity,
                                             uint32_t *count);
/* NULL is allowed. */
SENDOFF_API void sendoff_partitions_destroy(sendoff_partitions *partitions);

#ifdef __cplusplus
}
#endif

#endif
