/* kill_sender BOOTSTRAP TOPIC INPUT REPORTS LINES_PER_SECOND [name=value ...]
 * Sends the lines of a file (their form: lines.py), each with the key that it names, at an even pace, while a
 * test kills the broker. Every 10 ms it prints "progress SENT PENDING IN_FLIGHT RETRIED DELIVERED"; at the
 * end one line of JSON. What became of line n stands in REPORTS at 16 n: offset int64, partition int32,
 * outcome int32. pace.h has what standard input says; SIGTERM ends the sending, too, not what was sent.
 * SIGHUP loads credentials anew, which prints "reload STATUS ERROR". Exits with 0 if every line sent was
 * delivered and reported once, in order. */
#include "pace.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PARTITIONS_MAX = 1024, PROGRESS_INTERVAL_US = 10000 };

struct line_report {
  int64_t offset;
  int32_t partition;
  int32_t outcome;
};

/* Shared by three threads: the sending one writes sent, the library's callback writes what concerns reports,
 * and the progress thread reads. */
struct sender {
  sendoff_producer *producer;
  const char *topic;
  uint64_t line_count;
  struct line_report *reports; /* mapped file, line_count of them; written by the callback */
  uint64_t outcomes[5];        /* by SENDOFF_OUTCOME_...; written by the callback */
  uint64_t reported_twice;
  uint64_t reported_out_of_order;
  int64_t last_line[PARTITIONS_MAX]; /* delivered last in that partition; -1: none */
  _Atomic uint64_t sent;
  _Atomic int finished;
};

static struct pace pace;
static volatile sig_atomic_t told_to_reload;

static void note_signal(int number) {
  if (number == SIGHUP)
    told_to_reload = 1;
  else
    atomic_store(&pace.told_to_end, 1);
}

static void map_reports(struct sender *sender, const char *path) {
  size_t size = sender->line_count * sizeof *sender->reports;
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, (off_t)size) != 0) fail(path, strerror(errno));
  void *reports = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (reports == MAP_FAILED) fail(path, strerror(errno));
  sender->reports = reports;
  (void)close(file);
}

static void note_disorder(struct sender *sender, const sendoff_report *report) {
  sender->reported_out_of_order++;
  (void)fprintf(stderr,
                "partition %d: line %" PRIu64 " at offset %" PRId64 " is reported after line %" PRId64
                ", %d attempts\n",
                report->partition, report->opaque, report->offset, sender->last_line[report->partition],
                report->attempts);
}

static void note_report(struct sender *sender, const sendoff_report *report) {
  uint64_t line = report->opaque;
  if (line >= sender->line_count || report->outcome < 1 || report->outcome > 4)
    fail("report", "makes no sense");
  sender->reported_twice += sender->reports[line].outcome != 0;
  sender->outcomes[report->outcome]++;
  sender->reports[line] = (struct line_report){report->offset, report->partition, report->outcome};
  if (report->outcome <= SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN) {
    if (report->partition < 0 || report->partition >= PARTITIONS_MAX) fail("report", "has no partition");
    if (sender->last_line[report->partition] >= (int64_t)line) note_disorder(sender, report);
    sender->last_line[report->partition] = (int64_t)line;
  }
}

static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  for (size_t i = 0; i < count; i++)
    note_report(user, &reports[i]);
}

static sendoff_counters get_counters(struct sender *sender) {
  sendoff_counters counters = {.size = sizeof counters};
  expect_ok(sendoff_get_counters(sender->producer, &counters), "counters");
  return counters;
}

static void print_log(void *user, int32_t level, const char *line) {
  (void)user;
  (void)fprintf(stderr, "%d %s\n", level, line);
}

static void reload_credentials(struct sender *sender) {
  char error[512] = "";
  int32_t status = sendoff_reload_credentials(sender->producer, NULL, error, sizeof error);
  (void)printf("reload %s %s\n", sendoff_status_name(status), error);
}

static void *print_progress(void *argument) {
  struct sender *sender = argument;
  while (!atomic_load(&sender->finished)) {
    if (told_to_reload) {
      told_to_reload = 0;
      reload_credentials(sender);
    }
    sendoff_counters counters = get_counters(sender);
    (void)printf("progress %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                 atomic_load(&sender->sent), counters.records_pending, counters.requests_in_flight,
                 counters.batches_retried, counters.records_delivered);
    (void)fflush(stdout);
    sleep_us(PROGRESS_INTERVAL_US);
  }
  return NULL;
}

static void send_line(struct sender *sender, struct text line, uint64_t number) {
  struct text key = key_of_line(line);
  sendoff_record record = {.size = sizeof record,
                           .topic = sender->topic,
                           .key = key.bytes,
                           .key_bytes = key.size,
                           .value = line.bytes,
                           .value_bytes = line.size,
                           .opaque = number};
  expect_ok(sendoff_send(sender->producer, &record), "send");
}

static void send_lines(struct sender *sender, struct text input) {
  size_t at = 0;
  for (uint64_t number = 0; number < sender->line_count && pace_wait(&pace, number); number++) {
    send_line(sender, next_line(input, &at), number);
    atomic_store(&sender->sent, number + 1);
  }
}

static void print_summary(const struct sender *sender, const sendoff_counters *counters) {
  (void)printf(
      "{\"accepted\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"delivered_offset_unknown\": %" PRIu64
      ", \"not_delivered\": %" PRIu64 ", \"unknown\": %" PRIu64 ", \"reported_twice\": %" PRIu64
      ", \"reported_out_of_order\": %" PRIu64 ", \"batches_sent\": %" PRIu64 ", \"batches_retried\": %" PRIu64
      ", \"out_of_order_answers\": %" PRIu64 ", \"outcomes_resolved\": %" PRIu64
      ", \"epochs_raised\": %" PRIu64 ", \"connections_lost\": %" PRIu64 "}\n",
      counters->records_accepted, sender->outcomes[SENDOFF_OUTCOME_DELIVERED],
      sender->outcomes[SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN],
      sender->outcomes[SENDOFF_OUTCOME_NOT_DELIVERED], sender->outcomes[SENDOFF_OUTCOME_UNKNOWN],
      sender->reported_twice, sender->reported_out_of_order, counters->batches_sent,
      counters->batches_retried, counters->out_of_order_answers, counters->outcomes_resolved,
      counters->epochs_raised, counters->connections_lost);
}

int main(int argument_count, char **arguments) {
  if (argument_count < 6) {
    (void)fprintf(stderr, "usage: %s BOOTSTRAP TOPIC INPUT REPORTS LINES_PER_SECOND [name=value ...]\n",
                  arguments[0]);
    return 2;
  }
  static struct sender sender;
  for (size_t i = 0; i < PARTITIONS_MAX; i++)
    sender.last_line[i] = -1;
  sender.topic = arguments[2];
  struct text input = map_text(arguments[3]);
  for (size_t at = 0; next_line(input, &at).bytes != NULL;)
    sender.line_count++;
  map_reports(&sender, arguments[4]);
  sendoff_callbacks callbacks = {
      .size = sizeof callbacks, .user = &sender, .on_reports = on_reports, .on_log = print_log};
  sender.producer = producer_of(arguments[1], arguments + 6, argument_count - 6, &callbacks);
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  (void)sigaction(SIGTERM, &action, NULL);
  (void)sigaction(SIGHUP, &action, NULL);
  pthread_t progress;
  if (pthread_create(&progress, NULL, print_progress, &sender) != 0) fail("progress", "no thread");
  pace_init(&pace, parse_count(arguments[5]));
  send_lines(&sender, input);
  int32_t closed = sendoff_close(sender.producer, -1);
  atomic_store(&sender.finished, 1);
  (void)pthread_join(progress, NULL);
  sendoff_counters counters = get_counters(&sender);
  sendoff_destroy(sender.producer);
  print_summary(&sender, &counters);
  uint64_t delivered =
      sender.outcomes[SENDOFF_OUTCOME_DELIVERED] + sender.outcomes[SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN];
  return closed == SENDOFF_OK && delivered == counters.records_accepted && sender.reported_twice == 0 &&
                 sender.reported_out_of_order == 0
             ? 0
             : 1;
}
