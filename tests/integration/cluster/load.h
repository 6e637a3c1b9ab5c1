/* The records that a sender of the cluster tests sends, the pace at which it does, and the ledger in which it
 * writes what was accepted and what became of it. The same for every client library, so that they can be
 * compared.
 *
 * Record id (from 0) of a run goes to topic id % topic_count and is the text
 *
 *     run=RRRRRRRR topic=TOPIC key=user-KKKKK n=COUNTER id=ID pad=LETTERS crc=CCCCCCCC
 *
 * with that key as its key; n counts the records of the key, crc is CRC-32 of what stands before " crc=".
 * LedgerVerifier.java reads both text and ledger. */
#ifndef INTEGRATION_CLUSTER_LOAD_H
#define INTEGRATION_CLUSTER_LOAD_H

#include "../programs/pace.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_KEYS = 5000, LOAD_KEY_BYTES = 10, LOAD_TEXT_BYTES_MAX = 768, LOAD_TOPIC_BYTES_MAX = 256 };

enum load_outcome {
  LOAD_DELIVERED = 1,
  LOAD_DELIVERED_OFFSET_UNKNOWN = 2,
  LOAD_NOT_DELIVERED = 3,
  LOAD_UNKNOWN = 4,
};

/* One record in the ledger file, in the machine's byte order. accepted is set before the client library sees
 * the record; a refusal ends the sender. reports stops counting at 255. */
struct ledger_entry {
  int64_t offset;
  int32_t partition;
  int32_t status;
  uint8_t accepted, reports, outcome, zero;
  uint32_t reported_ms; /* when the report came, since the sender began */
};

struct load_record {
  uint64_t id;
  const char *topic;
  const char *key;
  const char *text;
  size_t text_bytes;
};

enum { LOAD_REASONS_MAX = 32 };

/* How often a status was the reason why a record was not, or perhaps not, delivered. */
struct load_reason {
  int32_t status;
  uint64_t count;
};

/* One thread sends; reports may come on another, one at a time; a third prints. ledger belongs to the
 * reports' thread, but for accepted, which the sending one sets before there can be a report. */
struct load {
  const char *prefix;
  uint64_t topic_count;
  uint32_t run;
  uint64_t record_count;
  struct ledger_entry *ledger;
  uint32_t counters[LOAD_KEYS];
  struct pace pace;
  int64_t started_us;
  int64_t started_ms;           /* Unix time of it */
  _Atomic uint64_t outcomes[5]; /* by enum load_outcome */
  _Atomic uint64_t sent;
  struct load_reason reasons[LOAD_REASONS_MAX];
  size_t reason_count;
  uint64_t refused;
  _Atomic int finished;
};

/* From the arguments PREFIX TOPICS RUN RECORDS RATE LEDGER. */
enum { LOAD_ARGUMENTS = 6 };
void load_init(struct load *load, char *const arguments[LOAD_ARGUMENTS]);

/* Calls send for each record as the pace wants it. send returns false if the record was refused. */
void load_run(struct load *load, bool (*send)(void *user, const struct load_record *record), void *user);

/* Writes a report into the ledger. */
void load_report(struct load *load, uint64_t id, enum load_outcome outcome, int32_t partition, int64_t offset,
                 int32_t status);

/* The outcomes as members of a JSON object. */
void load_print_outcomes(const struct load *load);

/* For who prints progress: false once finished is set. */
int load_wait_progress(struct load *load);

#endif
