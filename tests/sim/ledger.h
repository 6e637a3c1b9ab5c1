/* Independent books of one simulation: what was accepted, what was handed to the network, what went over the
 * wire, what was answered, what was reported and what lies in the logs. Each entry is checked against the
 * invariants (invariants.h) as it is made; the first violation stays in `violation`.
 *
 * An attempt is one produce request, a part one batch in it. A part is possible while it may have been
 * written or still may be: from the moment when it is handed to the network until it is known that it never
 * left whole, or an answer says that it was refused before the append.
 *
 * Not from the library: its own idea of which answers exclude an append, of identities, of order. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "accumulator/report.h"
#include "base/bytes.h"
#include "protocol/produce.h"
#include "sim/scenario.h"
#include <stdbool.h>
#include <stdint.h>

enum {
  LEDGER_NONE = -1,
  LEDGER_TOPICS_MAX = SCENARIO_TOPICS_MAX + 1,
  LEDGER_PARTITIONS_MAX = SCENARIO_PARTITIONS_MAX,
  LEDGER_PLACES = LEDGER_TOPICS_MAX * LEDGER_PARTITIONS_MAX,
  LEDGER_WINDOW = 5, /* unsettled batches of a partition that a broker can tell apart */
};

/* What the books are to expect. */
struct ledger_rules {
  bool idempotent;
  uint32_t max_in_flight;
  int16_t acks;
  bool answers_merge; /* the client may not have looked at an answer that it has read */
  bool logs_may_lose; /* acknowledged records may be gone: acks, brokers that lose data */
  bool ids_change;    /* a producer goes on under another id, and brokers still take what it sent before */
  bool retries_end;   /* they are few: what could be tried again ends a record as well */
  bool begins_late;   /* sequences of a partition's first identity do not begin at 0 */
  int64_t delivery_timeout_us, request_timeout_us;
  int64_t retry_backoff_us, propagation_us, linger_us;
};

struct ledger_record {
  uint32_t topic;
  int32_t partition_wanted; /* LEDGER_NONE: any */
  int64_t accepted_us, settled_us;
  bool settled;             /* has its outcome, though its report may be unread */
  bool may_be_when_settled; /* it may have been written then */
  bool open_when_settled;   /* the same, as far as the client could know by then */
  uint64_t ceased;          /* the wait in which it was last found out that it was not written */
  bool was_refused;         /* sequences of its last identity, when it was settled */
  uint32_t reports;
  struct report report;
  uint32_t parts;          /* all that it was in */
  uint32_t possible;       /* parts that may have been written, or may be */
  int32_t part;            /* the last of them, LEDGER_NONE if there is none */
  bool is_lost;            /* its log was cut, and it was in what is gone */
  uint32_t copies;         /* in all logs */
  struct uuid incarnation; /* where it lies */
  int32_t partition;
  int64_t offset;
};

enum ledger_fate {
  FATE_OPEN,      /* handed to the network */
  FATE_WHOLE,     /* went over the wire to its end and has no answer that settles it */
  FATE_WRITTEN,   /* acknowledged */
  FATE_REFUSED,   /* before the append */
  FATE_NOT_WHOLE, /* its connection ended first */
};

struct ledger_part {
  uint32_t attempt;
  enum ledger_fate fate;
  uint32_t topic;
  int32_t partition;
  struct uuid topic_id;
  int64_t producer_id;
  int16_t producer_epoch;
  int32_t base_sequence;
  uint32_t record_count;
  uint32_t numbers_at; /* of its records, in ledger.numbers */
  uint32_t hash;       /* of its bytes when it was handed over */
  int32_t previous;    /* part of the same partition */
};

struct ledger_attempt {
  int32_t correlation_id;
  int32_t node_id;
  int16_t version, acks;
  int64_t begun_us, paused_us;
  uint32_t first_part, part_count;
  bool whole, ended;
};

/* One partition of one topic, whatever its incarnation. */
struct ledger_partition {
  int32_t last_part;
  int64_t producer_id; /* of the last part */
  int16_t producer_epoch;
  int32_t next_sequence;
  bool begun;                  /* there was a part under this identity */
  int64_t cut_us;              /* when its log was cut first; 0: never */
  int64_t refused_producer_id; /* whose sequences were refused last */
  int16_t refused_epoch;
  int64_t last_delivered, last_accepted;
};

/* A batch as it stands on the wire; its topic has a name or an id, by the request's version. */
struct ledger_wire {
  struct bytes topic_name;
  struct uuid topic_id;
  int32_t partition;
  struct bytes bytes;
};

struct ledger_violation {
  bool found;
  const char *invariant; /* its function's name */
  char text[256];
};

struct ledger {
  struct ledger_rules rules;
  struct ledger_violation violation;
  int64_t now_us;
  struct ledger_record *records;
  uint32_t record_count, record_capacity;
  uint32_t first_unsettled; /* all records before it have their outcomes */
  int64_t first_accepted_us[LEDGER_TOPICS_MAX];
  uint32_t report_count;
  struct ledger_attempt *attempts;
  uint32_t attempt_count, attempt_capacity;
  uint32_t first_open; /* no attempt before it is open */
  struct ledger_part *parts;
  uint32_t part_count, part_capacity;
  uint32_t steps_first_part; /* that this step has added */
  uint32_t *numbers;
  uint32_t number_count, number_capacity;
  struct ledger_partition partitions[LEDGER_TOPICS_MAX][LEDGER_PARTITIONS_MAX];
  bool was_met;                                    /* a record has gone to each partition in calm */
  bool is_calm;                                    /* nothing is wrong, and all leaders are known */
  uint8_t overtakes[LEDGER_PLACES][LEDGER_PLACES]; /* of the first by the second while it waited */
  uint64_t wait;                                   /* counts waits for the network */
  int64_t wait_began_us;
  int64_t calm_us;             /* since when it is calm; 0: it is not */
  int64_t identity_refused_us; /* when a broker refused a producer id last */
  bool closed;                 /* close has returned: no report may follow */
};

void ledger_init(struct ledger *ledger, const struct ledger_rules *rules);
void ledger_deinit(struct ledger *ledger);

/* The first violation is kept. */
__attribute__((format(printf, 3, 4))) void ledger_refute(struct ledger *ledger, const char *invariant,
                                                         const char *format, ...);

/* Before anything that is noted at another time than what was noted last. */
void ledger_tell_time(struct ledger *ledger, int64_t now_us);

/* A record was accepted; its number is what its opaque has to be. */
uint32_t ledger_accept(struct ledger *ledger, uint32_t topic, int32_t partition_wanted);

/* A request was handed to the network: begin, a part for each of its batches in the order of its frame, then
 * its records, then end. Correlation ids ascend. */
void ledger_begin_attempt(struct ledger *ledger, int32_t correlation_id, int32_t node_id, int16_t version,
                          int16_t acks);
/* attempt, fate, numbers_at and previous of the part are filled in here. */
void ledger_add_part(struct ledger *ledger, const struct ledger_part *part, const uint32_t *numbers);

/* The sender has ended its step, and has settled what it had given up for what it sent. */
void ledger_end_step(struct ledger *ledger);

/* NULL if there is none. */
struct ledger_attempt *ledger_find_attempt(struct ledger *ledger, int32_t correlation_id);

/* Its last byte has left; so went its index-th part. */
void ledger_note_wire(struct ledger *ledger, const struct ledger_attempt *attempt, uint32_t index,
                      const struct ledger_wire *wire);
void ledger_note_whole(struct ledger *ledger, struct ledger_attempt *attempt);
/* The client has read what the broker says of a part, which it names by the topic's name or id. */
void ledger_note_answer(struct ledger *ledger, const struct ledger_attempt *attempt, struct bytes name,
                        const struct uuid *id, const struct produce_response_partition *answer);
/* A producer id is asked for / was refused. */
void ledger_note_identity_request(struct ledger *ledger);
void ledger_note_identity_refusal(struct ledger *ledger);
/* A partition's log was cut: this node leads now, with what it has. Others may believe for a while that they
 * do. */
void ledger_note_cut(struct ledger *ledger, uint32_t topic, int32_t partition);
/* A broker asks for a pause, which its requests get as well. */
void ledger_note_pause(struct ledger *ledger, int32_t node_id, int64_t pause_us);
/* The network holds it no longer. */
void ledger_end_attempt(struct ledger *ledger, struct ledger_attempt *attempt);

/* A wait for the network begins. What the client reads in one, it learns one after the other. */
void ledger_begin_wait(struct ledger *ledger);
/* A record has its outcome. */
void ledger_settle(struct ledger *ledger, uint64_t number);
/* Its report was read. */
void ledger_report(struct ledger *ledger, const struct report *report);

/* All logs are walked: begin, each record in the order of its log, end. */
void ledger_begin_logs(struct ledger *ledger);
void ledger_begin_log(struct ledger *ledger, uint32_t topic, int32_t partition);
void ledger_note_logged(struct ledger *ledger, uint32_t topic, int32_t partition,
                        const struct uuid *incarnation, int64_t offset, uint32_t number);
/* at_rest: nothing is on its way any more. */
void ledger_end_logs(struct ledger *ledger, bool at_rest);

/* Of sequence numbers, which go round. */
bool ledger_sequence_is_before(int32_t a, int32_t b);

/* Whether sequences of the identity that the record was sent with last were refused: where a walk along them
 * ends, open batches end with it, whatever their own last answer. */
bool ledger_was_refused(const struct ledger *ledger, const struct ledger_record *record);

/* When the oldest record without outcome has to have one; CLOCK_NEVER_US if there is none. */
int64_t ledger_first_deadline_us(const struct ledger *ledger);

/* Whether the broker that answers so has not appended, whatever it was asked. */
bool ledger_answer_excludes_append(int16_t error_code);

static inline bool ledger_is_possible(enum ledger_fate fate) {
  return fate == FATE_OPEN || fate == FATE_WHOLE || fate == FATE_WRITTEN;
}

#endif
