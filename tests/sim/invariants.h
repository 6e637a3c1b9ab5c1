/* What has to hold at every moment of a simulation, one function each; each looks at the books (ledger.h) and
 * refutes them by its number and name. The numbers are those of the list that every implementation of the
 * contract is measured by; I1 (written to the journal first), I12 (recovery twice is recovery once) and I13
 * (what the journal knows as acknowledged is never sent again) speak of the journal, which this simulator
 * does not have. */
#ifndef SIM_INVARIANTS_H
#define SIM_INVARIANTS_H

#include "sim/ledger.h"

/* I2: a batch that may have been written is sent again with the same identity and bytes, or never; and what
 * has its report is never sent again. A (producer id, epoch, partition, sequence) that may be in a log stands
 * for the same bytes for ever. */
void invariant_identity_never_changes(struct ledger *ledger, const struct ledger_part *part);

/* I3: under one identity each partition's sequences follow one another, past 2^31-1 too, from 0 on (from
 * anywhere under the first one, where sequences begin late). */
void invariant_sequences_are_contiguous(struct ledger *ledger, const struct ledger_part *part);

/* I4: no connection has more requests open than allowed, ... */
void invariant_flight_is_limited(struct ledger *ledger);
/* ... no partition more than a broker can tell apart, and none is sent behind a younger one that is under
 * way, nor to another broker while one is. */
void invariant_flight_keeps_the_order(struct ledger *ledger, const struct ledger_part *part);

/* ... Nor goes a batch out for the first time while an older one of its partition has been sent, is not under
 * way and has no outcome, unless sequences of its identity were refused: what a walk finds behind it is sent
 * first. */
void invariant_nothing_overtakes(struct ledger *ledger, const struct ledger_part *part);

/* I5: epochs only rise, and an identity is left only when nothing that has no report may be written under
 * it. */
void invariant_epochs_never_fall(struct ledger *ledger, const struct ledger_part *part);

/* I6: each record has one report, delivered ones come in the order of their partition, and none comes after
 * close has returned. */
void invariant_reports_come_once_and_in_order(struct ledger *ledger, const struct report *report);

/* I7: NOT_DELIVERED only if no attempt may have been written, UNKNOWN only if one may; DELIVERED only if one
 * may have been written. What can be tried again ends a record only where retries are few, and a topic that
 * is unknown fails none before the time that it is given to become known. */
void invariant_outcomes_have_their_causes(struct ledger *ledger, uint32_t number);
/* What is reported delivered is in a log, at its offset; what is not, is in none. */
void invariant_reports_are_true(struct ledger *ledger, uint32_t number, bool at_rest);
/* No record is anywhere twice, nor where it does not belong. */
void invariant_records_stand_once(struct ledger *ledger, uint32_t topic, uint32_t number);

/* I8: a partition's log has its records in the order of acceptance. */
void invariant_log_keeps_the_order(struct ledger *ledger, uint32_t topic, int32_t partition, uint32_t number);

/* I9: what is on the wire is what was handed over, to the bit, goes where it belongs and says of itself what
 * the books have. */
void invariant_wire_is_what_was_sealed(struct ledger *ledger, const struct ledger_attempt *attempt,
                                       const struct ledger_part *part, const struct ledger_wire *wire);

/* I10: the blocks of all batches together are what the pool says is used, which is never more than there is.
 */
void invariant_memory_adds_up(struct ledger *ledger, size_t block_bytes, size_t used_bytes,
                              size_t total_bytes);

/* I11: whoever waits has a deadline, none later than what it has promised to settle, ... */
void invariant_waits_end(struct ledger *ledger, int64_t wait_us, int64_t first_deadline_us);
/* ... each record has its outcome when its delivery timeout has passed, ... */
void invariant_outcomes_come_in_time(struct ledger *ledger);
/* ... each request ends when its own has passed, ... */
void invariant_requests_end_in_time(struct ledger *ledger, const struct ledger_attempt *attempt);
/* ... who was refused a producer id does not ask again at once, ... */
void invariant_identities_are_asked_for_slowly(struct ledger *ledger);
/* ... and nobody turns in circles. */
void invariant_turns_get_somewhere(struct ledger *ledger, uint32_t idle_turns, uint32_t limit);

/* I14: what may have been written to one incarnation of a topic is never sent to another, nor is an identity
 * that one of them has seen used in another. */
void invariant_incarnations_stay_apart(struct ledger *ledger, const struct ledger_part *part);

/* I15, ours: in calm no partition that has a record to send and nothing under way is passed over: none that
 * is led by the same node goes out more than twice in the meantime. Called before the parts of the step that
 * has ended are taken off. */
void invariant_none_is_passed_over(struct ledger *ledger);

#endif
