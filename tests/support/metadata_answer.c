#include "support/metadata_answer.h"

#include "base/assertion.h"
#include "protocol/metadata.h"
#include <stdlib.h>
#include <string.h>

static int32_t count_words(const char *text);
static int32_t read_number(const char **text);
static void skip(const char **text, char expected);

void metadata_answer_begin(struct metadata_answer *answer, int16_t version, const char *brokers,
                           int32_t topic_count) {
  struct wire_writer *body = &answer->body;
  wire_writer_reset(body);
  answer->version = version;
  metadata_response_write(body, version, &(struct metadata_response){.broker_count = count_words(brokers)});
  for (const char *at = brokers; *at != '\0'; at += *at == ' ') {
    struct metadata_broker broker = {.node_id = read_number(&at)};
    skip(&at, '=');
    broker.host = bytes_of(at, strcspn(at, ":"));
    at += broker.host.size;
    skip(&at, ':');
    broker.port = read_number(&at);
    metadata_response_write_broker(body, version, &broker);
  }
  metadata_response_write_cluster(body, version,
                                  &(struct metadata_cluster){.cluster_id = bytes_of_string("test"),
                                                             .controller_id = 1,
                                                             .topic_count = topic_count});
}

void metadata_answer_topic(struct metadata_answer *answer, const char *name, int16_t error_code, uint8_t id,
                           const char *partitions) {
  struct metadata_topic topic = {
      .error_code = error_code, .name = bytes_of_string(name), .partition_count = count_words(partitions)};
  memset(topic.id.octets, id, sizeof topic.id.octets);
  metadata_response_write_topic(&answer->body, answer->version, &topic);
  for (const char *at = partitions; *at != '\0'; at += *at == ' ') {
    struct metadata_partition partition = {.index = read_number(&at)};
    skip(&at, ':');
    partition.leader_id = read_number(&at);
    skip(&at, '/');
    partition.leader_epoch = read_number(&at);
    if (*at == '!') {
      skip(&at, '!');
      partition.error_code = (int16_t)read_number(&at);
    }
    const int32_t nodes[] = {partition.leader_id, 9};
    metadata_response_write_partition(&answer->body, answer->version, &partition, nodes, 2);
  }
  metadata_response_write_topic_end(&answer->body, answer->version);
}

struct bytes metadata_answer_end(struct metadata_answer *answer, int16_t error_code) {
  metadata_response_write_end(&answer->body, answer->version,
                              &(struct metadata_response_end){.error_code = error_code});
  ASSERT(!answer->body.failed);
  return bytes_of(answer->body.data, answer->body.size);
}

void metadata_answer_deinit(struct metadata_answer *answer) {
  wire_writer_deinit(&answer->body);
}

static int32_t count_words(const char *text) {
  int32_t count = *text != '\0';
  for (; *text != '\0'; text++)
    count += *text == ' ';
  return count;
}

static int32_t read_number(const char **text) {
  char *after;
  long number = strtol(*text, &after, 10);
  ASSERT(after != *text);
  *text = after;
  return (int32_t)number;
}

static void skip(const char **text, char expected) {
  ASSERT(**text == expected);
  (*text)++;
}
