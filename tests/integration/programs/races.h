/* Producers that many threads use, end and make again at random, and what became of their records. races.c
 * has the threads, races_life.c the producers, races_calls.c one call of each function. */
#ifndef INTEGRATION_PROGRAMS_RACES_H
#define INTEGRATION_PROGRAMS_RACES_H

#include <sendoff/sendoff.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of sendoff.h; races_test.py compares them with the symbol map. */
#define RACES_FUNCTIONS(FUNCTION)                                                                            \
  FUNCTION(status_name)                                                                                      \
  FUNCTION(status_text)                                                                                      \
  FUNCTION(status_class)                                                                                     \
  FUNCTION(version)                                                                                          \
  FUNCTION(abi_version)                                                                                      \
  FUNCTION(features)                                                                                         \
  FUNCTION(config_create)                                                                                    \
  FUNCTION(config_set)                                                                                       \
  FUNCTION(config_get)                                                                                       \
  FUNCTION(config_load_file)                                                                                 \
  FUNCTION(config_destroy)                                                                                   \
  FUNCTION(setting_count)                                                                                    \
  FUNCTION(setting_at)                                                                                       \
  FUNCTION(create)                                                                                           \
  FUNCTION(connect)                                                                                          \
  FUNCTION(topic)                                                                                            \
  FUNCTION(topic_name)                                                                                       \
  FUNCTION(send)                                                                                             \
  FUNCTION(try_send)                                                                                         \
  FUNCTION(send_sync)                                                                                        \
  FUNCTION(send_flat)                                                                                        \
  FUNCTION(send_batch)                                                                                       \
  FUNCTION(wait_for_space)                                                                                   \
  FUNCTION(flush)                                                                                            \
  FUNCTION(close)                                                                                            \
  FUNCTION(destroy)                                                                                          \
  FUNCTION(poll)                                                                                             \
  FUNCTION(report_descriptor)                                                                                \
  FUNCTION(poll_event)                                                                                       \
  FUNCTION(wake)                                                                                             \
  FUNCTION(set_token)                                                                                        \
  FUNCTION(set_token_failure)                                                                                \
  FUNCTION(wait_token_wanted)                                                                                \
  FUNCTION(reload_credentials)                                                                               \
  FUNCTION(get_counters)                                                                                     \
  FUNCTION(partitions_for)                                                                                   \
  FUNCTION(partitions_count)                                                                                 \
  FUNCTION(partitions_get)                                                                                   \
  FUNCTION(partitions_nodes)                                                                                 \
  FUNCTION(partitions_destroy)

enum races_function {
#define RACES_NAME(name) RACES_##name,
  RACES_FUNCTIONS(RACES_NAME)
#undef RACES_NAME
      RACES_FUNCTION_COUNT
};

enum { RACES_RECORDS_MAX = 16384, RACES_LIVES_MAX = 4096, RACES_SLOTS = 6, RACES_STATUS_MAX = 200 };

/* One producer from create to release. Records are numbered by next, which is their opaque's lower half. The
 * arrays are written by whoever sends or is told; they are compared when all threads have ended. */
struct races_life {
  sendoff_producer *producer;
  uint32_t number;
  bool is_queued, has_tokens;
  atomic_bool is_abrupt; /* destroyed without being closed and read to its end: reports may be missing */
  atomic_uint released, next;
  uint64_t random; /* of its report callback */
  atomic_uchar accepted[RACES_RECORDS_MAX], reported[RACES_RECORDS_MAX];
  atomic_uchar has_callback[RACES_RECORDS_MAX], called[RACES_RECORDS_MAX];
};

/* One thread's own. */
struct races_actor {
  uint64_t random;
  bool in_callback; /* of the life below */
  const struct races_life *inside;
};

uint64_t races_random(struct races_actor *actor, uint64_t below);

/* One more; without making the library's own order of things stronger than it is, which would hide races. */
void races_count(atomic_uchar *number);

/* Counts a call that ended so; of functions that return no status, OK. */
int32_t races_note(enum races_function function, int32_t status);
uint64_t races_noted(enum races_function function, int32_t status);

/* ---- lives (races_life.c) ---- */

void races_begin(const char *bootstrap, const char *topic, const char *properties);
/* The life in a slot, or one that has gone by; NULL: it is being made. */
struct races_life *races_life_any(struct races_actor *actor);
/* Ends the producer in a slot, in order or not, and makes another one. */
void races_life_renew(struct races_actor *actor, uint32_t slot, bool in_order);
/* Destroys a life wherever it is. */
void races_life_destroy(struct races_life *life);
/* Ends all in order, awaits their release, and fails unless each accepted record had its one report. Returns
 * how many were accepted in all; *lives receives how many producers there were. */
uint64_t races_end(struct races_actor *actor, uint32_t *lives);
/* A record is dropped from the books, as by a report that never came: races_end has to fail. */
void races_forget_report(void);

void races_take_reports(struct races_life *life, const sendoff_report *reports, size_t count);
const char *races_topic(void);
const char *races_properties(void);

/* ---- memory (races_memory.c) ---- */

/* From now on an allocation fails now and then, but those of threads that are exempt. seed has to live on. */
void races_memory_begin(uint64_t *seed);
void races_memory_exempt(bool exempt);
/* All succeed again; how many have failed. */
uint64_t races_memory_end(void);

/* ---- calls (races_calls.c) ---- */

/* One call of a random function on a random producer; in a callback, on the one that it is of. */
void races_call(struct races_actor *actor);

#endif
