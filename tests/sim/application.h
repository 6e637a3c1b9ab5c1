/* The program that uses the library: sends in bursts, idles, flushes, closes, reads its reports, and does
 * some of it from callbacks or from other threads in the middle of everything. */
#ifndef SIM_APPLICATION_H
#define SIM_APPLICATION_H

#include "accumulator/report.h"
#include "base/random.h"
#include "sim/scenario.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simulation;
struct topic;

enum { APPLICATION_FLUSHES_MAX = 4 };

/* A flush under way: everything accepted before it has to be reported when it ends. */
struct application_flush {
  bool active;
  uint64_t up_to;
  uint32_t record_count;
};

/* A send that waits for memory. */
struct application_send {
  bool active;
  uint32_t topic;
  int32_t partition;
  bool with_key, is_bad;
  size_t value_bytes;
  int64_t deadline_us;
};

struct application {
  struct random random, callback_random, flush_random;
  struct topic *topics[SCENARIO_TOPICS_MAX + 1];
  uint32_t topic_count;
  uint32_t records_left;
  int64_t burst_us; /* when the next burst is due */
  struct application_send waiting;
  struct application_flush flushes[APPLICATION_FLUSHES_MAX];
  int64_t flush_us, close_us, read_us;
  int64_t wall_offset_ms;
  int64_t silent_us; /* in long silences, all together */
  bool is_calling;   /* a callback runs */
  bool has_ended;    /* sends nothing more */
  uint32_t refused;
};

void application_init(struct simulation *simulation);

/* Does what is due; true if it did something. */
bool application_act(struct simulation *simulation);
int64_t application_next_us(const struct simulation *simulation);

/* Another thread of it has the lock for a moment. */
void application_interleave(struct simulation *simulation);

/* Sends now: the status. */
int32_t application_send(struct simulation *simulation, const struct application_send *send);

/* Memory was freed, or outcomes came: sends and flushes that wait may go on. */
void application_look_after_waits(struct simulation *simulation);

/* Whether it reads its reports now. */
bool application_reads(const struct simulation *simulation);
/* The callback. */
void application_take_reports(struct simulation *simulation, const struct report *reports, size_t count);

/* From now on it only waits: flushes, and lets go of what it holds back. */
void application_end(struct simulation *simulation);

#endif
