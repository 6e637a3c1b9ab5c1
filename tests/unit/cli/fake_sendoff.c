#include "unit/cli/fake_sendoff.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_sendoff fake_sendoff;

/* As much of a configuration as the commands ask back. */
struct sendoff_config {
  char names[20][100];
  char values[20][200];
  int count;
};

/* lock guards fake_sendoff's second half and all that follows. */
struct sendoff_producer {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  sendoff_callbacks callbacks;
  pthread_t reporter;
  uint64_t reported_count;
  bool is_closed;
  bool is_woken;
};

static sendoff_producer producer;

static void *report_all(void *context);
static sendoff_report report_of(uint64_t index);
static void keep_record(const sendoff_record *record);
static char *copy_data(const void *data, size_t bytes);

const char *sendoff_status_name(int32_t status) {
  return status == SENDOFF_DELIVERY_TIMED_OUT ? "DELIVERY_TIMED_OUT" : "SOME_STATUS";
}

const char *sendoff_status_text(int32_t status) {
  return status == SENDOFF_DELIVERY_TIMED_OUT ? "It took too long." : "Something is wrong.";
}

const char *sendoff_version(void) {
  return "0.0.0";
}

int32_t sendoff_config_create(sendoff_config **config) {
  *config = calloc(1, sizeof **config);
  ck_assert_ptr_nonnull(*config);
  char error[1];
  static const char *const defaults[][2] = {{"bootstrap.servers", ""},
                                            {"max.request.size", "1000000"},
                                            {"shutdown.timeout.ms", "60000"},
                                            {"delivery.report.mode", "callback"}};
  for (size_t i = 0; i < 4; i++)
    sendoff_config_set(*config, defaults[i][0], defaults[i][1], error, 1);
  fake_sendoff.settings[0] = '\0';
  return SENDOFF_OK;
}

int32_t sendoff_config_set(sendoff_config *config, const char *name, const char *value, char *error,
                           size_t error_size) {
  if (strncmp(name, "no.such", 7) == 0) {
    snprintf(error, error_size, "%s is no setting", name);
    return SENDOFF_UNKNOWN_SETTING;
  }
  int i = 0;
  while (i < config->count && strcmp(config->names[i], name) != 0)
    i++;
  ck_assert_int_lt(i, 20);
  if (i == config->count) config->count++;
  snprintf(config->names[i], sizeof config->names[i], "%s", name);
  snprintf(config->values[i], sizeof config->values[i], "%s", value);
  size_t used = strlen(fake_sendoff.settings);
  snprintf(fake_sendoff.settings + used, sizeof fake_sendoff.settings - used, "%s=%s;", name, value);
  return SENDOFF_OK;
}

int32_t sendoff_config_get(const sendoff_config *config, const char *name, char *buffer, size_t buffer_size,
                           size_t *needed) {
  (void)needed;
  for (int i = 0; i < config->count; i++) {
    if (strcmp(config->names[i], name) != 0) continue;
    snprintf(buffer, buffer_size, "%s", config->values[i]);
    return SENDOFF_OK;
  }
  return SENDOFF_UNKNOWN_SETTING;
}

int32_t sendoff_config_load_file(sendoff_config *config, const char *path, char *error, size_t error_size) {
  (void)config;
  if (strstr(path, "absent") != NULL) {
    snprintf(error, error_size, "%s: cannot be read", path);
    return SENDOFF_FILE_UNREADABLE;
  }
  size_t used = strlen(fake_sendoff.settings);
  snprintf(fake_sendoff.settings + used, sizeof fake_sendoff.settings - used, "file:%s;", path);
  return SENDOFF_OK;
}

void sendoff_config_destroy(sendoff_config *config) {
  free(config);
}

int32_t sendoff_setting_count(uint32_t *count) {
  *count = 3;
  return SENDOFF_OK;
}

int32_t sendoff_setting_at(uint32_t index, sendoff_setting *setting) {
  static const sendoff_setting settings[] = {
      {.name = "linger.ms",
       .type = "int",
       .default_value = "5",
       .range = "0 to 900000",
       .text = "How long a record may wait for others that go to the same partition, so that one request "
               "carries many of them and every one costs less."},
      {.name = "queue.buffering.max.ms", .type = "int", .alias_of = "linger.ms", .text = "How long."},
      {.name = "key.serializer", .type = "string", .flags = SENDOFF_SETTING_NO_MEANING, .text = "Nothing."}};
  *setting = settings[index];
  return SENDOFF_OK;
}

int32_t sendoff_create(const sendoff_config *config, const sendoff_callbacks *callbacks,
                       sendoff_producer **created, char *error, size_t error_size) {
  (void)config;
  fake_sendoff.create_count++;
  if (fake_sendoff.create_status != SENDOFF_OK) {
    snprintf(error, error_size, "%s", fake_sendoff.create_error);
    fake_sendoff.release_count++;
    callbacks->release(callbacks->user);
    return fake_sendoff.create_status;
  }
  producer = (sendoff_producer){.callbacks = *callbacks};
  pthread_mutex_init(&producer.lock, NULL);
  pthread_cond_init(&producer.changed, NULL);
  ck_assert_int_eq(pthread_create(&producer.reporter, NULL, report_all, NULL), 0);
  if (fake_sendoff.log_line != NULL) callbacks->on_log(callbacks->user, 4, fake_sendoff.log_line);
  if (fake_sendoff.log_line != NULL) callbacks->on_log(callbacks->user, 6, "nobody wants to know");
  *created = &producer;
  return SENDOFF_OK;
}

int32_t sendoff_connect(sendoff_producer *unused, int64_t timeout_ms, char *error, size_t error_size) {
  (void)unused;
  ck_assert_int_gt(timeout_ms, 0);
  if (fake_sendoff.connect_status != SENDOFF_OK) snprintf(error, error_size, "nobody answers");
  return fake_sendoff.connect_status;
}

int32_t sendoff_topic(sendoff_producer *unused, const char *name, uint32_t *topic) {
  (void)unused;
  snprintf(fake_sendoff.topic, sizeof fake_sendoff.topic, "%s", name);
  *topic = 7;
  return fake_sendoff.topic_status;
}

int32_t sendoff_send(sendoff_producer *unused, const sendoff_record *record) {
  (void)unused;
  ck_assert_uint_eq(record->size, sizeof *record);
  pthread_mutex_lock(&producer.lock);
  int32_t status = SENDOFF_OK;
  if (producer.is_closed) {
    status = SENDOFF_CLOSED;
  } else if (fake_sendoff.full_count > 0) {
    fake_sendoff.full_count--;
    status = SENDOFF_BUFFER_FULL;
  } else if (fake_sendoff.refused_status != SENDOFF_OK &&
             fake_sendoff.record_count == fake_sendoff.refused_index) {
    status = fake_sendoff.refused_status;
  } else {
    keep_record(record);
    pthread_cond_broadcast(&producer.changed);
  }
  uint64_t count = fake_sendoff.record_count;
  pthread_mutex_unlock(&producer.lock);
  if (status == SENDOFF_OK && fake_sendoff.on_send != NULL) fake_sendoff.on_send(count);
  return status;
}

int32_t sendoff_send_sync(sendoff_producer *unused, const sendoff_record *record, int64_t timeout_ms,
                          sendoff_report *report) {
  (void)unused;
  ck_assert_int_eq(timeout_ms, -1);
  pthread_mutex_lock(&producer.lock);
  keep_record(record);
  fake_sendoff.sync_count++;
  *report = report_of(fake_sendoff.record_count - 1);
  producer.reported_count++;
  pthread_mutex_unlock(&producer.lock);
  return report->status;
}

int32_t sendoff_flush(sendoff_producer *unused, int64_t timeout_ms, sendoff_flush_result *result) {
  (void)unused;
  (void)result;
  ck_assert_int_eq(timeout_ms, -1);
  pthread_mutex_lock(&producer.lock);
  fake_sendoff.flush_count++;
  while (producer.reported_count < fake_sendoff.record_count && !producer.is_woken) {
    pthread_cond_wait(&producer.changed, &producer.lock);
  }
  int32_t status = producer.reported_count < fake_sendoff.record_count ? SENDOFF_INTERRUPTED : SENDOFF_OK;
  producer.is_woken = false;
  pthread_mutex_unlock(&producer.lock);
  return status;
}

int32_t sendoff_wake(sendoff_producer *unused) {
  (void)unused;
  pthread_mutex_lock(&producer.lock);
  fake_sendoff.wake_count++;
  producer.is_woken = true;
  pthread_cond_broadcast(&producer.changed);
  pthread_mutex_unlock(&producer.lock);
  return SENDOFF_OK;
}

int32_t sendoff_get_counters(sendoff_producer *unused, sendoff_counters *counters) {
  (void)unused;
  pthread_mutex_lock(&producer.lock);
  *counters = (sendoff_counters){.size = sizeof *counters, .records_accepted = fake_sendoff.record_count};
  pthread_mutex_unlock(&producer.lock);
  return SENDOFF_OK;
}

int32_t sendoff_close(sendoff_producer *unused, int64_t timeout_ms) {
  (void)unused;
  ck_assert_int_eq(timeout_ms, 0);
  pthread_mutex_lock(&producer.lock);
  producer.is_closed = true;
  pthread_cond_broadcast(&producer.changed);
  pthread_mutex_unlock(&producer.lock);
  pthread_join(producer.reporter, NULL);
  return SENDOFF_OK;
}

void sendoff_destroy(sendoff_producer *unused) {
  ck_assert_ptr_eq(unused, &producer);
  ck_assert(producer.is_closed);
  fake_sendoff.release_count++;
  producer.callbacks.release(producer.callbacks.user);
}

/* The thread of the library. What is left when the producer is closed is reported as aborted. */
static void *report_all(void *context) {
  (void)context;
  pthread_mutex_lock(&producer.lock);
  for (;;) {
    bool may_report = producer.is_closed || !fake_sendoff.holds_reports;
    if (may_report && producer.reported_count < fake_sendoff.record_count) {
      sendoff_report reports[16];
      size_t count = 0;
      uint64_t left = fake_sendoff.record_count - producer.reported_count;
      for (; count < 16 && count < left; count++)
        reports[count] = report_of(producer.reported_count + count);
      pthread_mutex_unlock(&producer.lock);
      producer.callbacks.on_reports(producer.callbacks.user, reports, count);
      pthread_mutex_lock(&producer.lock);
      producer.reported_count += count;
      pthread_cond_broadcast(&producer.changed);
    } else if (producer.is_closed) {
      break;
    } else {
      pthread_cond_wait(&producer.changed, &producer.lock);
    }
  }
  pthread_mutex_unlock(&producer.lock);
  return NULL;
}

static sendoff_report report_of(uint64_t index) {
  sendoff_report report = {.opaque = fake_sendoff.records[index].opaque,
                           .offset = (int64_t)index,
                           .latency_us = 100 + (int64_t)index,
                           .outcome = SENDOFF_OUTCOME_DELIVERED};
  if (fake_sendoff.decide != NULL) fake_sendoff.decide(index, &report);
  if (producer.is_closed && fake_sendoff.holds_reports) {
    report.outcome = SENDOFF_OUTCOME_NOT_DELIVERED;
    report.status = SENDOFF_ABORTED;
  }
  return report;
}

static void keep_record(const sendoff_record *record) {
  uint64_t count = fake_sendoff.record_count;
  if ((count & (count - 1)) == 0) {
    size_t capacity = count == 0 ? 1 : 2 * (size_t)count;
    fake_sendoff.records = realloc(fake_sendoff.records, capacity * sizeof *fake_sendoff.records);
    ck_assert_ptr_nonnull(fake_sendoff.records);
  }
  struct fake_record *kept = &fake_sendoff.records[fake_sendoff.record_count++];
  *kept = (struct fake_record){.set = record->set,
                               .topic_id = record->topic_id,
                               .partition = record->partition,
                               .key = copy_data(record->key, record->key_bytes),
                               .key_bytes = record->key_bytes,
                               .value = copy_data(record->value, record->value_bytes),
                               .value_bytes = record->value_bytes,
                               .opaque = record->opaque};
  size_t used = 0;
  for (size_t i = 0; i < record->header_count; i++) {
    const sendoff_header *header = &record->headers[i];
    used +=
        (size_t)snprintf(kept->headers + used, sizeof kept->headers - used, "%.*s%s%.*s;",
                         (int)header->name_bytes, header->name, header->value != NULL ? "=" : "",
                         (int)header->value_bytes, header->value != NULL ? (const char *)header->value : "");
    ck_assert_uint_lt(used, sizeof kept->headers);
  }
}

static char *copy_data(const void *data, size_t bytes) {
  if (data == NULL) return NULL;
  char *copy = malloc(bytes + 1);
  ck_assert_ptr_nonnull(copy);
  if (bytes > 0) memcpy(copy, data, bytes);
  copy[bytes] = '\0';
  return copy;
}
