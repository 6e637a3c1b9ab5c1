/* Producers below the public header: real ones against the embedded broker of the same process, ones without
 * threads, and processes of their own that end in the way that is tested.
 *
 * The broker has the topics "topic" (2 partitions) and "other" (1). There is one at a time. */
#ifndef SUPPORT_PRODUCER_WORLD_H
#define SUPPORT_PRODUCER_WORLD_H

#include "broker/broker_server.h"
#include "producer/producer.h"
#include "producer/submission.h"

/* ---- the broker ---- */

void world_broker_start(void);
void world_broker_stop(void);
struct broker_server *world_broker(void);
/* For settings: "127.0.0.1:port". */
const char *world_bootstrap(void);
/* Records in a partition of the broker. */
int64_t world_records(const char *topic, int32_t partition);
/* Waits until as many are there; for records that nobody can wait for otherwise. */
void world_await_records(const char *topic, int32_t partition, int64_t count);
void world_inject(struct broker_fault fault);

/* ---- producers ---- */

/* Settings are "name=value" texts behind each other, NULL at the end. bootstrap.servers is the broker, or,
 * while there is none, a port where nobody listens. linger.ms is 0 unless it is set. */
struct config *world_config(const char *const *settings);

/* A producer that runs; callbacks may be NULL. */
void *world_create(const struct producer_callbacks *callbacks, const char *const *settings);
/* Without threads, and without connections: nothing happens in it by itself. Its handle is known. */
struct producer *world_build(const struct producer_callbacks *callbacks, const char *const *settings);
void world_tear_down(struct producer *built);

/* What a sender would do: settles up to `count` of the batches that are there as delivered. */
void world_deliver(const void *handle, uint32_t count);
/* Tells it that a topic has two partitions. */
struct topic *world_know_topic(const void *handle, const char *name);

/* Locks a handle that must be good. */
struct producer *world_lock(const void *handle);
void world_unlock(struct producer *producer);

/* A record of value_bytes for a partition of a topic. */
struct submission world_submission(const char *topic, int32_t partition, size_t value_bytes, uint64_t opaque);
/* Sends it and does not wait. */
int32_t world_try_send(const void *handle, const struct submission *submission);
/* Sends `count` such to partition 0 of "topic", each of which must be accepted; opaques from first_opaque on.
 */
void world_send(const void *handle, uint32_t count, uint64_t first_opaque);
/* Sends until memory is used up; the number of records that were accepted. */
uint32_t world_fill(const void *handle, size_t value_bytes);
/* Flushes without limit; what was sent must all have arrived. */
void world_flush(const void *handle);

/* ---- processes ---- */

/* Whether the child of a process with threads can do what needs memory and signal handlers. Under sanitizers
 * it cannot: AddressSanitizer's allocator may be locked at the fork, and ThreadSanitizer delivers no signals
 * to handlers there. */
bool world_children_may_produce(void);

/* Shared with processes that are started below; zeroed for each test. */
struct world_shared {
  _Atomic uint64_t reports, delivered, released, started, stopped, value;
};
struct world_shared *world_shared(void);

enum { WORLD_OUTPUT_BYTES = 4096 };

struct world_child {
  int32_t process;
  int start_end, output_end; /* of pipes */
  int status;                /* as waitpid gives it */
  char errors[WORLD_OUTPUT_BYTES];
};

/* Starts a process that runs `run` once world_child_go is called, and then exits with status 0 by exit. To be
 * called before the broker is started, so that the process begins with one thread. */
void world_child_start(struct world_child *child, void (*run)(void));
/* Lets it run, with the broker's address. */
void world_child_go(struct world_child *child);
/* Waits until it is over; status and errors are filled in. */
void world_child_await(struct world_child *child);

#endif
