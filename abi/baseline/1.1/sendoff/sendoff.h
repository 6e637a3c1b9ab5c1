/* Sendoff: a producer for Apache Kafka. What `sendoff_send` accepted is sent.
 *
 * The whole contract is in ABI.md: what never changes, what may come, and the rules for every function.
 * In short:
 *  - A function that can fail returns a status: SENDOFF_OK (0), a Kafka error code (-1 and positive) or
 *    one of the statuses below (-1001 and less). Out-parameters are untouched on failure unless the
 *    function says otherwise.
 *  - Timeouts are int64 milliseconds; -1 waits without limit, 0 does not wait.
 *  - Handles are opaque and not dereferenced; a stale one is refused with SENDOFF_CLOSED, NULL with
 *    SENDOFF_INVALID_ARGUMENT. All functions on a producer may be called from any thread at any time.
 *  - Pointers that go in are borrowed until the function returns, unless it says otherwise. Text comes out
 *    into the caller's buffer, always terminated, cut if it does not fit.
 *  - Structs that may grow begin with their size, which the caller sets to sizeof.
 *  - After fork, the parent's handles answer SENDOFF_FORKED in the child; sendoff_destroy there frees
 *    memory only.
 *
 * The comment of each function ends with five parts:
 *  Pointers: who owns what goes in and what comes out.
 *  Threads:  which may call it; a callback is a function of sendoff_callbacks or of a record.
 *  Waits:    for what, at most how long, and whether sendoff_wake ends it.
 *  Statuses: all that it can return; those with a number are Kafka's. INVALID_ARGUMENT is also the answer
 *            to NULL where that is not allowed.
 *  Since:    the version that it came with, which is its node in the symbol map, too. */
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
#define SENDOFF_VERSION_MINOR 1
#define SENDOFF_VERSION_PATCH 0
/* Counts incompatible changes of this header; equals the number in the library's SONAME. */
#define SENDOFF_ABI_VERSION 1

typedef struct sendoff_config sendoff_config;
typedef struct sendoff_producer sendoff_producer;
typedef struct sendoff_partitions sendoff_partitions;

/* ---- Statuses ---- */

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
  SENDOFF_NOT_CONFIGURED = -1030,
  SENDOFF_TLS_HANDSHAKE_FAILED = -1031,
  SENDOFF_CERTIFICATE_REFUSED = -1032,
  SENDOFF_LOGIN_FAILED = -1033
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

/* The name of any status: "NOT_LEADER_OR_FOLLOWER", "CLOSED"; "UNKNOWN_STATUS" for a number that this
 * library does not know.
 *
 * Pointers: the text is static memory.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API const char *sendoff_status_name(int32_t status);

/* One sentence for people about any status.
 *
 * Pointers: the text is static memory.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API const char *sendoff_status_text(int32_t status);

/* The classes of any status, as bits (SENDOFF_CLASS_...).
 *
 * Pointers: none.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API uint32_t sendoff_status_class(int32_t status);

/* The version of the library that runs: "1.1.0".
 *
 * Pointers: the text is static memory.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API const char *sendoff_version(void);

/* SENDOFF_ABI_VERSION as the library was built.
 *
 * Pointers: none.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API uint32_t sendoff_abi_version(void);

/* What this library was built with, in alphabetical order, separated by commas: the codecs "gzip", "lz4",
 * "snappy" and "zstd", and "isal" where ISA-L computes the checksums. New words may come.
 *
 * Pointers: the text is static memory.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.1 */
SENDOFF_API const char *sendoff_features(void);

/* ---- Configuration ---- */

/* Kafka's own names ("linger.ms"), librdkafka's as aliases, per topic "topic.NAME.setting". CONFIGURATION.md
 * lists all. */

/* Makes an empty configuration, in which every setting has its default.
 *
 * Pointers: *config is the caller's, who ends it with sendoff_config_destroy.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, OUT_OF_MEMORY, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_config_create(sendoff_config **config);

/* Sets one setting from text; blanks around the value do not count. On failure nothing is set, and error
 * names the setting, the value and what is allowed.
 *
 * Pointers: name and value are copied. error (may be NULL with error_size 0) is written on failure only.
 * Threads: one at a time per config.
 * Waits: for nothing.
 * Statuses: OK, INVALID_SETTING (the value is not allowed), UNKNOWN_SETTING, OUT_OF_MEMORY,
 *   INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_config_set(sendoff_config *config, const char *name, const char *value,
                                       char *error, size_t error_size);

/* The effective value as text: the default where none was set, empty where there is none. *needed receives
 * its bytes without the terminator, also if buffer is too small for it.
 *
 * Pointers: buffer (may be NULL with buffer_size 0) and needed (may be NULL) are the caller's.
 * Threads: one at a time per config.
 * Waits: for nothing.
 * Statuses: OK, UNKNOWN_SETTING, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_config_get(const sendoff_config *config, const char *name, char *buffer,
                                       size_t buffer_size, size_t *needed);

/* Sets everything from a file in Java's .properties form, or on failure nothing; error names the file, the
 * line and what is wrong.
 *
 * Pointers: path is borrowed. error (may be NULL with error_size 0) is written on failure only.
 * Threads: one at a time per config.
 * Waits: for the file system.
 * Statuses: OK, FILE_UNREADABLE, INVALID_SETTING (also a line that is no setting), UNKNOWN_SETTING,
 *   OUT_OF_MEMORY, INVALID_ARGUMENT (also a line without a name).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_config_load_file(sendoff_config *config, const char *path, char *error,
                                             size_t error_size);

/* Ends a configuration. Producers that were made from it do not need it.
 *
 * Pointers: config is freed; NULL is allowed.
 * Threads: one at a time per config.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API void sendoff_config_destroy(sendoff_config *config);

/* One setting as the library knows it. All text is static memory. New flags and types may come. */
typedef struct sendoff_setting {
  uint32_t size;  /* sizeof(sendoff_setting), set by the caller */
  uint32_t flags; /* SENDOFF_SETTING_... */
  const char *name;
  /* "boolean", "int", "long", "double", "string", "list", "enumeration", "password": text that
   * sendoff_config_get gives as "[hidden]" (since 1.1) */
  const char *type;
  const char *default_value; /* NULL: none */
  const char *range;         /* what is allowed, for people; NULL: anything of the type */
  const char *text;          /* what it does */
  const char *alias_of;      /* the setting that this name stands for, or NULL */
} sendoff_setting;

enum {
  SENDOFF_SETTING_PER_TOPIC = 1, /* may be set as topic.NAME.setting */
  SENDOFF_SETTING_NO_MEANING = 2 /* accepted because Java's producer knows it; has no meaning here */
};

/* How many settings and aliases this library knows.
 *
 * Pointers: *count is the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_setting_count(uint32_t *count);

/* Describes one setting or alias. The order may be another one in the next version.
 *
 * Pointers: *setting is the caller's, its text static memory.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, INVALID_ARGUMENT (also: index is not below the count, size is too small).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_setting_at(uint32_t index, sendoff_setting *setting);

/* ---- Reports ---- */

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

/* ---- Producer ---- */

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
  /* A token for OAUTHBEARER is wanted: answer with sendoff_set_token or sendoff_set_token_failure, from here
   * or later from any thread. On a thread of the library or one of the host's calls; must not wait.
   * Since 1.1. */
  void (*on_token_wanted)(void *user);
} sendoff_callbacks;

/* Starts a producer and its thread; it looks for its brokers by itself. On failure everything built so far
 * is freed, error says what is at fault, and release has been called.
 *
 * Pointers: config is copied. callbacks (may be NULL) is copied; what it points to has to live until
 *   release is called. *producer is the caller's, who ends it with sendoff_destroy. error (may be NULL with
 *   error_size 0) is written on failure only.
 * Threads: any, callbacks too.
 * Waits: for nothing, least of all the network.
 * Statuses: OK, INVALID_SETTING (settings contradict each other), OUT_OF_MEMORY, SYSTEM_ERROR (no thread,
 *   no descriptor, or 4,096 producers are there), INVALID_ARGUMENT (also: callbacks sets a field that this
 *   library does not know).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_create(const sendoff_config *config, const sendoff_callbacks *callbacks,
                                   sendoff_producer **producer, char *error, size_t error_size);

/* Waits until a broker has answered (names, ports and protocol are right), for who wants to know at start.
 * With TIMED_OUT, error has the last failure.
 *
 * Pointers: error (may be NULL with error_size 0) is the caller's.
 * Threads: any, but not a callback.
 * Waits: for a broker's answer, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK, TIMED_OUT, INTERRUPTED, IN_CALLBACK, CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_connect(sendoff_producer *producer, int64_t timeout_ms, char *error,
                                    size_t error_size);

/* The id of a topic, the same for the producer's life; looks nothing up on the network.
 *
 * Pointers: name is copied. *topic is the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, 17 INVALID_TOPIC_EXCEPTION (no name that a topic can have), OUT_OF_MEMORY, CLOSED, FORKED,
 *   INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_topic(sendoff_producer *producer, const char *name, uint32_t *topic);

/* The name of a topic id. *needed receives its bytes without the terminator, also if buffer is too small
 * for it.
 *
 * Pointers: buffer (may be NULL with buffer_size 0) and needed (may be NULL) are the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, CLOSED, FORKED, INVALID_ARGUMENT (also: there is no such id).
 * Since: 1.0 */
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

/* Accepts one record: OK means that exactly one report follows, and that it is sent. It never waits for the
 * network.
 *
 * Pointers: record and all that it points to are borrowed until return, and copied; record->user has to
 *   live until the record's report.
 * Threads: any; a callback never waits here.
 * Waits: for memory, at most max.block.ms; sendoff_wake ends it.
 * Statuses: OK, BUFFER_FULL and PARTITION_BUFFER_FULL (the wait is over), REPORTS_UNREAD (only reports hold
 *   the memory), RECORD_TOO_LARGE, PARTITION_OUT_OF_RANGE, 17 INVALID_TOPIC_EXCEPTION, PARTITIONER_FAILED,
 *   NOT_CONFIGURED (a record's callback in report mode queue), OUT_OF_MEMORY, INTERRUPTED, CLOSED, FORKED,
 *   INVALID_ARGUMENT (also: a larger record sets a field that this library does not know).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_send(sendoff_producer *producer, const sendoff_record *record);

/* As sendoff_send, but never waits: what would have to is refused.
 *
 * Pointers: record and all that it points to are borrowed until return, and copied; record->user has to
 *   live until the record's report.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, BUFFER_FULL, PARTITION_BUFFER_FULL, REPORTS_UNREAD, RECORD_TOO_LARGE,
 *   PARTITION_OUT_OF_RANGE, 17 INVALID_TOPIC_EXCEPTION, PARTITIONER_FAILED, NOT_CONFIGURED, OUT_OF_MEMORY,
 *   CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_try_send(sendoff_producer *producer, const sendoff_record *record);

/* Sends one record, cuts its linger and waits for its report, which it returns and which nobody else gets:
 * the status is the report's. Otherwise *report is untouched: the record was refused, or the time was up
 * (TIMED_OUT: it is accepted and stays so, its report is dropped).
 *
 * Pointers: record and all that it points to are borrowed until return, and copied; record->callback must
 *   be NULL. *report is the caller's.
 * Threads: any, but not a callback.
 * Waits: for memory, at most max.block.ms, and for the record's report, both together at most timeout_ms;
 *   sendoff_wake ends the wait for memory alone.
 * Statuses: OK (delivered), a report's, TIMED_OUT, BUFFER_FULL, PARTITION_BUFFER_FULL, REPORTS_UNREAD,
 *   RECORD_TOO_LARGE, PARTITION_OUT_OF_RANGE, 17 INVALID_TOPIC_EXCEPTION, PARTITIONER_FAILED,
 *   OUT_OF_MEMORY, INTERRUPTED (refused: the wait for memory was ended), IN_CALLBACK, CLOSED (refused, or
 *   destroyed meanwhile), FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_send_sync(sendoff_producer *producer, const sendoff_record *record,
                                      int64_t timeout_ms, sendoff_report *report);

/* sendoff_send without structs that hold pointers, for hosts that may not pass such. topic_id always
 * counts; set says which of partition and timestamp_ms do, and with SENDOFF_SET_TRY it never waits. headers
 * are packed as in sendoff_packed_record.
 *
 * Pointers: key, value and headers are borrowed until return, and copied.
 * Threads: any; a callback never waits here.
 * Waits: for memory, at most max.block.ms, with SENDOFF_SET_TRY for nothing; sendoff_wake ends it.
 * Statuses: OK, BUFFER_FULL, PARTITION_BUFFER_FULL, REPORTS_UNREAD, RECORD_TOO_LARGE,
 *   PARTITION_OUT_OF_RANGE, PARTITIONER_FAILED, OUT_OF_MEMORY, INTERRUPTED, CLOSED, FORKED,
 *   INVALID_ARGUMENT (also: there is no such topic_id, headers do not parse).
 * Since: 1.0 */
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

/* Accepts count records from one buffer, in order, until one is refused. *accepted receives how many were
 * accepted, also on failure; the status is OK or that of the first refused. set is SENDOFF_SET_TRY or 0.
 *
 * Pointers: packed, 8-byte aligned, is borrowed until return, and copied. *accepted is the caller's.
 * Threads: any; a callback never waits here.
 * Waits: for memory, at most max.block.ms in all, with SENDOFF_SET_TRY for nothing; sendoff_wake ends it.
 * Statuses: OK, BUFFER_FULL, PARTITION_BUFFER_FULL, REPORTS_UNREAD, RECORD_TOO_LARGE,
 *   PARTITION_OUT_OF_RANGE, PARTITIONER_FAILED, OUT_OF_MEMORY, INTERRUPTED, CLOSED, FORKED,
 *   INVALID_ARGUMENT (also: the buffer is not aligned, or does not parse at that record).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_send_batch(sendoff_producer *producer, const void *packed, size_t packed_bytes,
                                       uint32_t count, uint32_t set, uint32_t *accepted);

/* Waits until a record of record_bytes (key, value and headers together) would find room in buffer.memory.
 * Another thread may be quicker to take it.
 *
 * Pointers: none.
 * Threads: any; a callback only where it need not wait.
 * Waits: for memory, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK, TIMED_OUT, RECORD_TOO_LARGE, REPORTS_UNREAD (only reports hold the memory), OUT_OF_MEMORY,
 *   INTERRUPTED, IN_CALLBACK, CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
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
 * may still be unread). With timeout 0 it only cuts: those records are sent without lingering.
 *
 * Pointers: *result (may be NULL) is the caller's, filled in with OK, TIMED_OUT and INTERRUPTED.
 * Threads: any, but not a callback.
 * Waits: for reports and their callbacks, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK, TIMED_OUT, INTERRUPTED, IN_CALLBACK, CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_flush(sendoff_producer *producer, int64_t timeout_ms,
                                  sendoff_flush_result *result);

/* Refuses new records, flushes, and when the time is up aborts what is left (each with its report:
 * NOT_DELIVERED if it never left, else UNKNOWN); joins the library's threads and closes the sockets. The
 * handle stays valid until sendoff_destroy. Any number of times; the shortest timeout counts.
 *
 * Pointers: none.
 * Threads: any; in a callback it logs a warning and acts as with timeout 0, without waiting.
 * Waits: for reports and the threads' end, at most timeout_ms and 200 ms for the abort; sendoff_wake does
 *   not end it.
 * Statuses: OK (all was settled in time, or nothing was left), TIMED_OUT (records were aborted or are being
 *   so), CLOSED (destroyed), FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_close(sendoff_producer *producer, int64_t timeout_ms);

/* Gives up the handle. Without sendoff_close before, closes with timeout 0, and what is unsent is given up
 * without reports. Calls that are still inside return CLOSED, and what they use is freed when the last has
 * left; then release is called.
 *
 * Pointers: producer is freed; NULL and stale handles are allowed.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API void sendoff_destroy(sendoff_producer *producer);

/* ---- Reports and events by queue ---- */

/* Takes up to capacity reports, with delivery.report.mode=queue. *count receives how many: 0 with
 * TIMED_OUT, INTERRUPTED and CLOSED; it is untouched with the other failures, and with a CLOSED that comes
 * from a handle that was destroyed.
 *
 * Pointers: reports and *count are the caller's.
 * Threads: any, callbacks too.
 * Waits: for a report, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK (*count is above 0), TIMED_OUT, INTERRUPTED, CLOSED (closed and all reports are read),
 *   NOT_CONFIGURED (another report mode), FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_poll(sendoff_producer *producer, sendoff_report *reports, size_t capacity,
                                 int64_t timeout_ms, size_t *count);

/* A descriptor for poll, epoll or an event loop: readable while reports are unread, and for ever once the
 * producer is closed.
 *
 * Pointers: the descriptor stays the library's: the host never reads nor closes it; it lives until
 *   sendoff_destroy.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, NOT_CONFIGURED (another report mode than queue), CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_report_descriptor(sendoff_producer *producer, int32_t *descriptor);

enum {
  SENDOFF_EVENT_LOG = 1,       /* a log line; number is its level */
  SENDOFF_EVENT_FATAL = 2,     /* the producer cannot go on; status says why */
  SENDOFF_EVENT_THROTTLED = 3, /* a broker asked for a pause; number is its milliseconds */
  SENDOFF_EVENT_LOST = 4,      /* the queue was full; number counts the events lost since the last one read */
  SENDOFF_EVENT_AUTHENTICATION_FAILED = 5 /* a broker's TLS handshake or login; status and text; since 1.1 */
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

/* Takes one rare event. With event.queue.capacity=0 there are none.
 *
 * Pointers: *event is the caller's.
 * Threads: any, callbacks too.
 * Waits: for an event, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK, TIMED_OUT, INTERRUPTED, CLOSED (closed and all events are read), FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_poll_event(sendoff_producer *producer, sendoff_event *event, int64_t timeout_ms);

/* Ends the waits that other threads have under way on this producer, with INTERRUPTED: in sendoff_send,
 * _send_flat, _send_batch, _wait_for_space, _flush, _poll, _poll_event, _wait_token_wanted, _connect and
 * _partitions_for, and the wait for memory of _send_sync; not those for a report of _send_sync and in _close.
 * One that comes just before a wait may be missed by it: repeat until the thread has left.
 *
 * Pointers: none.
 * Threads: any, callbacks and signal handlers too.
 * Waits: for nothing.
 * Statuses: OK, CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_wake(sendoff_producer *producer);

/* ---- Credentials ---- */

/* Text that goes to brokers with a token (KIP-342). */
typedef struct sendoff_token_extension {
  const char *name; /* letters; not "auth" */
  const char *value;
} sendoff_token_extension;

/* A token for sasl.mechanism=OAUTHBEARER. Zero-initialise, set size and what is needed. */
typedef struct sendoff_token {
  uint32_t size; /* sizeof(sendoff_token), set by the caller */
  uint32_t extension_count;
  const char *value;                         /* as brokers are to get it, such as a JWT in its compact form */
  const char *principal;                     /* whose it is, for log lines; may be NULL */
  int64_t expires_ms;                        /* Unix time; the next token is wanted before it */
  const sendoff_token_extension *extensions; /* may be NULL */
} sendoff_token;

/* Hands over a token, whether one is wanted or not. Connections that wait for one go on, later ones log in
 * with it.
 *
 * Pointers: token is copied into memory that is left out of core dumps, and wiped when its successor comes.
 *   error (may be NULL with error_size 0) is written on failure only.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, NOT_CONFIGURED (the producer does not log in with tokens of the host's), CLOSED, FORKED,
 *   OUT_OF_MEMORY, INVALID_ARGUMENT (also: the token has expired, or holds what no token can hold).
 * Since: 1.1 */
SENDOFF_API int32_t sendoff_set_token(sendoff_producer *producer, const sendoff_token *token, char *error,
                                      size_t error_size);

/* Says that there is no token now. Connections that wait for one fail with the reason; another token is
 * wanted after a pause that grows from sasl.login.retry.backoff.ms.
 *
 * Pointers: reason is copied; it is shown in log lines and errors.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, NOT_CONFIGURED (the producer does not log in with tokens of the host's), CLOSED, FORKED,
 *   INVALID_ARGUMENT.
 * Since: 1.1 */
SENDOFF_API int32_t sendoff_set_token_failure(sendoff_producer *producer, const char *reason);

/* Waits until a token is wanted, for hosts that take no callback from a thread of the library. One want ends
 * one wait; on_token_wanted is called for it, too.
 *
 * Pointers: none.
 * Threads: any, but not a callback.
 * Waits: until a token is wanted, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK, TIMED_OUT, INTERRUPTED, NOT_CONFIGURED (the producer does not log in with tokens of the
 *   host's), IN_CALLBACK, CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.1 */
SENDOFF_API int32_t sendoff_wait_token_wanted(sendoff_producer *producer, int64_t timeout_ms);

/* Loads certificates, keys and passwords anew: from a config that is as the producer's, with other values for
 * TLS and logins (no others count; what is not set in it has its default), or, with NULL, from the files that
 * the settings name. Connections that are open go on as they are; later ones, and later logins on them, use
 * the new. What does not load changes nothing.
 *
 * Pointers: config is copied, NULL is allowed. error (may be NULL with error_size 0) is written on failure
 *   only.
 * Threads: any, callbacks too.
 * Waits: for files to be read.
 * Statuses: OK, INVALID_SETTING (error says what does not load), FILE_UNREADABLE, NOT_CONFIGURED
 *   (security.protocol is PLAINTEXT, or another security.protocol or mechanism is asked for), IN_CALLBACK (an
 *   on_log that the loading itself calls), CLOSED, FORKED, OUT_OF_MEMORY, INVALID_ARGUMENT.
 * Since: 1.1 */
SENDOFF_API int32_t sendoff_reload_credentials(sendoff_producer *producer, const sendoff_config *config,
                                               char *error, size_t error_size);

/* ---- What is going on ---- */

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
  uint64_t threads_waiting;     /* gauge: for memory */
  uint64_t buffer_bytes_staged; /* gauge: of buffer_bytes_used, for records whose topic or partition is not
                                   known yet; since 1.1 */
} sendoff_counters;

/* Fills in the counters. Works on a closed producer, too.
 *
 * Pointers: *counters is the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, CLOSED (destroyed), FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_get_counters(sendoff_producer *producer, sendoff_counters *counters);

/* A snapshot of a topic's partitions as the cluster describes them now.
 *
 * Pointers: topic is copied. *partitions is the caller's, who ends it with sendoff_partitions_destroy; it
 *   may outlive the producer.
 * Threads: any, but not a callback.
 * Waits: for a broker's answer, at most timeout_ms; sendoff_wake ends it.
 * Statuses: OK, the cluster's (3 UNKNOWN_TOPIC_OR_PARTITION and others), 17 INVALID_TOPIC_EXCEPTION,
 *   TIMED_OUT, INTERRUPTED, IN_CALLBACK, OUT_OF_MEMORY, CLOSED, FORKED, INVALID_ARGUMENT.
 * Since: 1.0 */
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

/* How many partitions the topic has.
 *
 * Pointers: partitions is borrowed. *count is the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, INVALID_ARGUMENT.
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_partitions_count(const sendoff_partitions *partitions, uint32_t *count);

/* Describes one of the partitions.
 *
 * Pointers: partitions is borrowed. *partition is the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, INVALID_ARGUMENT (also: index is not below the count, size is too small).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_partitions_get(const sendoff_partitions *partitions, uint32_t index,
                                           sendoff_partition *partition);
/* Node ids of one kind (SENDOFF_NODES_...), at most capacity; *count receives how many there are.
 *
 * Pointers: partitions is borrowed. nodes (may be NULL with capacity 0) and *count are the caller's.
 * Threads: any, callbacks too.
 * Waits: for nothing.
 * Statuses: OK, INVALID_ARGUMENT (also: index is not below the count, there is no such kind).
 * Since: 1.0 */
SENDOFF_API int32_t sendoff_partitions_nodes(const sendoff_partitions *partitions, uint32_t index,
                                             uint32_t kind, int32_t *nodes, uint32_t capacity,
                                             uint32_t *count);
/* Ends a snapshot.
 *
 * Pointers: partitions is freed; NULL is allowed.
 * Threads: any, when no other uses it.
 * Waits: for nothing.
 * Statuses: none.
 * Since: 1.0 */
SENDOFF_API void sendoff_partitions_destroy(sendoff_partitions *partitions);

#ifdef __cplusplus
}
#endif

#endif
