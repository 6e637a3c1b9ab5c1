/* sendoff_latency BOOTSTRAP TOPIC RECORDS [name=value ...]: one record at a time through Sendoff, from send
 * until the program has the report, by the completion queue. The same work as peers/librdkafka/latency.c. */
#include "measure.h"

#include <sendoff/sendoff.h>
#include <string.h>

enum { WARM_UP_RECORDS = 500, RECORD_BYTES = 100 };

static void die(const char *what, const char *why) {
  (void)fprintf(stderr, "sendoff_latency: %s: %s\n", what, why);
  exit(1);
}

static void set(sendoff_config *config, const char *name, const char *value) {
  char error[512];
  if (sendoff_config_set(config, name, value, error, sizeof error) != SENDOFF_OK) die(name, error);
}

static sendoff_producer *create_producer(const char *bootstrap, char **settings, int count) {
  sendoff_config *config;
  sendoff_producer *producer;
  char error[512];
  if (sendoff_config_create(&config) != SENDOFF_OK) die("config", "no memory");
  set(config, "bootstrap.servers", bootstrap);
  set(config, "delivery.report.mode", "queue");
  for (int i = 0; i < count; i++) {
    char *equals = strchr(settings[i], '=');
    if (equals == NULL) die(settings[i], "is not name=value");
    *equals = '\0';
    set(config, settings[i], equals + 1);
  }
  if (sendoff_create(config, NULL, &producer, error, sizeof error) != SENDOFF_OK) die("create", error);
  sendoff_config_destroy(config);
  return producer;
}

static double send_one(sendoff_producer *producer, const sendoff_record *record) {
  double begun_us = wall_us();
  sendoff_report report;
  size_t count;
  int32_t status = sendoff_send(producer, record);
  if (status == SENDOFF_OK) status = sendoff_poll(producer, &report, 1, 10000, &count);
  if (status != SENDOFF_OK) die("send", sendoff_status_text(status));
  if (report.outcome != SENDOFF_OUTCOME_DELIVERED) die("report", sendoff_status_text(report.status));
  return wall_us() - begun_us;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 4) die("usage", "BOOTSTRAP TOPIC RECORDS [name=value ...]");
  char value[RECORD_BYTES] = {0}, name[64];
  sendoff_record record = {.size = sizeof record,
                           .set = SENDOFF_SET_PARTITION,
                           .topic = arguments[2],
                           .value = value,
                           .value_bytes = sizeof value};
  size_t count = strtoull(arguments[3], NULL, 10);
  double *latencies_us = calloc(count, sizeof *latencies_us);
  if (latencies_us == NULL || count == 0) die("RECORDS", "too many, or none");
  sendoff_producer *producer = create_producer(arguments[1], arguments + 4, argument_count - 4);
  for (int i = 0; i < WARM_UP_RECORDS; i++)
    (void)send_one(producer, &record);
  for (size_t i = 0; i < count; i++)
    latencies_us[i] = send_one(producer, &record);
  (void)snprintf(name, sizeof name, "sendoff %s", sendoff_version());
  print_latencies(name, latencies_us, count);
  free(latencies_us);
  (void)sendoff_close(producer, 10000);
  sendoff_destroy(producer);
  return 0;
}
