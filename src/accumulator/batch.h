/* One record batch from its first record to its reports.
 *
 * A batch's memory is one block of the buffer pool:
 *   [ records in wire format ->        free        <- entries ]
 * Records are appended in the form in which they are sent; the 61-byte header lives in the struct and is
 * written when the batch is stamped. An entry keeps what a record's report needs. Compression replaces the
 * records in place.
 *
 * Owners: OPEN and SEALED batches belong to the accumulator (under the producer's lock); from the drain until
 * SETTLED a batch belongs to the sender thread alone; a SETTLED one belongs to whoever takes its reports. The
 * memory is freed when the reports are taken and no request refers to it (in_network), whichever comes last.
 */
#ifndef ACCUMULATOR_BATCH_H
#define ACCUMULATOR_BATCH_H

#include "accumulator/report.h"
#include "base/list.h"
#include "protocol/compression.h"
#include "protocol/record_batch.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct partition;
struct topic;

enum batch_state {
  BATCH_OPEN,      /* takes records */
  BATCH_SEALED,    /* full or drained; never sent, no identity yet */
  BATCH_IN_FLIGHT, /* in a request */
  BATCH_RETRY,     /* was in a request; to be sent again with the same identity */
  BATCH_HELD,      /* sent, outcome unknown, answered OUT_OF_ORDER, or told of as written: a later batch's
                      answer decides (walk-forward) */
  BATCH_SETTLED,   /* has its outcome */
  BATCH_STATE_COUNT,
};

typedef void (*record_callback)(void *user, const struct report *report);

/* What is kept of a record beside its bytes. The last two fields exist only in batches with wide entries. */
struct batch_entry {
  uint64_t opaque;
  int64_t timestamp_ms;
  uint32_t accepted_after_us; /* after the batch's created_us, saturating */
  int32_t partition_wanted;   /* in staged batches: the record's own partition, -1 if the partitioner shall
                                 choose */
  record_callback callback;
  void *user;
};

enum {
  BATCH_ENTRY_BYTES = offsetof(struct batch_entry, callback),
  BATCH_WIDE_ENTRY_BYTES = sizeof(struct batch_entry),
};

struct batch {
  struct batch *next_free; /* while unused */
  struct list
      queue_node; /* in a partition's queue, a topic's staged queue, the sender's lists or the report queue */
  struct list incomplete_node; /* in accumulator.incomplete until settled; under the lock */
  struct topic *topic;
  struct partition *partition; /* NULL while staged */
  enum batch_state state;
  bool unsent;  /* in a queue of the accumulator */
  bool expired; /* its delivery timeout has passed and was told of */

  /* The block. A batch made by splitting borrows the block of `root`, which stays until its last share is
   * freed. */
  struct batch *root;
  uint32_t shares; /* of a root: itself (while unfreed) and its splits; under the lock */
  uint8_t *block;
  size_t block_bytes;

  uint8_t *records;
  size_t records_bytes; /* as they lie there now: compressed or not */
  size_t limit_bytes;   /* records_bytes may not pass this */
  uint8_t *entries;     /* the first entry; entry i lies i * entry_bytes below it */
  uint32_t entry_bytes;
  uint32_t record_count;
  uint32_t record_limit;
  uint64_t number; /* ascending by creation: what flush waits for */
  int64_t created_us;
  int64_t deadline_us; /* created_us + delivery timeout */
  int64_t base_timestamp_ms, max_timestamp_ms;

  /* Sender thread. */
  enum compression_codec codec; /* of the records as they lie there */
  size_t uncompressed_bytes;    /* of the records; set by compression */
  int64_t producer_id;          /* -1: not stamped */
  int16_t producer_epoch;
  int32_t base_sequence;
  uint32_t attempts;
  bool ambiguous;  /* an attempt was handed over and not answered, or by a code that leaves it open */
  bool packed;     /* compression was tried on the records as they are */
  bool finished;   /* the header fits the batch as it is */
  bool in_network; /* a request refers to the memory; changed under the lock */
  uint8_t header[RECORD_BATCH_HEADER_BYTES];

  /* Once settled. */
  enum outcome outcome;
  int32_t status;
  int64_t base_offset;        /* -1: unknown */
  int64_t log_append_time_ms; /* -1: the records' own timestamps count */
  int32_t broker;
  int64_t settled_us;
  uint32_t reports_taken; /* by the consumer of the report queue */
  bool reported;          /* all reports are consumed; under the lock */
};

/* Starts an empty batch in a block. limit_bytes bounds the whole batch on the wire, its header included. */
void batch_init(struct batch *batch, uint8_t *block, size_t block_bytes, size_t limit_bytes,
                uint32_t record_limit, bool wide, int64_t created_us);

/* Moves to another state; the change must be in the table. */
void batch_set_state(struct batch *batch, enum batch_state state);
bool batch_state_may_change(enum batch_state from, enum batch_state to);

/* Appends a record of at most bound_bytes (record_bound or record_size; a tighter bound is found if that does
 * not fit). False if there is no room; nothing has changed then. */
bool batch_append(struct batch *batch, const struct record *record, size_t bound_bytes,
                  const struct batch_entry *entry);

/* The same for a record that was read from another batch: its bytes are copied under new deltas. */
bool batch_append_view(struct batch *batch, const struct record_view *view, const struct batch_entry *entry);

/* Whether no record fits any more, however large its block becomes. */
static inline bool batch_is_full(const struct batch *batch) {
  return batch->record_count >= batch->record_limit ||
         batch->records_bytes + RECORD_MINIMUM_BYTES > batch->limit_bytes;
}

/* Moves everything into a larger block; the old one is the caller's again. Only an OPEN batch with a block of
 * its own. */
void batch_move(struct batch *batch, uint8_t *block, size_t block_bytes);

static inline struct batch_entry *batch_entry(const struct batch *batch, uint32_t index) {
  return (struct batch_entry *)(void *)(batch->entries - (size_t)index * batch->entry_bytes);
}

/* Bytes of the block in use. */
size_t batch_used_bytes(const struct batch *batch);

/* Splits off the records from `at` on into `tail` (a zeroed struct): 0 < at < record_count; uncompressed.
 * Both share the block. The tail's records are rewritten in place to begin at offset delta 0; sequences
 * divide with the records. */
void batch_split(struct batch *batch, uint32_t at, struct batch *tail);

/* Drops the first record of a staged batch whose first record is `view`: it went elsewhere. Offset deltas are
 * left. */
void batch_drop_first(struct batch *batch, const struct record_view *view);

/* Compresses the records in place through scratch; leaves them as they are when that does not make them
 * smaller, or scratch is too small. */
void batch_compress(struct batch *batch, struct compressor *compressor, enum compression_codec codec,
                    int32_t level, uint8_t *scratch, size_t scratch_bytes);

/* Undoes batch_compress. False if scratch is too small or the codec lacks memory: unchanged then. */
bool batch_decompress(struct batch *batch, struct compressor *compressor, uint8_t *scratch,
                      size_t scratch_bytes);

/* Gives the batch its identity. Once it has been in a request, only a batch whose attempts were all refused
 * before the append may be stamped anew. producer_id -1: no idempotence. */
void batch_stamp(struct batch *batch, int64_t producer_id, int16_t producer_epoch, int32_t base_sequence);

/* Writes the header over the records as they are: after stamping and compressing. */
void batch_finish(struct batch *batch);

/* The batch on the wire. */
static inline size_t batch_wire_bytes(const struct batch *batch) {
  return RECORD_BATCH_HEADER_BYTES + batch->records_bytes;
}

/* Settles: outcome and state. */
void batch_settle(struct batch *batch, enum outcome outcome, int32_t status, int64_t base_offset,
                  int64_t log_append_time_ms, int64_t now_us);

/* The report of record `index` of a settled batch. */
void batch_report(const struct batch *batch, uint32_t index, struct report *report);

#endif
