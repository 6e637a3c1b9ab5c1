/* The producer id that partitions start from (InitProducerId, KIP-98). Asked for once, and again when a
 * partition has used up its epochs or was fenced. Owned by the sender thread. */
#ifndef SENDER_PRODUCER_IDENTITY_H
#define SENDER_PRODUCER_IDENTITY_H

#include "base/log.h"
#include "base/random.h"
#include "network/network_client.h"
#include "protocol/init_producer_id.h"
#include <stdbool.h>
#include <stdint.h>

enum producer_identity_state {
  PRODUCER_IDENTITY_WANTED,    /* none; ask when a broker is ready and the backoff has passed */
  PRODUCER_IDENTITY_REQUESTED, /* the request is open */
  PRODUCER_IDENTITY_READY,
  PRODUCER_IDENTITY_STATE_COUNT,
};

struct producer_identity_settings {
  struct bytes client_id;
  int64_t request_timeout_us;
  int64_t retry_backoff_us, retry_backoff_max_us;
  const struct log *log;
};

/* Invariant: producer_id >= 0 exactly when READY. */
struct producer_identity {
  struct producer_identity_settings settings;
  struct network_client *client;
  struct random *random;
  enum producer_identity_state state;
  int64_t producer_id;
  int16_t producer_epoch;
  int64_t next_attempt_us;
  uint32_t failures;
  int32_t status; /* of the last failure */
  struct request request;
  struct wire_writer writer;
  struct transport_segment segment;
};

void producer_identity_init(struct producer_identity *identity,
                            const struct producer_identity_settings *settings, struct network_client *client,
                            struct random *random, int64_t now_us);
void producer_identity_deinit(struct producer_identity *identity);

/* Sends the request if one is due. */
void producer_identity_step(struct producer_identity *identity, int64_t now_us);

/* When step has to be called again without an event. */
int64_t producer_identity_next_deadline_us(const struct producer_identity *identity, int64_t now_us);

/* A partition can no longer use used_producer_id: if that is still the one at hand, the next step asks for
 * another. */
void producer_identity_replace(struct producer_identity *identity, int64_t used_producer_id, int64_t now_us);

bool producer_identity_state_may_change(enum producer_identity_state from, enum producer_identity_state to);

#endif
