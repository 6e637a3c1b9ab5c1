/* program_1_0 BOOTSTRAP TOPIC SETTINGS: a program of release 1.0, which calls each function that there was.
 * Says what it did, a line each; ends with 1 at the first answer that is not as it was. */
#include <sendoff/sendoff.h>

#include "guarded.h"
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>

enum { PACKED = 3, QUEUED = 10 };

static const char *bootstrap, *topic;

static void describe(void);
static void configure(const char *settings);
static void send_by_callbacks(void);
static void send_by_queue(void);

int main(int argc, char **argv) {
  begin(argc, argv);
  EXPECT(argc == 4);
  bootstrap = argv[1];
  topic = argv[2];
  describe();
  configure(argv[3]);
  send_by_callbacks();
  send_by_queue();
  return 0;
}

/* What needs no producer. */
static void describe(void) {
  EXPECT(sendoff_abi_version() == SENDOFF_ABI_VERSION);
  EXPECT(strtol(sendoff_version(), NULL, 10) == SENDOFF_VERSION_MAJOR);
  EXPECT(strcmp(sendoff_status_name(SENDOFF_BUFFER_FULL), "BUFFER_FULL") == 0);
  EXPECT(strlen(sendoff_status_text(SENDOFF_BUFFER_FULL)) > 0);
  EXPECT((sendoff_status_class(6) & SENDOFF_CLASS_RETRIABLE) != 0);
  uint32_t count = 0, known = 0;
  EXPECT_OK(sendoff_setting_count(&count));
  for (uint32_t i = 0; i < count; i++) {
    GUARDED(sendoff_setting) setting;
    GUARDED_BEGIN(setting);
    EXPECT_OK(sendoff_setting_at(i, &setting.is));
    EXPECT_GUARDED(setting);
    EXPECT(setting.is.size == sizeof setting.is && setting.is.type != NULL && setting.is.text != NULL);
    known += strcmp(setting.is.name, "linger.ms") == 0 || strcmp(setting.is.name, "acks") == 0;
  }
  EXPECT(known == 2);
  (void)puts("described");
}

static void configure(const char *settings) {
  sendoff_config *config = NULL;
  char value[32], error[256] = "";
  size_t needed = 0;
  EXPECT_OK(sendoff_config_create(&config));
  EXPECT_OK(sendoff_config_load_file(config, settings, error, sizeof error));
  EXPECT_OK(sendoff_config_get(config, "linger.ms", value, sizeof value, &needed));
  EXPECT(strcmp(value, "7") == 0 && needed == 1);
  EXPECT_STATUS(sendoff_config_set(config, "acks", "many", error, sizeof error), SENDOFF_INVALID_SETTING);
  EXPECT(strstr(error, "acks") != NULL);
  EXPECT_STATUS(sendoff_config_set(config, "no.such", "1", error, sizeof error), SENDOFF_UNKNOWN_SETTING);
  sendoff_config_destroy(config);
  (void)puts("configured");
}

static sendoff_producer *create(const char *mode, const sendoff_callbacks *callbacks) {
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  char error[256] = "";
  EXPECT_OK(sendoff_config_create(&config));
  EXPECT_OK(sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error));
  EXPECT_OK(sendoff_config_set(config, "delivery.report.mode", mode, error, sizeof error));
  EXPECT_OK(sendoff_create(config, callbacks, &producer, error, sizeof error));
  sendoff_config_destroy(config);
  EXPECT_OK(sendoff_connect(producer, PATIENCE_MS, error, sizeof error));
  return producer;
}

static sendoff_record record_of(const char *value) {
  sendoff_record record = {
      .size = sizeof record, .topic = topic, .value = value, .value_bytes = strlen(value)};
  return record;
}

/* ---- By callbacks */

/* What the callbacks were told, on threads of the library. */
static struct {
  atomic_uint delivered, others, of_records, releases, log_lines, started, stopped, partitioned;
} told;

static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  EXPECT(user == &told);
  for (size_t i = 0; i < count; i++)
    atomic_fetch_add(reports[i].outcome == SENDOFF_OUTCOME_DELIVERED && reports[i].offset >= 0
                         ? &told.delivered
                         : &told.others,
                     1);
}

static void on_record(void *user, const sendoff_report *report) {
  EXPECT(user == &topic && report->opaque == 17 && report->status == SENDOFF_OK);
  atomic_fetch_add(&told.of_records, 1);
}

static void on_release(void *user) {
  EXPECT(user == &told);
  atomic_fetch_add(&told.releases, 1);
}

static void on_log(void *user, int32_t level, const char *line) {
  EXPECT(user == &told && level >= 0 && level <= 7 && line[0] != '\0');
  atomic_fetch_add(&told.log_lines, 1);
}

static void on_thread_start(void *user, const char *name) {
  EXPECT(user == &told && name[0] != '\0');
  atomic_fetch_add(&told.started, 1);
}

static void on_thread_stop(void *user, const char *name) {
  EXPECT(user == &told && name[0] != '\0');
  atomic_fetch_add(&told.stopped, 1);
}

static int32_t choose_last(void *user, const char *name, const void *key, size_t key_bytes, const void *value,
                           size_t value_bytes, int32_t partition_count, int32_t *partition) {
  EXPECT(user == &told && strcmp(name, topic) == 0 && value != NULL && value_bytes > 0);
  EXPECT(key != NULL || key_bytes == 0);
  atomic_fetch_add(&told.partitioned, 1);
  *partition = partition_count - 1;
  return SENDOFF_OK;
}

static void send_singly(sendoff_producer *producer) {
  const sendoff_header header = {"origin", 6, "old", 3};
  sendoff_record record = record_of("send");
  record.key = "key";
  record.key_bytes = 3;
  record.headers = &header;
  record.header_count = 1;
  record.opaque = 17;
  record.callback = on_record;
  record.user = &topic;
  EXPECT_OK(sendoff_send(producer, &record));
  record = record_of("try_send");
  record.set = SENDOFF_SET_PARTITION | SENDOFF_SET_TIMESTAMP;
  record.timestamp_ms = 1700000000000;
  EXPECT_OK(sendoff_try_send(producer, &record));
  record = record_of("send_sync");
  sendoff_report report;
  EXPECT_OK(sendoff_send_sync(producer, &record, PATIENCE_MS, &report));
  EXPECT(report.outcome == SENDOFF_OUTCOME_DELIVERED && report.partition == 0 && report.attempts == 1);
}

static void send_packed(sendoff_producer *producer) {
  static const char headers[] = "\1\0\0\0h\1\0\0\0v"; /* of a little-endian host */
  struct {
    sendoff_packed_record fixed;
    char value[8];
  } packed[PACKED] = {0};
  uint32_t id = UINT32_MAX, accepted = 0;
  char name[64];
  size_t needed = 0;
  EXPECT_OK(sendoff_topic(producer, topic, &id));
  EXPECT_OK(sendoff_topic_name(producer, id, name, sizeof name, &needed));
  EXPECT(strcmp(name, topic) == 0 && needed == strlen(topic));
  EXPECT_OK(sendoff_send_flat(producer, id, SENDOFF_SET_PARTITION | SENDOFF_SET_TRY, 0, 0, "flat", 4,
                              "send_flat", 9, headers, sizeof headers - 1, 18));
  for (size_t i = 0; i < PACKED; i++) {
    packed[i].fixed = (sendoff_packed_record){.topic_id = id, .key_bytes = -1, .value_bytes = 8, .opaque = i};
    memcpy(packed[i].value, "batch-0", 7);
    packed[i].value[6] = (char)('0' + i);
    packed[i].value[7] = '.';
  }
  EXPECT_OK(sendoff_send_batch(producer, packed, sizeof packed, PACKED, 0, &accepted));
  EXPECT(accepted == PACKED);
}

static void read_counters(sendoff_producer *producer, uint64_t records) {
  GUARDED(sendoff_counters) counters;
  GUARDED_BEGIN(counters);
  EXPECT_OK(sendoff_get_counters(producer, &counters.is));
  EXPECT_GUARDED(counters);
  EXPECT(counters.is.size == sizeof counters.is);
  EXPECT(counters.is.records_accepted == records && counters.is.records_delivered == records);
  EXPECT(counters.is.records_pending == 0 && counters.is.requests_sent > 0 &&
         counters.is.connections_opened > 0);
  EXPECT(counters.is.buffer_bytes_total > 0 && counters.is.threads_waiting == 0);
}

static void look_at_partitions(sendoff_producer *producer) {
  sendoff_partitions *partitions = NULL;
  uint32_t count = 0, nodes_count = 0;
  int32_t nodes[4] = {-1, -1, -1, -1};
  GUARDED(sendoff_partition) partition;
  GUARDED_BEGIN(partition);
  EXPECT_OK(sendoff_partitions_for(producer, topic, PATIENCE_MS, &partitions));
  EXPECT_OK(sendoff_partitions_count(partitions, &count));
  EXPECT(count == 1);
  EXPECT_OK(sendoff_partitions_get(partitions, 0, &partition.is));
  EXPECT_GUARDED(partition);
  EXPECT(partition.is.partition == 0 && partition.is.leader >= 0 && partition.is.status == SENDOFF_OK);
  EXPECT_OK(sendoff_partitions_nodes(partitions, 0, SENDOFF_NODES_REPLICAS, nodes, 4, &nodes_count));
  EXPECT(nodes_count == partition.is.replica_count && nodes[0] == partition.is.leader);
  sendoff_partitions_destroy(partitions);
}

static void send_by_callbacks(void) {
  const sendoff_callbacks callbacks = {.size = sizeof callbacks,
                                       .user = &told,
                                       .release = on_release,
                                       .on_reports = on_reports,
                                       .on_log = on_log,
                                       .on_thread_start = on_thread_start,
                                       .on_thread_stop = on_thread_stop,
                                       .partitioner = choose_last};
  sendoff_producer *producer = create("callback", &callbacks);
  GUARDED(sendoff_flush_result) flushed;
  GUARDED_BEGIN(flushed);
  send_singly(producer);
  send_packed(producer);
  EXPECT_OK(sendoff_wait_for_space(producer, 1000, PATIENCE_MS));
  EXPECT_OK(sendoff_flush(producer, PATIENCE_MS, &flushed.is));
  EXPECT_GUARDED(flushed);
  EXPECT(flushed.is.pending == 0 && flushed.is.failed == 0 && flushed.is.unknown == 0);
  read_counters(producer, 4 + PACKED);
  look_at_partitions(producer);
  EXPECT_OK(sendoff_close(producer, PATIENCE_MS));
  sendoff_destroy(producer);
  EXPECT(told.partitioned > 0 && told.log_lines > 0 && told.of_records == 1 && told.releases == 1);
  EXPECT(told.started > 0 && told.started == told.stopped);
  (void)printf("callbacks: %u delivered, %u not\n", told.delivered, told.others);
}

/* ---- By queue */

static unsigned take_reports(sendoff_producer *producer) {
  struct pollfd readable = {.events = POLLIN};
  unsigned delivered = 0;
  EXPECT_OK(sendoff_report_descriptor(producer, &readable.fd));
  while (delivered < QUEUED) {
    sendoff_report reports[4];
    size_t count = 0;
    EXPECT(poll(&readable, 1, PATIENCE_MS) == 1);
    EXPECT_OK(sendoff_poll(producer, reports, 4, PATIENCE_MS, &count));
    for (size_t i = 0; i < count; i++) {
      EXPECT(reports[i].outcome == SENDOFF_OUTCOME_DELIVERED && reports[i].opaque == delivered + i);
    }
    delivered += (unsigned)count;
  }
  return delivered;
}

static void take_event(sendoff_producer *producer) {
  GUARDED(sendoff_event) event;
  GUARDED_BEGIN(event);
  EXPECT_OK(sendoff_poll_event(producer, &event.is, PATIENCE_MS));
  EXPECT_GUARDED(event);
  EXPECT(event.is.size == sizeof event.is && event.is.kind == SENDOFF_EVENT_LOG && event.is.text[0] != '\0');
}

static void send_by_queue(void) {
  sendoff_producer *producer = create("queue", NULL);
  sendoff_report report;
  size_t count = 1;
  for (uint64_t i = 0; i < QUEUED; i++) {
    char value[32];
    (void)snprintf(value, sizeof value, "queue-%d", (int)i);
    sendoff_record record = record_of(value);
    record.opaque = i;
    EXPECT_OK(sendoff_send(producer, &record));
  }
  unsigned delivered = take_reports(producer);
  take_event(producer);
  EXPECT_OK(sendoff_wake(producer));
  EXPECT_OK(sendoff_close(producer, PATIENCE_MS));
  EXPECT_STATUS(sendoff_poll(producer, &report, 1, 0, &count), SENDOFF_CLOSED);
  EXPECT(count == 0);
  sendoff_destroy(producer);
  EXPECT_STATUS(sendoff_flush(producer, 0, NULL), SENDOFF_CLOSED);
  (void)printf("queue: %u delivered\n", delivered);
}
