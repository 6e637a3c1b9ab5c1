/* A cluster view over a network client and a fake broker in virtual time. What the view tells its listener is
 * collected as text. */
#ifndef SUPPORT_CLUSTER_WORLD_H
#define SUPPORT_CLUSTER_WORLD_H

#include "accumulator/accumulator.h"
#include "sender/cluster.h"
#include "support/client_world.h"
#include "support/metadata_answer.h"

enum { CLUSTER_WORLD_TEXT_BYTES = 4096 };

/* Used in place. */
struct cluster_world {
  struct client_world network;
  struct accumulator accumulator;
  struct gate gate;
  int32_t gate_depth; /* never above 1 */
  struct random random;
  struct log log;
  struct cluster_settings settings;
  struct cluster cluster;
  struct metadata_answer answer;
  struct cluster_answer told_by; /* of the last topic that was described */
  /* In order, each followed by a blank: "leader:a/0=1", "partitions:a=2", "recreated:a",
   * "failed:a=STATUS_NAME" (":staged" behind it if only those), "described:a=2". */
  char news[CLUSTER_WORLD_TEXT_BYTES];
  char lines[CLUSTER_WORLD_TEXT_BYTES]; /* the log, "level text" each ended by a line feed */
};

/* Settings that a test may change before cluster_world_start: max age 300 s, max idle 300 s, propagation 30
 * s, backoff 100 to 1000 ms, request timeout 30 s, rebootstrap after 300 s, auto create. Brokers 1 to 3
 * listen on 10.0.0.1 to 10.0.0.3, port 9092, the bootstrap server on 10.0.0.9. */
void cluster_world_init(struct cluster_world *world);
void cluster_world_start(struct cluster_world *world);
void cluster_world_deinit(struct cluster_world *world);

int64_t cluster_world_now_us(const struct cluster_world *world);

/* Lets time pass as a sender thread would: steps, then waits until the view's next deadline. */
void cluster_world_run(struct cluster_world *world, int64_t duration_us);

/* A topic that was used now, known to the view. */
struct sender_topic *cluster_world_topic(struct cluster_world *world, const char *name);

/* How many metadata requests have come so far. */
uint32_t cluster_world_request_count(const struct cluster_world *world);
/* What the newest one asks about: "a b", behind it " +create" if topics may be made. Static memory. */
const char *cluster_world_asked(const struct cluster_world *world);

/* Where it went: "10.0.0.1:9092". */
const char *cluster_world_asked_whom(const struct cluster_world *world);
/* Nobody listens any more / again, and all connections are lost. */
void cluster_world_set_listening(struct cluster_world *world, bool brokers, bool bootstrap);

/* Answers the newest request by what stands in world->answer, ended with the error code, and lets it arrive.
 */
void cluster_world_answer(struct cluster_world *world, int16_t error_code);
/* The same for one topic without error, with all brokers. */
void cluster_world_answer_topic(struct cluster_world *world, const char *name, int16_t topic_error,
                                const char *partitions);
/* For an answer of one's own: begins it in the version of the newest request. */
void cluster_world_begin_answer(struct cluster_world *world, int32_t topic_count);
/* Asks, and has no topic to learn of. */
void cluster_world_become_known(struct cluster_world *world);

/* Fails the test unless the news since the last call are these. */
void cluster_world_expect(struct cluster_world *world, const char *news);
uint32_t cluster_world_count_lines(const struct cluster_world *world, const char *part);

#endif
