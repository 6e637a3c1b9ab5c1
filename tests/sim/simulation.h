/* One seed: the real accumulator, sender, network client and connections over a model cluster in virtual
 * time, an application that uses them, an adversary that breaks what is around them, and the books that all
 * is checked against. One thread; nothing outside the seed decides anything.
 *
 * A turn is made as the producer's thread makes it: the sender is called when its deadline has come, when the
 * network has news or when somebody wakes it, and never otherwise, so that a forgotten deadline shows. */
#ifndef SIM_SIMULATION_H
#define SIM_SIMULATION_H

#include "accumulator/accumulator.h"
#include "network/network_client.h"
#include "producer/report_queue.h"
#include "sender/sender.h"
#include "sim/adversary.h"
#include "sim/application.h"
#include "sim/doorman.h"
#include "sim/ledger.h"
#include "sim/scenario.h"
#include "support/model_cluster.h"

enum simulation_phase {
  PHASE_SAFETY,  /* with faults */
  PHASE_HEALED,  /* without: everything has to end */
  PHASE_CLOSING, /* close was called */
  PHASE_CLOSED,
};

/* What a simulation came to. */
struct simulation_result {
  bool failed;
  char text[320];
  uint64_t turns;
  uint32_t accepted, delivered, not_delivered, unknown;
  uint64_t batches_retried, outcomes_resolved, epochs_raised, batches_split;
  fault_set faults; /* that were on */
};

/* A record of a log that was deleted. */
struct archived {
  uint32_t topic, number;
  int32_t partition;
  struct uuid incarnation;
  int64_t offset;
};

struct simulation {
  struct scenario scenario;
  bool traced;
  enum simulation_phase phase;
  struct ledger ledger;
  struct model_cluster cluster;
  struct fake_transport *network; /* NULL once the client is gone */
  int64_t end_us;                 /* when it went */
  struct log log;
  struct accumulator accumulator;
  struct network_client *client; /* NULL once closed */
  struct sender *sender;
  struct sender_settings sender_settings;
  struct network_client_settings network_settings;
  struct topic_options topic_options;
  struct doorman doorman;
  struct login *login; /* NULL: brokers want none */
  struct report_queue reports;
  struct application application;
  struct adversary adversary;

  int64_t linger_us;
  int64_t sleep_until_us; /* of the sender */
  bool is_awake, is_in_gate, memory_freed;
  int64_t close_deadline_us;
  uint32_t idle_turns;
  uint64_t turns;
  int32_t last_correlation_id;
  struct random interleaving, memory;
  uint32_t memory_percent_mille; /* of allocations that fail */

  struct archived *archive;
  uint32_t archive_count, archive_capacity;
};

void simulation_run(const struct scenario *scenario, bool traced, struct simulation_result *result);

/* Turns until then, or until it is over. */
void simulation_run_until(struct simulation *simulation, int64_t end_us);

/* In how long everything has its outcome once all is well. */
int64_t simulation_liveness_us(const struct simulation *simulation);

int64_t simulation_now_us(const struct simulation *simulation);

/* Something was appended, or has to be seen by the sender. */
void simulation_wake(struct simulation *simulation);

/* As sendoff_close with a timeout. */
void simulation_begin_close(struct simulation *simulation, int64_t timeout_us);

/* Puts a topic's records by, for its log is about to go. */
void simulation_archive(struct simulation *simulation, uint32_t topic);

__attribute__((format(printf, 2, 3))) void simulation_trace(const struct simulation *simulation,
                                                            const char *format, ...);

#endif
