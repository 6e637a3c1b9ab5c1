/* throughput BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]: librdkafka's producer, one sending thread,
 * delivery reports counted. */
#include "measure.h"
#include "payload.h"
#include "peer.h"

enum { WARM_UP_RECORDS = 1000, POLL_EVERY = 1024, FLUSH_TIMEOUT_MS = 120000 };

static uint64_t delivered_count, failed_count;

static void count_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client, (void)opaque;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    delivered_count++;
  else
    failed_count++;
}

static void send_records(rd_kafka_t *client, rd_kafka_topic_t *topic, char *text, uint64_t count,
                         uint32_t bytes) {
  for (uint64_t i = 0; i < count; i++) {
    char *value = text + (payload_at(text, i, bytes) - text);
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, bytes, NULL, 0, NULL) !=
           0)
      (void)rd_kafka_poll(client, 10);
    if (i % POLL_EVERY == 0) (void)rd_kafka_poll(client, 0);
  }
  (void)rd_kafka_flush(client, FLUSH_TIMEOUT_MS);
}

int main(int argument_count, char **arguments) {
  if (argument_count < 5) die("usage", "BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]");
  static char text[PAYLOAD_BYTES];
  payload_fill(text);
  uint64_t count = strtoull(arguments[3], NULL, 10);
  uint32_t bytes = (uint32_t)strtoul(arguments[4], NULL, 10);
  rd_kafka_t *client = create_client(arguments[1], arguments + 5, argument_count - 5, count_report);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, arguments[2], NULL);
  send_records(client, topic, text, WARM_UP_RECORDS, bytes);
  delivered_count = failed_count = 0;
  struct stopwatch begun = stopwatch_read();
  send_records(client, topic, text, count, bytes);
  print_throughput(client_name(), count, bytes, delivered_count, failed_count, begun);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(client);
  return delivered_count == count ? 0 : 1;
}
