/* Whether a partition asks its leader what it has of our producer (DescribeProducers), when a batch whose
 * outcome is open was refused for its sequence, or its producer. What the answer means is decided in
 * sender_partition, the asking is done by outcome_call.
 *
 * An answer only says what is worth sending again: it is the state of one replica, which may lead no longer
 * and whose last batches need not be replicated. Outcomes come from answers to produce requests alone.
 *
 * Before a leader's refusals leave an outcome unknown, another broker is asked whether it still leads
 * (metadata): one that was deposed and has not heard of it lacks what its successor wrote. */
#ifndef SENDER_OUTCOME_QUERY_H
#define SENDER_OUTCOME_QUERY_H

#include <stdbool.h>
#include <stdint.h>

enum outcome_query_state {
  OUTCOME_QUERY_NONE,     /* nothing to ask */
  OUTCOME_QUERY_DUE,      /* to be asked once no attempt is in flight; nothing is sent until it is answered */
  OUTCOME_QUERY_OPEN,     /* in a request to the leader */
  OUTCOME_QUERY_ANSWERED, /* what the leader has is known; what it asks for is being sent */
  OUTCOME_QUERY_CLOSED,   /* no answer can be had: walk-forward decides */
  OUTCOME_QUERY_CONFIRMING, /* all is refused: another broker has to say who leads; nothing is sent until then
                             */
  OUTCOME_QUERY_STATE_COUNT,
};

enum { OUTCOME_QUERY_ATTEMPTS_MAXIMUM = 3 };

/* Embedded in a sender_partition; sender thread. */
struct outcome_query {
  enum outcome_query_state state;
  uint32_t attempts; /* requests since a batch was last acknowledged, the leader changed or the epoch did */
  int64_t confirming_since_us;
};

/* Moves to another state; the change must be in the table. */
void outcome_query_set_state(struct outcome_query *query, enum outcome_query_state state);
bool outcome_query_state_may_change(enum outcome_query_state from, enum outcome_query_state to);

/* Ends whatever is asked: there is nothing left to learn. */
void outcome_query_end(struct outcome_query *query);

/* Whether nothing may be sent because an answer is awaited. */
static inline bool outcome_query_is_pending(const struct outcome_query *query) {
  return query->state == OUTCOME_QUERY_DUE || query->state == OUTCOME_QUERY_OPEN ||
         query->state == OUTCOME_QUERY_CONFIRMING;
}

#endif
