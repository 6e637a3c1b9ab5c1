#include "abi/support/producers.h"

#include "abi/support/brokers.h"
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct patience patience_begin(void) {
  return (struct patience){.until_ms = now_ms() + PATIENCE_MS};
}

void patience_spend(struct patience *patience, const char *condition) {
  if (now_ms() > patience->until_ms) ck_abort_msg("never came: %s", condition);
  nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

void calls_init(struct calls *calls) {
  memset(calls, 0, sizeof *calls);
  pthread_mutex_init(&calls->lock, NULL);
}

void calls_deinit(struct calls *calls) {
  free(calls->reports);
  pthread_mutex_destroy(&calls->lock);
}

size_t calls_count(struct calls *calls) {
  pthread_mutex_lock(&calls->lock);
  size_t count = calls->count;
  pthread_mutex_unlock(&calls->lock);
  return count;
}

void calls_await(struct calls *calls, size_t count) {
  UNTIL(calls_count(calls) >= count);
}

bool calls_logged(struct calls *calls, const char *part) {
  pthread_mutex_lock(&calls->lock);
  bool found = strstr(calls->log, part) != NULL;
  pthread_mutex_unlock(&calls->lock);
  return found;
}

static void release(void *user) {
  ((struct calls *)user)->releases++;
}

static void on_thread_start(void *user, const char *name) {
  struct calls *calls = user;
  pthread_mutex_lock(&calls->lock);
  size_t used = strlen(calls->thread_names);
  snprintf(calls->thread_names + used, sizeof calls->thread_names - used, "+%s ", name);
  pthread_mutex_unlock(&calls->lock);
  calls->threads_started++;
}

static void on_thread_stop(void *user, const char *name) {
  struct calls *calls = user;
  pthread_mutex_lock(&calls->lock);
  size_t used = strlen(calls->thread_names);
  snprintf(calls->thread_names + used, sizeof calls->thread_names - used, "-%s ", name);
  pthread_mutex_unlock(&calls->lock);
  calls->threads_stopped++;
}

sendoff_callbacks calls_callbacks(struct calls *calls) {
  return (sendoff_callbacks){.size = sizeof(sendoff_callbacks),
                             .user = calls,
                             .release = release,
                             .on_reports = calls_on_reports,
                             .on_log = calls_on_log,
                             .on_thread_start = on_thread_start,
                             .on_thread_stop = on_thread_stop};
}

void calls_on_reports(void *user, const sendoff_report *reports, size_t count) {
  struct calls *calls = user;
  calls->on_reports_calls++;
  calls->holding++;
  UNTIL(!calls->hold);
  calls->holding--;
  pthread_mutex_lock(&calls->lock);
  if (calls->count + count > calls->capacity) {
    calls->capacity = 2 * (calls->count + count);
    calls->reports = realloc(calls->reports, calls->capacity * sizeof *calls->reports);
    ck_assert_ptr_nonnull(calls->reports);
  }
  memcpy(calls->reports + calls->count, reports, count * sizeof *reports);
  calls->count += count;
  pthread_mutex_unlock(&calls->lock);
}

void calls_on_log(void *user, int32_t level, const char *line) {
  struct calls *calls = user;
  pthread_mutex_lock(&calls->lock);
  size_t used = strlen(calls->log);
  snprintf(calls->log + used, sizeof calls->log - used, "%d %s\n", level, line);
  pthread_mutex_unlock(&calls->lock);
}

void calls_on_record(void *user, const sendoff_report *report) {
  struct calls *calls = user;
  calls_on_reports(user, report, 1);
  calls->record_callbacks++;
}

sendoff_config *config_open(const char *const *settings) {
  sendoff_config *config = NULL;
  char error[512] = "";
  ck_assert_int_eq(sendoff_config_create(&config), SENDOFF_OK);
  int32_t status = sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error);
  ck_assert_msg(status == SENDOFF_OK, "%s", error);
  for (; settings != NULL && settings[0] != NULL; settings += 2) {
    status = sendoff_config_set(config, settings[0], settings[1], error, sizeof error);
    ck_assert_msg(status == SENDOFF_OK, "%s", error);
  }
  return config;
}

sendoff_producer *producer_open(const sendoff_callbacks *callbacks, const char *const *settings) {
  sendoff_config *config = config_open(settings);
  sendoff_producer *producer = NULL;
  char error[512] = "";
  int32_t status = sendoff_create(config, callbacks, &producer, error, sizeof error);
  ck_assert_msg(status == SENDOFF_OK, "%s", error);
  sendoff_config_destroy(config);
  return producer;
}

sendoff_record record_of(const char *topic, int32_t partition, const char *value, uint64_t opaque) {
  return (sendoff_record){.size = sizeof(sendoff_record),
                          .set = partition >= 0 ? SENDOFF_SET_PARTITION : 0,
                          .topic = topic,
                          .partition = partition,
                          .value = value,
                          .value_bytes = value == NULL ? 0 : strlen(value),
                          .opaque = opaque};
}

void send_ok(sendoff_producer *producer, const char *topic, int32_t partition, const char *value,
             uint64_t opaque) {
  sendoff_record record = record_of(topic, partition, value, opaque);
  ck_assert_int_eq(sendoff_send(producer, &record), SENDOFF_OK);
}

sendoff_counters counters_of(sendoff_producer *producer) {
  sendoff_counters counters = {.size = sizeof counters};
  ck_assert_int_eq(sendoff_get_counters(producer, &counters), SENDOFF_OK);
  return counters;
}

uint64_t settled_of(const sendoff_counters *counters) {
  return counters->records_delivered + counters->records_not_delivered + counters->records_unknown +
         counters->records_unacknowledged;
}
