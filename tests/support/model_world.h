/* A whole sender over a model broker in virtual time: accumulator, sender, network client, and broker_model
 * behind each address of a cluster. Reports are counted by outcome. */
#ifndef SUPPORT_MODEL_WORLD_H
#define SUPPORT_MODEL_WORLD_H

#include "accumulator/accumulator.h"
#include "broker/broker_model.h"
#include "sender/sender.h"
#include "support/fake_transport.h"

enum {
  MODEL_WORLD_MS = 1000, /* in microseconds */
  MODEL_WORLD_S = 1000 * MODEL_WORLD_MS,
  MODEL_WORLD_CONNECTIONS_MAX = 64,
};

/* Used in place. */
struct model_world {
  struct accumulator_settings memory;
  struct sender_settings settings;
  struct broker_model *model;
  struct fake_transport *transport;
  struct network_client *client;
  struct accumulator accumulator;
  struct sender *sender;
  uint64_t reported[OUTCOME_UNKNOWN + 1]; /* records, by outcome */
  int32_t last_status;                    /* of the last batch reported */
  struct {
    uint8_t *data;
    size_t size;
    bool stalled;
  } input[MODEL_WORLD_CONNECTIONS_MAX];
};

/* Settings that a test may change before model_world_start: 4 MiB of memory, a linger of 0, backoff 100 to
 * 1000 ms, delivery timeout 120 s. Broker 1 is the model, on 10.0.0.1:9092. Virtual time starts at one
 * second. */
void model_world_init(struct model_world *world);
void model_world_start(struct model_world *world);
/* Aborts what is left. */
void model_world_deinit(struct model_world *world);

int64_t model_world_now_us(const struct model_world *world);
/* Lets time pass as a sender thread would. */
void model_world_run(struct model_world *world, int64_t duration_us);

struct topic *model_world_topic(struct model_world *world, const char *name);
/* Appends a record of value_bytes to a partition (-1: the partitioner chooses), which has to be accepted. */
void model_world_append(struct model_world *world, struct topic *topic, int32_t partition,
                        size_t value_bytes);

#endif
