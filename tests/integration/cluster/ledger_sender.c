/* ledger_sender BOOTSTRAP PREFIX TOPICS RUN RECORDS RATE LEDGER [name=value ...]
 * Sends the records of load.h by Sendoff and writes the ledger. Every 10 ms it prints "progress SENT PENDING
 * IN_FLIGHT RETRIED DELIVERED", at the end one line of JSON. Exits with 0 if all that was accepted has its
 * report and close returned OK; what the reports say is the verifier's concern. */
#include "../programs/support.h"
#include "load.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

enum { LOG_LEVEL_SHOWN = 4 };

/* load.h says which thread may do what. */
struct sender {
  sendoff_producer *producer;
  struct load load;
};

_Static_assert((int)LOAD_DELIVERED == SENDOFF_OUTCOME_DELIVERED &&
                   (int)LOAD_UNKNOWN == SENDOFF_OUTCOME_UNKNOWN,
               "outcomes have the same numbers");

static void on_reports(void *user, const sendoff_report *reports, size_t count) {
  struct sender *sender = user;
  for (size_t i = 0; i < count; i++)
    load_report(&sender->load, reports[i].opaque, (enum load_outcome)reports[i].outcome, reports[i].partition,
                reports[i].offset, reports[i].status);
}

static void on_log(void *user, int32_t level, const char *line) {
  (void)user;
  if (level <= LOG_LEVEL_SHOWN) (void)fprintf(stderr, "%d %s\n", level, line);
}

static bool send_record(void *user, const struct load_record *load_record) {
  struct sender *sender = user;
  sendoff_record record = {.size = sizeof record,
                           .topic = load_record->topic,
                           .key = load_record->key,
                           .key_bytes = LOAD_KEY_BYTES,
                           .value = load_record->text,
                           .value_bytes = load_record->text_bytes,
                           .opaque = load_record->id};
  expect_ok(sendoff_send(sender->producer, &record), "send");
  return true;
}

static sendoff_counters get_counters(const struct sender *sender) {
  sendoff_counters counters = {.size = sizeof counters};
  expect_ok(sendoff_get_counters(sender->producer, &counters), "counters");
  return counters;
}

static void *print_progress(void *argument) {
  struct sender *sender = argument;
  while (load_wait_progress(&sender->load)) {
    sendoff_counters counters = get_counters(sender);
    (void)printf("progress %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                 atomic_load(&sender->load.sent), counters.records_pending, counters.requests_in_flight,
                 counters.batches_retried, counters.records_delivered);
    (void)fflush(stdout);
  }
  return NULL;
}

static void print_summary(const struct sender *sender, const sendoff_counters *counters) {
  (void)printf("{");
  load_print_outcomes(&sender->load);
  (void)printf(", \"version\": \"%s\", \"batches_sent\": %" PRIu64 ", \"batches_retried\": %" PRIu64
               ", \"out_of_order_answers\": %" PRIu64 ", \"outcomes_resolved\": %" PRIu64
               ", \"epochs_raised\": %" PRIu64 ", \"connections_lost\": %" PRIu64 "}\n",
               sendoff_version(), counters->batches_sent, counters->batches_retried,
               counters->out_of_order_answers, counters->outcomes_resolved, counters->epochs_raised,
               counters->connections_lost);
}

int main(int argument_count, char **arguments) {
  if (argument_count < 2 + LOAD_ARGUMENTS)
    fail("usage", "ledger_sender BOOTSTRAP PREFIX TOPICS RUN RECORDS RATE "
                  "LEDGER [name=value ...]");
  static struct sender sender;
  load_init(&sender.load, arguments + 2);
  sendoff_callbacks callbacks = {
      .size = sizeof callbacks, .user = &sender, .on_reports = on_reports, .on_log = on_log};
  sender.producer = producer_of(arguments[1], arguments + 2 + LOAD_ARGUMENTS,
                                argument_count - 2 - LOAD_ARGUMENTS, &callbacks);
  pthread_t progress;
  if (pthread_create(&progress, NULL, print_progress, &sender) != 0) fail("progress", "no thread");
  load_run(&sender.load, send_record, &sender);
  int32_t closed = sendoff_close(sender.producer, -1);
  atomic_store(&sender.load.finished, 1);
  (void)pthread_join(progress, NULL);
  sendoff_counters counters = get_counters(&sender);
  sendoff_destroy(sender.producer);
  print_summary(&sender, &counters);
  return closed == SENDOFF_OK && counters.records_pending == 0 ? 0 : 1;
}
