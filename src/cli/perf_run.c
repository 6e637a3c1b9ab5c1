#include "cli/perf_run.h"

#include "cli/console.h"
#include "cli/pacer.h"

#include "base/allocator.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CONNECT_MS = 10000, ERROR_BYTES = 512, UNPACED_BURST_COUNT = 1024 };
/* The longest sleep, after which the watcher is asked. */
static const int64_t sleep_ns_max = 100000000;
/* opaque of the records that warm up; the others count from 1. */
enum { WARM_UP_OPAQUE = 0 };

/* What one thread sends: records [first, first + count). status is why it ended early, or OK. */
struct perf_sender {
  struct perf_run *run;
  int64_t first, count;
  int64_t sent_count;
  int64_t rate;
  int32_t status;
  pthread_t thread;
};

static void fill_keys(char *keys, int64_t key_count);
static int connect_and_warm_up(struct perf_run *run);
static int send_all(struct perf_run *run);
static int32_t run_threads(struct perf_run *run);
static void *sender_main(void *context);
static int64_t next_burst(struct perf_sender *sender, struct pacer *pacer, int64_t left_count);
static int32_t send_burst(struct perf_sender *sender, sendoff_record *record, size_t *position,
                          int64_t burst_count);
static int32_t send_one(struct perf_run *run, const sendoff_record *record);
static int64_t process_cpu_ns(void);
static int64_t timeval_ns(struct timeval value);

bool perf_run_init(struct perf_run *run, struct client *client, const struct perf_plan *plan,
                   const struct payload *payload) {
  *run = (struct perf_run){.client = client, .plan = plan, .payload = payload};
  if (plan->key_count == 0) return true;
  run->keys = allocator_allocate((size_t)plan->key_count * PERF_KEY_BYTES);
  if (run->keys == NULL) return false;
  fill_keys(run->keys, plan->key_count);
  return true;
}

void perf_run_deinit(struct perf_run *run) {
  allocator_free(run->keys);
  run->keys = NULL;
}

/* "00000000", "00000001", ... */
static void fill_keys(char *keys, int64_t key_count) {
  for (int64_t i = 0; i < key_count; i++) {
    int64_t rest = i;
    for (int digit = PERF_KEY_BYTES - 1; digit >= 0; digit--) {
      keys[i * PERF_KEY_BYTES + digit] = (char)('0' + rest % 10);
      rest /= 10;
    }
  }
}

void perf_run_on_reports(void *user, const sendoff_report *reports, size_t count) {
  struct perf_run *run = user;
  for (size_t i = 0; i < count; i++) {
    const sendoff_report *report = &reports[i];
    if (report->opaque == WARM_UP_OPAQUE) continue;
    delivery_tally_add(&run->tally, report);
    histogram_add(&run->latency, report->latency_us);
  }
}

int perf_run_execute(struct perf_run *run) {
  int result = connect_and_warm_up(run);
  return result == EXIT_SUCCESS ? send_all(run) : result;
}

static int connect_and_warm_up(struct perf_run *run) {
  struct client *client = run->client;
  char error[ERROR_BYTES] = "";
  int32_t status = sendoff_connect(client->producer, CONNECT_MS, error, sizeof error);
  if (status != SENDOFF_OK) {
    console_print("cannot reach a broker: %s; check the address that -b names",
                  error[0] != '\0' ? error : sendoff_status_text(status));
    return EXIT_FAILURE;
  }
  sendoff_record record = client_record(client);
  record.opaque = WARM_UP_OPAQUE;
  record.value = run->payload->block;
  record.value_bytes = (size_t)run->plan->record_bytes;
  for (int64_t i = 0; i < run->plan->warm_up_count && status == SENDOFF_OK; i++) {
    status = client_send(client, &record);
  }
  client_flush(client);
  if (status != SENDOFF_OK) {
    console_print("a record was refused: %s: %s", sendoff_status_name(status), sendoff_status_text(status));
    return EXIT_FAILURE;
  }
  sendoff_counters counters = {.size = sizeof counters};
  sendoff_get_counters(client->producer, &counters);
  if (counters.records_not_delivered + counters.records_unknown > 0) {
    console_print("%" PRIu64 " of the first %" PRId64 " records were not delivered: is topic %s there, and "
                  "may it be written to? sendoff produce tells why",
                  counters.records_not_delivered + counters.records_unknown, run->plan->warm_up_count,
                  client->topic);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

/* As the benchmarks of other clients measure: from before the first send until the flush has ended. */
static int send_all(struct perf_run *run) {
  int64_t cpu_ns = process_cpu_ns(), wall_ns = clock_monotonic_ns();
  int32_t status = run_threads(run);
  client_flush(run->client);
  run->wall_ns = clock_monotonic_ns() - wall_ns;
  run->cpu_ns = process_cpu_ns() - cpu_ns;
  if (status == SENDOFF_OK) return EXIT_SUCCESS;
  console_print("record %" PRId64 " was refused, and nothing after it is sent: %s: %s", run->sent_count + 1,
                sendoff_status_name(status), sendoff_status_text(status));
  return EXIT_FAILURE;
}

/* Splits the records between the threads, of which this is one. Returns the first status that is not OK. */
static int32_t run_threads(struct perf_run *run) {
  int64_t thread_count = run->plan->thread_count;
  struct perf_sender *senders = allocator_allocate_zeroed((size_t)thread_count, sizeof *senders);
  if (senders == NULL) return SENDOFF_OUT_OF_MEMORY;
  int64_t first = 0, started_count = 0;
  int32_t status = SENDOFF_OK;
  for (int64_t i = 0; i < thread_count; i++) {
    int64_t next = run->plan->record_count / thread_count * (i + 1);
    if (i == thread_count - 1) next = run->plan->record_count;
    senders[i] = (struct perf_sender){.run = run, .first = first, .count = next - first};
    /* A thread without a share of the rate would be one without limit. */
    if (run->plan->rate > 0)
      senders[i].rate = run->plan->rate / thread_count + (i < run->plan->rate % thread_count);
    first = next;
  }
  for (int64_t i = 1; i < thread_count; i++) {
    if (pthread_create(&senders[i].thread, NULL, sender_main, &senders[i]) != 0) {
      status = SENDOFF_SYSTEM_ERROR;
      break;
    }
    started_count++;
  }
  if (status == SENDOFF_OK) sender_main(&senders[0]);
  for (int64_t i = 1; i <= started_count; i++)
    pthread_join(senders[i].thread, NULL);
  for (int64_t i = 0; i < thread_count; i++) {
    if (status == SENDOFF_OK) status = senders[i].status;
    run->sent_count += senders[i].sent_count;
  }
  allocator_free(senders);
  return status;
}

static void *sender_main(void *context) {
  struct perf_sender *sender = context;
  struct perf_run *run = sender->run;
  sendoff_record record = client_record(run->client);
  record.value_bytes = (size_t)run->plan->record_bytes;
  if (run->keys != NULL) record.key_bytes = PERF_KEY_BYTES;
  size_t position = payload_position(run->payload, (uint64_t)sender->first);
  struct pacer pacer;
  if (sender->rate > 0) pacer_init(&pacer, sender->rate, clock_monotonic_ns());
  while (sender->sent_count < sender->count && sender->status == SENDOFF_OK &&
         watcher_state(&run->client->watcher) == RUN_GOING) {
    int64_t burst_count = next_burst(sender, &pacer, sender->count - sender->sent_count);
    sender->status = send_burst(sender, &record, &position, burst_count);
  }
  return NULL;
}

/* How many records to send now; sleeps if none is due yet, and may return 0 then. */
static int64_t next_burst(struct perf_sender *sender, struct pacer *pacer, int64_t left_count) {
  int64_t burst_count = UNPACED_BURST_COUNT;
  if (sender->rate > 0) {
    int64_t now_ns = clock_monotonic_ns();
    burst_count = pacer_due(pacer, now_ns);
    if (burst_count == 0) {
      int64_t sleep_ns = pacer_next_ns(pacer, now_ns) - now_ns;
      if (sleep_ns > sleep_ns_max) sleep_ns = sleep_ns_max;
      nanosleep(&(struct timespec){.tv_nsec = (long)sleep_ns}, NULL);
      return 0;
    }
    pacer_advance(pacer, burst_count);
  }
  return burst_count < left_count ? burst_count : left_count;
}

/* The loop whose cost is the command's own part of what is measured: what it reads again and again is kept in
 * variables, since the compiler may not assume that sendoff_send leaves the structs alone. */
static int32_t send_burst(struct perf_sender *sender, sendoff_record *record, size_t *position,
                          int64_t burst_count) {
  struct perf_run *run = sender->run;
  struct client *client = run->client;
  const struct payload payload = *run->payload;
  const char *keys = run->keys;
  const uint64_t key_count = (uint64_t)run->plan->key_count;
  const bool is_one_by_one = run->plan->is_one_by_one;
  uint64_t index = (uint64_t)(sender->first + sender->sent_count);
  size_t next_position = *position;
  int32_t status = SENDOFF_OK;
  int64_t sent_count = 0;
  while (sent_count < burst_count) {
    record->value = payload.block + next_position;
    next_position = payload_next_position(&payload, next_position);
    if (keys != NULL) record->key = keys + index % key_count * PERF_KEY_BYTES;
    record->opaque = ++index;
    status = is_one_by_one ? send_one(run, record) : client_send(client, record);
    if (status != SENDOFF_OK) break;
    sent_count++;
  }
  *position = next_position;
  sender->sent_count += sent_count;
  return status;
}

/* Sends a record and waits for its report, which counts as reported: OK, whatever became of it. */
static int32_t send_one(struct perf_run *run, const sendoff_record *record) {
  sendoff_report report = {.outcome = 0};
  int64_t started_ns = clock_monotonic_ns();
  int32_t status = sendoff_send_sync(run->client->producer, record, -1, &report);
  int64_t ended_ns = clock_monotonic_ns();
  if (report.outcome == 0) return status;
  delivery_tally_add(&run->tally, &report);
  histogram_add(&run->latency, ended_ns - started_ns);
  return SENDOFF_OK;
}

static int64_t process_cpu_ns(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
}

static int64_t timeval_ns(struct timeval value) {
  return (int64_t)value.tv_sec * 1000000000 + (int64_t)value.tv_usec * 1000;
}
