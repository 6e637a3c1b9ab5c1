/* What one partition remembers of the producers that wrote to it, and how it tells a new batch from one that
 * it has already: Kafka's rules, as measured on brokers 2.8 to 4.1.
 *
 *   batch of the entry's epoch whose (first, last) sequence equals one of the last five batches   ->
 * duplicate producer without an entry, any first sequence                                               ->
 * accepted lower epoch than the entry's                             -> INVALID_PRODUCER_EPOCH higher epoch:
 * first sequence 0                           -> accepted, the window starts anew any other ->
 * OUT_OF_ORDER_SEQUENCE_NUMBER same epoch: first sequence follows the last one (2^31-1 is followed by 0)  ->
 * accepted any other, older than the window or behind a gap               -> OUT_OF_ORDER_SEQUENCE_NUMBER
 *
 * A broker that restarts reads a snapshot which keeps one batch a producer. Entries that were idle for the
 * expiry time, counted from their last batch's newest record timestamp, are forgotten. No lock: the model's
 * owner calls. */
#ifndef BROKER_PRODUCER_STATE_H
#define BROKER_PRODUCER_STATE_H

#include <stdint.h>

enum { PRODUCER_STATE_WINDOW = 5 };

/* Who wrote a batch of record_count > 0 records, and as which of its own. */
struct producer_batch_identity {
  int64_t producer_id;
  int16_t producer_epoch;
  int32_t base_sequence;
  int32_t record_count;
};

/* A batch that was appended: its sequences and where it lies. */
struct producer_batch_place {
  int32_t first_sequence, last_sequence;
  int64_t base_offset;
  int64_t max_timestamp_ms;
};

/* The last batches of one producer, newest last. batch_count is 1 to PRODUCER_STATE_WINDOW. */
struct producer_entry {
  int64_t producer_id;
  int16_t producer_epoch;
  uint32_t batch_count;
  struct producer_batch_place batches[PRODUCER_STATE_WINDOW];
};

/* Open addressing by producer id; an unused slot has batch_count 0. At most half of the slots are used;
 * capacity is 0 or a power of two. */
struct producer_state {
  struct producer_entry *slots;
  uint32_t capacity, entry_count;
};

void producer_state_init(struct producer_state *state);
void producer_state_deinit(struct producer_state *state);

enum producer_verdict {
  PRODUCER_BATCH_ACCEPTED,
  PRODUCER_BATCH_DUPLICATE,
  PRODUCER_BATCH_OUT_OF_ORDER,
  PRODUCER_BATCH_FENCED, /* INVALID_PRODUCER_EPOCH */
};

/* Judges a batch and changes nothing. For a duplicate *place receives where it lies already. */
enum producer_verdict producer_state_check(const struct producer_state *state,
                                           const struct producer_batch_identity *identity,
                                           struct producer_batch_place *place);

/* Room for one more entry, so that the record that follows cannot fail. STATUS_OUT_OF_MEMORY. */
int32_t producer_state_reserve(struct producer_state *state);

/* Remembers an accepted batch that has been appended. The caller has reserved. */
void producer_state_record(struct producer_state *state, const struct producer_batch_identity *identity,
                           int64_t base_offset, int64_t max_timestamp_ms);

/* What a restart of the broker leaves: the newest batch of each producer. */
void producer_state_reload(struct producer_state *state);

/* Forgets entries whose newest batch is expiration_ms old or older by its record timestamps. */
void producer_state_expire(struct producer_state *state, int64_t now_ms, int64_t expiration_ms);

/* NULL for a producer that has no entry. Valid until the next change. */
const struct producer_entry *producer_state_find(const struct producer_state *state, int64_t producer_id);

#endif
