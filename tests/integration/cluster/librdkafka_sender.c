/* librdkafka_sender BOOTSTRAP PREFIX TOPICS RUN RECORDS RATE LEDGER [name=value ...]
 * What ledger_sender does, by librdkafka. What it reports as possibly persisted is unknown. */
#include "../programs/support.h"
#include "load.h"

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { POLL_MS = 100 };

/* load.h says which thread may do what; the polling one has the reports. */
struct sender {
  rd_kafka_t *producer;
  struct load load;
  uint64_t fatal_errors; /* of the polling thread */
};

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *user) {
  (void)producer;
  struct sender *sender = user;
  uint64_t id = (uint64_t)(uintptr_t)message->_private - 1;
  enum load_outcome outcome = LOAD_UNKNOWN;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    outcome = message->offset >= 0 ? LOAD_DELIVERED : LOAD_DELIVERED_OFFSET_UNKNOWN;
  else if (rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
    outcome = LOAD_NOT_DELIVERED;
  load_report(&sender->load, id, outcome, message->partition, message->offset, message->err);
}

static void on_error(rd_kafka_t *producer, int error, const char *reason, void *user) {
  (void)producer;
  struct sender *sender = user;
  sender->fatal_errors += error == RD_KAFKA_RESP_ERR__FATAL;
  (void)fprintf(stderr, "%s: %s\n", rd_kafka_err2name((rd_kafka_resp_err_t)error), reason);
}

static void configure(rd_kafka_conf_t *configuration, char *setting) {
  char error[512];
  char *equals = strchr(setting, '=');
  if (equals == NULL) fail(setting, "is not name=value");
  *equals = '\0';
  if (rd_kafka_conf_set(configuration, setting, equals + 1, error, sizeof error) != RD_KAFKA_CONF_OK)
    fail(setting, error);
}

static rd_kafka_t *create(struct sender *sender, const char *bootstrap, char **settings, int count) {
  char error[512];
  rd_kafka_conf_t *configuration = rd_kafka_conf_new();
  if (rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrap, error, sizeof error) !=
      RD_KAFKA_CONF_OK)
    fail("bootstrap.servers", error);
  for (int i = 0; i < count; i++)
    configure(configuration, settings[i]);
  rd_kafka_conf_set_opaque(configuration, sender);
  rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
  rd_kafka_conf_set_error_cb(configuration, on_error);
  rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, error, sizeof error);
  if (producer == NULL) fail("create", error);
  return producer;
}

static rd_kafka_resp_err_t try_record(struct sender *sender, const struct load_record *record) {
  const rd_kafka_vu_t parts[] = {
      {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = record->topic},
      {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {.ptr = (void *)(uintptr_t)record->key, .size = LOAD_KEY_BYTES}},
      {.vtype = RD_KAFKA_VTYPE_VALUE,
       .u.mem = {.ptr = (void *)(uintptr_t)record->text, .size = record->text_bytes}},
      {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
      {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)(record->id + 1)}};
  rd_kafka_error_t *error = rd_kafka_produceva(sender->producer, parts, sizeof parts / sizeof parts[0]);
  rd_kafka_resp_err_t code = error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
  if (error != NULL) rd_kafka_error_destroy(error);
  return code;
}

/* A full queue is waited for, as Sendoff's and Java's senders wait. */
static bool send_record(void *user, const struct load_record *record) {
  for (;;) {
    rd_kafka_resp_err_t code = try_record(user, record);
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return code == RD_KAFKA_RESP_ERR_NO_ERROR;
    sleep_us(10000);
  }
}

static void *poll_reports(void *argument) {
  struct sender *sender = argument;
  while (!atomic_load(&sender->load.finished))
    (void)rd_kafka_poll(sender->producer, POLL_MS);
  return NULL;
}

static void *print_progress(void *argument) {
  struct load *load = argument;
  while (load_wait_progress(load)) {
    (void)printf("progress %" PRIu64 " 0 0 0 %" PRIu64 "\n", atomic_load(&load->sent),
                 load->outcomes[LOAD_DELIVERED]);
    (void)fflush(stdout);
  }
  return NULL;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 2 + LOAD_ARGUMENTS)
    fail("usage", "librdkafka_sender BOOTSTRAP PREFIX TOPICS RUN RECORDS RATE "
                  "LEDGER [name=value ...]");
  static struct sender sender;
  load_init(&sender.load, arguments + 2);
  sender.producer =
      create(&sender, arguments[1], arguments + 2 + LOAD_ARGUMENTS, argument_count - 2 - LOAD_ARGUMENTS);
  pthread_t progress, poller;
  if (pthread_create(&progress, NULL, print_progress, &sender.load) != 0 ||
      pthread_create(&poller, NULL, poll_reports, &sender) != 0)
    fail("progress", "no thread");
  load_run(&sender.load, send_record, &sender);
  while (rd_kafka_outq_len(sender.producer) > 0)
    (void)rd_kafka_flush(sender.producer, POLL_MS);
  atomic_store(&sender.load.finished, 1);
  (void)pthread_join(progress, NULL);
  (void)pthread_join(poller, NULL);
  rd_kafka_destroy(sender.producer);
  (void)printf("{");
  load_print_outcomes(&sender.load);
  (void)printf(", \"version\": \"%s\", \"fatal_errors\": %" PRIu64 "}\n", rd_kafka_version_str(),
               sender.fatal_errors);
  return 0;
}
