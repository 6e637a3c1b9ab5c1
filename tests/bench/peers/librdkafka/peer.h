/* Setting up librdkafka, for both of its programs. */
#ifndef BENCH_PEERS_LIBRDKAFKA_PEER_H
#define BENCH_PEERS_LIBRDKAFKA_PEER_H

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void die(const char *what, const char *why) {
  (void)fprintf(stderr, "librdkafka: %s: %s\n", what, why);
  exit(1);
}

static inline const char *client_name(void) {
  static char name[64];
  (void)snprintf(name, sizeof name, "librdkafka %s", rd_kafka_version_str());
  return name;
}

static inline void set(rd_kafka_conf_t *configuration, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(configuration, name, value, error, sizeof error) != RD_KAFKA_CONF_OK)
    die(name, error);
}

/* settings are name=value and are taken apart. */
static inline rd_kafka_t *create_client(const char *bootstrap, char **settings, int count,
                                        void (*on_report)(rd_kafka_t *, const rd_kafka_message_t *, void *)) {
  char error[512];
  rd_kafka_conf_t *configuration = rd_kafka_conf_new();
  set(configuration, "bootstrap.servers", bootstrap);
  for (int i = 0; i < count; i++) {
    char *equals = strchr(settings[i], '=');
    if (equals == NULL) die(settings[i], "is not name=value");
    *equals = '\0';
    set(configuration, settings[i], equals + 1);
  }
  rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, error, sizeof error);
  if (client == NULL) die("create", error);
  return client;
}

#endif
