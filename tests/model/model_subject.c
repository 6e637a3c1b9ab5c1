/* The model cluster as a program, so that scripts can be played to it as to real brokers: one command a line
 * on its input, one answer a line on its output. Requests and answers are whole frames without their length,
 * in hexadecimal digits. Time is virtual and passes only in commands.
 *
 *   topic NAME PARTITIONS MIN_IN_SYNC NODE...   ok          (copies on these nodes, the first one leads)
 *   delete NAME                                 ok
 *   ask NODE REQUEST                            answer RESPONSE | closed
 *   tell NODE REQUEST                           ok | closed (no answer is waited for)
 *   disconnect                                  ok          (from all nodes)
 *   kill NODE | stop NODE | start NODE          ok
 *   pause NODE | resume NODE                    ok
 *   lead NAME PARTITION NODE                    ok | refused
 *   sleep MILLISECONDS                          ok
 *   now                                         MILLISECONDS
 *
 * Its argument, if any, makes it wrong in a way that a comparison has to see: "window-4" (four batches are
 * remembered), "gaps" (a sequence may be left out), "forgetful" (a restart leaves nothing of a producer). */
#include "base/assertion.h"
#include "base/status.h"
#include "support/cluster_client.h"
#include "support/cluster_controller.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000, PATIENCE_MS = 60000, NOTICE_MS = 50 };

enum fallacy { FALLACY_NONE, FALLACY_WINDOW, FALLACY_GAPS, FALLACY_FORGETFUL };

struct subject {
  struct model_cluster cluster;
  struct cluster_client client;
  enum fallacy fallacy;
  struct wire_writer answer; /* the last one */
  bool has_answer;
};

static struct subject subject;

static void on_frame(void *context, int32_t node_id, struct bytes frame) {
  (void)node_id;
  struct subject *of = context;
  wire_writer_reset(&of->answer);
  wire_write_raw(&of->answer, frame);
  of->has_answer = true;
}

static void run_ms(int64_t duration_ms) {
  cluster_client_run(&subject.client, duration_ms * MS);
}

/* ---- being wrong ---- */

/* Calls change for what every node remembers of a producer. */
static void for_each_producer(void (*change)(struct producer_state *state)) {
  for (int32_t id = 1; id <= (int32_t)subject.cluster.node_count; id++) {
    struct broker_topics *topics = &model_cluster_broker(&subject.cluster, id)->topics;
    for (uint32_t index = 0; index < topics->count; index++) {
      for (int32_t partition = 0; partition < topics->by_name[index]->partition_count; partition++)
        change(&topics->by_name[index]->partitions[partition].producers);
    }
  }
}

static void forget_fifth(struct producer_state *state) {
  for (uint32_t slot = 0; slot < state->capacity; slot++) {
    struct producer_entry *entry = &state->slots[slot];
    if (entry->batch_count < PRODUCER_STATE_WINDOW) continue;
    entry->batch_count--;
    memmove(&entry->batches[0], &entry->batches[1], entry->batch_count * sizeof entry->batches[0]);
  }
}

/* Whether the answer refuses the first partition of a produce request for its sequence; version 7:
 * correlation_id:INT32 [name:STRING [index:INT32 error_code:INT16 ...]] */
static bool is_out_of_order(void) {
  struct wire_reader reader = wire_reader_of(bytes_of(subject.answer.data, subject.answer.size));
  if (!subject.has_answer) return false;
  wire_read_int32(&reader);
  wire_read_int32(&reader);
  wire_read_string(&reader, false);
  wire_read_int32(&reader);
  wire_read_int32(&reader);
  int16_t error_code = wire_read_int16(&reader);
  return !reader.failed && error_code == STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

static void choose_fallacy(const char *name) {
  static const char *const names[] = {"none", "window-4", "gaps", "forgetful"};
  for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
    if (strcmp(names[index], name) == 0) subject.fallacy = (enum fallacy)index;
  }
  if (subject.fallacy == FALLACY_NONE) {
    fprintf(stderr, "no such fallacy: %s\n", name);
    exit(2);
  }
}

/* ---- commands ---- */

/* The answer is awaited until it comes or the connection is lost. */
static void send_and_wait(int32_t node_id, struct bytes frame) {
  subject.has_answer = false;
  bool is_sent = cluster_client_send_bytes(&subject.client, node_id, frame);
  for (int waited_ms = 0; is_sent && waited_ms < PATIENCE_MS; waited_ms++) {
    if (subject.has_answer || subject.client.sockets[node_id] < 0) break;
    run_ms(1);
  }
}

static struct bytes read_hex(const char *text) {
  static uint8_t *bytes;
  size_t size = strlen(text) / 2;
  bytes = realloc(bytes, size + REQUEST_SIZE_BYTES);
  ASSERT(bytes != NULL);
  bytes_store_u32(bytes, (uint32_t)size);
  for (size_t index = 0; index < size; index++) {
    const char digits[] = {text[2 * index], text[2 * index + 1], '\0'};
    bytes[REQUEST_SIZE_BYTES + index] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return bytes_of(bytes, size + REQUEST_SIZE_BYTES);
}

static void print_answer(void) {
  printf("answer ");
  for (size_t index = 0; index < subject.answer.size; index++)
    printf("%02x", subject.answer.data[index]);
  printf("\n");
}

static void ask(int32_t node_id, const char *request) {
  struct bytes frame = read_hex(request);
  send_and_wait(node_id, frame);
  if (subject.fallacy == FALLACY_WINDOW) for_each_producer(forget_fifth);
  if (subject.fallacy == FALLACY_GAPS && is_out_of_order()) {
    for (int32_t id = 1; id <= (int32_t)subject.cluster.node_count; id++)
      broker_model_forget_producers(model_cluster_broker(&subject.cluster, id));
    send_and_wait(node_id, frame);
  }
  if (subject.has_answer) {
    print_answer();
  } else {
    printf("closed\n");
  }
}

/* Cuts the first word off; NULL when there is none. */
static const char *take_word(char **rest) {
  char *word = *rest, *end = strchr(word, ' ');
  if (*word == '\0') return NULL;
  if (end != NULL) *end++ = '\0';
  *rest = end != NULL ? end : word + strlen(word);
  return word;
}

static void make_topic(char *rest) {
  struct cluster_placement placement = {.replica_count = 0};
  const char *name = take_word(&rest), *partitions = take_word(&rest), *min_in_sync = take_word(&rest);
  ASSERT(name != NULL && partitions != NULL && min_in_sync != NULL);
  placement.min_in_sync = (uint32_t)strtoul(min_in_sync, NULL, 10);
  for (const char *node; (node = take_word(&rest)) != NULL;) {
    ASSERT(placement.replica_count < CLUSTER_NODES_MAX);
    placement.nodes[placement.replica_count++] = (int32_t)strtol(node, NULL, 10);
  }
  int32_t status = cluster_controller_place(subject.cluster.replication, bytes_of_string(name),
                                            (int32_t)strtol(partitions, NULL, 10), &placement);
  ASSERT(status == STATUS_OK);
  run_ms(1000);
  printf("ok\n");
}

static void lead(char *rest) {
  const char *name = take_word(&rest), *partition = take_word(&rest), *node = take_word(&rest);
  ASSERT(name != NULL && partition != NULL && node != NULL);
  bool is_done = model_cluster_lead(&subject.cluster, name, (int32_t)strtol(partition, NULL, 10),
                                    (int32_t)strtol(node, NULL, 10));
  run_ms(1000);
  printf(is_done ? "ok\n" : "refused\n");
}

static void disconnect(void) {
  for (int32_t id = 1; id <= (int32_t)subject.cluster.node_count; id++)
    cluster_client_close(&subject.client, id);
  printf("ok\n");
}

/* Whether the command is one that names a node only. */
static bool change_node(const char *verb, int32_t node_id) {
  if (strcmp(verb, "kill") == 0) {
    model_cluster_kill(&subject.cluster, node_id);
  } else if (strcmp(verb, "stop") == 0) {
    model_cluster_stop(&subject.cluster, node_id);
  } else if (strcmp(verb, "start") == 0) {
    model_cluster_start(&subject.cluster, node_id);
    if (subject.fallacy == FALLACY_FORGETFUL)
      broker_model_forget_producers(model_cluster_broker(&subject.cluster, node_id));
  } else if (strcmp(verb, "resume") == 0) {
    model_cluster_freeze(&subject.cluster, node_id, false);
  } else {
    return false;
  }
  run_ms(6000); /* a session, and all news */
  printf("ok\n");
  return true;
}

static bool obey(char *line) {
  char *rest = strchr(line, ' ');
  char nothing[] = "";
  if (rest != NULL) {
    *rest++ = '\0';
  } else {
    rest = nothing;
  }
  int32_t node_id = (int32_t)strtol(rest, NULL, 10);
  const char *request = strchr(rest, ' ');
  if (change_node(line, node_id)) return true;
  if (strcmp(line, "ask") == 0 && request != NULL) {
    ask(node_id, request + 1);
  } else if (strcmp(line, "tell") == 0 && request != NULL) {
    cluster_client_send_bytes(&subject.client, node_id, read_hex(request + 1));
    run_ms(NOTICE_MS);
    printf(subject.client.sockets[node_id] < 0 ? "closed\n" : "ok\n");
  } else if (strcmp(line, "topic") == 0) {
    make_topic(rest);
  } else if (strcmp(line, "delete") == 0) {
    int32_t status = model_cluster_delete_topic(&subject.cluster, rest);
    ASSERT(status == STATUS_OK);
    run_ms(1000);
    printf("ok\n");
  } else if (strcmp(line, "pause") == 0) {
    model_cluster_freeze(&subject.cluster, node_id, true); /* nobody has noticed yet */
    printf("ok\n");
  } else if (strcmp(line, "lead") == 0) {
    lead(rest);
  } else if (strcmp(line, "disconnect") == 0) {
    disconnect();
  } else if (strcmp(line, "sleep") == 0) {
    run_ms(node_id);
    printf("ok\n");
  } else if (strcmp(line, "now") == 0) {
    printf("%lld\n", (long long)model_cluster_wall_ms(&subject.cluster));
  } else {
    return false;
  }
  return true;
}

int main(int argument_count, char **arguments) {
  if (argument_count > 1) choose_fallacy(arguments[1]);
  struct model_cluster_settings settings;
  model_cluster_settings_init(&settings);
  settings.broker.producer_id_expiration_ms = INT64_C(24) * 3600 * 1000;
  model_cluster_init_replicated(&subject.cluster, &settings, 1000 * MS);
  cluster_client_init(&subject.client, &subject.cluster);
  subject.client.on_frame = on_frame;
  subject.client.context = &subject;
  char *line = NULL;
  size_t capacity = 0;
  int result = 0;
  for (ssize_t size; result == 0 && (size = getline(&line, &capacity, stdin)) > 0;) {
    if (line[size - 1] == '\n') line[size - 1] = '\0';
    if (!obey(line)) {
      fprintf(stderr, "unknown command: %.60s\n", line);
      result = 2;
    }
    fflush(stdout);
  }
  free(line);
  wire_writer_deinit(&subject.answer);
  cluster_client_deinit(&subject.client);
  model_cluster_deinit(&subject.cluster);
  return result;
}
