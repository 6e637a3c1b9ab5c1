/* latency BOOTSTRAP TOPIC RECORDS [name=value ...]: one record at a time through librdkafka, from produce
 * until the program has the delivery report. */
#include "measure.h"
#include "peer.h"

enum { WARM_UP_RECORDS = 500, RECORD_BYTES = 100 };

static uint64_t report_count;

static void count_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client, (void)opaque;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) die("delivery", rd_kafka_err2str(message->err));
  report_count++;
}

static double send_one(rd_kafka_t *client, rd_kafka_topic_t *topic, char *value) {
  double begun_us = wall_us();
  uint64_t seen = report_count;
  if (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, RECORD_BYTES, NULL, 0, NULL) != 0)
    die("produce", rd_kafka_err2str(rd_kafka_last_error()));
  while (report_count == seen)
    (void)rd_kafka_poll(client, 100);
  return wall_us() - begun_us;
}

int main(int argument_count, char **arguments) {
  if (argument_count < 4) die("usage", "BOOTSTRAP TOPIC RECORDS [name=value ...]");
  char value[RECORD_BYTES] = {0};
  size_t count = strtoull(arguments[3], NULL, 10);
  double *latencies_us = calloc(count, sizeof *latencies_us);
  if (latencies_us == NULL || count == 0) die("RECORDS", "too many, or none");
  rd_kafka_t *client = create_client(arguments[1], arguments + 4, argument_count - 4, count_report);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, arguments[2], NULL);
  for (int i = 0; i < WARM_UP_RECORDS; i++)
    (void)send_one(client, topic, value);
  for (size_t i = 0; i < count; i++)
    latencies_us[i] = send_one(client, topic, value);
  print_latencies(client_name(), latencies_us, count);
  free(latencies_us);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(client);
  return 0;
}
