#include "abi/support/brokers.h"

#include "base/status.h"
#include "protocol/api.h"
#include "protocol/record_batch.h"
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct broker_server *broker;
char bootstrap[32];

static uint16_t reserved_port;
static int reserved = -1;

static const struct broker_server_topic topics[] = {{"one", 1}, {"four", 4}, {"twelve", 12}};

static void start(uint16_t port) {
  struct broker_server_settings settings;
  broker_server_settings_init(&settings);
  settings.topics = topics;
  settings.topic_count = sizeof topics / sizeof topics[0];
  settings.port = port;
  ck_assert_int_eq(broker_server_create(&settings, &broker), STATUS_OK);
  snprintf(bootstrap, sizeof bootstrap, "127.0.0.1:%u", broker_server_port(broker));
}

void broker_start(void) {
  start(0);
}

void broker_stop(void) {
  broker_server_destroy(broker);
  broker = NULL;
  if (reserved >= 0) close(reserved);
  reserved = -1;
}

/* Bound but not listening: connections are refused, and nobody else gets the port. */
void broker_start_nowhere(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  const int on = 1;
  reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge(reserved, 0);
  ck_assert_int_eq(setsockopt(reserved, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  ck_assert_int_eq(bind(reserved, (struct sockaddr *)&address, size), 0);
  ck_assert_int_eq(getsockname(reserved, (struct sockaddr *)&address, &size), 0);
  reserved_port = ntohs(address.sin_port);
  snprintf(bootstrap, sizeof bootstrap, "127.0.0.1:%u", reserved_port);
}

void broker_start_there(void) {
  start(reserved_port);
  close(reserved);
  reserved = -1;
}

void broker_inject(const struct broker_fault *fault) {
  ck_assert_int_eq(broker_model_inject(broker_server_lock(broker), fault), STATUS_OK);
  broker_server_unlock(broker);
}

void broker_heal(void) {
  broker_model_clear_faults(broker_server_lock(broker));
  broker_server_unlock(broker);
}

void broker_swallow(const char *topic) {
  broker_inject(&(struct broker_fault){.api_key = API_PRODUCE,
                                       .topic = topic,
                                       .partition = -1,
                                       .count = UINT32_MAX,
                                       .withhold_response = true});
}

uint64_t broker_requests(int16_t api_key) {
  uint64_t count = broker_model_counters(broker_server_lock(broker))->requests[api_key];
  broker_server_unlock(broker);
  return count;
}

static char *copy(struct bytes from) {
  char *to = malloc(from.size + 1);
  ck_assert_ptr_nonnull(to);
  if (from.size > 0) memcpy(to, from.data, from.size);
  to[from.size] = '\0';
  return to;
}

static void copy_headers(struct stored_record *to, const struct record_view *view) {
  struct wire_reader reader = view->headers;
  size_t used = 0;
  to->header_count = (uint32_t)view->header_count;
  for (int32_t i = 0; i < view->header_count; i++) {
    struct record_header header;
    record_read_header(&reader, &header);
    used += (size_t)snprintf(to->headers + used, sizeof to->headers - used, "%.*s", (int)header.key.size,
                             (const char *)header.key.data);
    if (header.value.data != NULL)
      used += (size_t)snprintf(to->headers + used, sizeof to->headers - used, "=%.*s", (int)header.value.size,
                               (const char *)header.value.data);
    used += (size_t)snprintf(to->headers + used, sizeof to->headers - used, ";");
    ck_assert_uint_lt(used, sizeof to->headers);
  }
}

static bool take(void *context, int64_t offset, int64_t timestamp_ms, const struct record_view *view) {
  struct stored_records *stored = context;
  if (stored->count == stored->capacity) {
    stored->capacity = stored->capacity == 0 ? 64 : 2 * stored->capacity;
    stored->records = realloc(stored->records, stored->capacity * sizeof *stored->records);
    ck_assert_ptr_nonnull(stored->records);
  }
  struct stored_record *to = &stored->records[stored->count++];
  *to = (struct stored_record){.offset = offset,
                               .timestamp_ms = timestamp_ms,
                               .has_key = view->key.data != NULL,
                               .has_value = view->value.data != NULL,
                               .key = copy(view->key),
                               .value = copy(view->value),
                               .key_bytes = view->key.size,
                               .value_bytes = view->value.size};
  copy_headers(to, view);
  return true;
}

void stored_records_read(struct stored_records *stored, const char *topic, int32_t partition) {
  *stored = (struct stored_records){.count = 0};
  struct broker_model *model = broker_server_lock(broker);
  ck_assert_int_eq(broker_model_visit_records(model, topic, partition, take, stored), STATUS_OK);
  broker_server_unlock(broker);
}

void stored_records_free(struct stored_records *stored) {
  for (size_t i = 0; i < stored->count; i++) {
    free(stored->records[i].key);
    free(stored->records[i].value);
  }
  free(stored->records);
}

int64_t broker_record_count(const char *topic, int32_t partition_count) {
  int64_t count = 0;
  const struct broker_model *model = broker_server_lock(broker);
  for (int32_t i = 0; i < partition_count; i++) {
    int64_t start_offset, end_offset;
    ck_assert(broker_model_offsets(model, topic, i, &start_offset, &end_offset));
    count += end_offset - start_offset;
  }
  broker_server_unlock(broker);
  return count;
}
