/* What every_codec.c does, by librdkafka: main(N, {"", BOOTSTRAP, TOPIC, NAME=VALUE, ..., NULL}) sends one
 * record with each codec, and these settings, and waits for its report. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *delivered) {
  (void)client;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) ++*(int *)delivered;
}

static void set(rd_kafka_conf_t *settings, const char *setting, char *error, size_t size) {
  char name[64];
  size_t bytes = strcspn(setting, "=");
  (void)snprintf(name, sizeof name, "%.*s", (int)bytes, setting);
  (void)rd_kafka_conf_set(settings, name, setting + bytes + (setting[bytes] == '='), error, size);
}

static int deliver(char **arguments, const char *codec) {
  char error[256] = "", text[400];
  int delivered = 0;
  rd_kafka_conf_t *settings = rd_kafka_conf_new();
  (void)rd_kafka_conf_set(settings, "bootstrap.servers", arguments[1], error, sizeof error);
  (void)rd_kafka_conf_set(settings, "compression.codec", codec, error, sizeof error);
  for (char **setting = arguments + 3; *setting != NULL; setting++)
    set(settings, *setting, error, sizeof error);
  rd_kafka_conf_set_opaque(settings, &delivered);
  rd_kafka_conf_set_dr_msg_cb(settings, on_report);
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, error, sizeof error);
  if (client == NULL || error[0] != '\0') return (void)fprintf(stderr, "librdkafka: %s\n", error), 1;
  (void)snprintf(text, sizeof text, "%s:%0300d", codec, 0);
  (void)rd_kafka_producev(client, RD_KAFKA_V_TOPIC(arguments[2]), RD_KAFKA_V_VALUE(text, strlen(text)),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  (void)rd_kafka_flush(client, 30000);
  rd_kafka_destroy(client);
  return delivered == 1 ? 0 : 1;
}

int main(int argc, char **argv) {
  static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  if (argc < 3) return 2;
  for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
    if (deliver(argv, codecs[i]) != 0) return 1;
  return 0;
}
