/* Producers for tests of the ABI, through the public header alone, and what they are told. */
#ifndef ABI_SUPPORT_PRODUCERS_H
#define ABI_SUPPORT_PRODUCERS_H

#include <pthread.h>
#include <sendoff/sendoff.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Waiting that ends a hanging test; no result depends on how long it is. */
enum { PATIENCE_MS = 60000 };

/* Waits, giving the processor away, until the condition holds; fails the test if it never does. */
#define UNTIL(condition)                                                                                     \
  do {                                                                                                       \
    for (struct patience patience = patience_begin(); !(condition);)                                         \
      patience_spend(&patience, #condition);                                                                 \
  } while (0)

/* When it is exhausted. */
struct patience {
  long until_ms;
};
struct patience patience_begin(void);
void patience_spend(struct patience *patience, const char *condition);

/* Collects what callbacks are told: `calls` as user. Any thread. */
struct calls {
  pthread_mutex_t lock;
  sendoff_report *reports; /* grows */
  size_t count, capacity;
  atomic_uint releases, on_reports_calls, record_callbacks;
  atomic_uint threads_started, threads_stopped;
  atomic_bool hold; /* on_reports does not return while this is set */
  atomic_uint holding;
  char log[4096]; /* lines */
  char thread_names[256];
};

void calls_init(struct calls *calls);
void calls_deinit(struct calls *calls);
size_t calls_count(struct calls *calls);
void calls_await(struct calls *calls, size_t count);
bool calls_logged(struct calls *calls, const char *part);

/* on_reports collects, release counts; the others are the tests' to set. */
sendoff_callbacks calls_callbacks(struct calls *calls);
void calls_on_reports(void *user, const sendoff_report *reports, size_t count);
void calls_on_log(void *user, int32_t level, const char *line);
/* A record's own; user is a struct calls. */
void calls_on_record(void *user, const sendoff_report *report);

/* Names and values in turn, ended by NULL; bootstrap.servers comes by itself. */
sendoff_config *config_open(const char *const *settings);
sendoff_producer *producer_open(const sendoff_callbacks *callbacks, const char *const *settings);
#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A record of a short text for a partition (-1: the partitioner's choice). */
sendoff_record record_of(const char *topic, int32_t partition, const char *value, uint64_t opaque);
void send_ok(sendoff_producer *producer, const char *topic, int32_t partition, const char *value,
             uint64_t opaque);

sendoff_counters counters_of(sendoff_producer *producer);
uint64_t settled_of(const sendoff_counters *counters);

#endif
