/* Everything that a seed can switch on: what goes wrong in the network and in brokers, and what the
 * application does that not every application does. Sets of them are bit masks. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_FAULTS(X)                                                                                        \
  /* the network */                                                                                          \
  X(DELAYS, "delays")                     /* 0.1 ms to 5 s, each way */                                      \
  X(RESETS, "resets")                     /* connections are lost, with what is on its way */                \
  X(HALF_OPEN, "half-open")               /* a connection swallows everything and answers nothing */         \
  X(CUTS, "cuts")                         /* a connection is reset at any byte of what is written */         \
  X(DRIBBLE, "dribble")                   /* few bytes are taken or given at once, down to one */            \
  X(SLOW_WRITES, "slow-writes")           /* the system takes some bytes, then blocks for a while */         \
  X(MERGED_ANSWERS, "merged-answers")     /* one read brings several of them */                              \
  X(REFUSED_CONNECTS, "refused-connects") /* connects are refused, hang or fail at once */                   \
  X(NAME_FAILURES, "name-failures")       /* names are not resolved, late, or to dead addresses */           \
  X(LOST_REQUESTS, "lost-requests")       /* the connection ends before a request is handled */              \
  X(LOST_RESPONSES, "lost-responses")     /* it is handled, then the connection ends */                      \
  X(MUTE, "mute")                         /* it is handled, then the connection says nothing any more */     \
  X(GARBAGE, "garbage")                   /* answers that make no sense */                                   \
  /* brokers */                                                                                              \
  X(REPLICATION, "replication")           /* three of them, two copies in sync, leaders that are elected */  \
  X(ISOLATION, "isolation")               /* a node hears nothing of the others, where they replicate */     \
  X(CRASHES, "crashes")                   /* a broker dies and comes back with what its snapshot keeps */    \
  X(PAUSES, "pauses")                     /* a broker stands still and goes on */                            \
  X(LEADER_MOVES, "leader-moves")         /* partitions change their leader */                               \
  X(LEADERLESS, "leaderless")             /* partitions have none for a while */                             \
  X(RETRIABLE_ERRORS, "retriable-errors") /* before the append */                                            \
  X(AMBIGUOUS_ERRORS, "ambiguous-errors") /* before or after it: 7, 20, 3, 6, 56 */                          \
  X(FATAL_ERRORS, "fatal-errors")         /* a batch is refused for good */                                  \
  X(SEQUENCE_LIES, "sequence-lies")       /* 45 and 59 without reason, 46 after an append */                 \
  X(FENCING, "fencing")                   /* 47 without reason */                                            \
  X(BAD_RECORDS, "bad-records")           /* single records are refused (KIP-467) */                         \
  X(SMALL_MESSAGES, "small-messages")     /* batches are too large for the broker */                         \
  X(THROTTLING, "throttling")             /* answers ask for pauses */                                       \
  X(METADATA_ERRORS, "metadata-errors")   /* topics and partitions with errors, answers lost or garbled */   \
  X(STALE_METADATA, "stale-metadata")     /* brokers tell of leaders that were */                            \
  X(LOGINS, "logins")                     /* brokers want them, again and again, and refuse some */          \
  X(IDENTITY_ERRORS, "identity-errors")   /* InitProducerId fails */                                         \
  X(RECREATED_TOPICS, "recreated-topics") /* deleted, and made again, perhaps smaller */                     \
  X(ADDED_PARTITIONS, "added-partitions")                                                                    \
  X(LATE_TOPIC, "late-topic") /* a topic that comes into being late, or never */                             \
  /* this machine */                                                                                         \
  X(WALL_CLOCK_STEPS, "wall-clock-steps")                                                                    \
  X(NO_MEMORY, "no-memory") /* allocations fail */                                                           \
  /* the application */                                                                                      \
  X(HUGE_RECORDS, "huge-records")                                                                            \
  X(WRONG_PARTITIONS, "wrong-partitions") /* partitions that the topic does not have */                      \
  X(CALLBACKS_SLOW, "slow-callbacks")                                                                        \
  X(CALLBACKS_SEND, "sending-callbacks")                                                                     \
  X(FLUSHES, "flushes")             /* also from callbacks */                                                \
  X(EARLY_CLOSE, "early-close")     /* at any time, with any timeout, also from a callback */                \
  X(LAZY_READER, "lazy-reader")     /* reports are read late */                                              \
  X(INTERLEAVING, "interleaving")   /* other threads have the lock in between */                             \
  X(LONG_SILENCES, "long-silences") /* longer than brokers remember producers */                             \
  /* settings */                                                                                             \
  X(SMALL_MEMORY, "small-memory")                                                                            \
  X(SMALL_BATCHES, "small-batches")                                                                          \
  X(FEW_IN_FLIGHT, "few-in-flight")                                                                          \
  X(SHORT_TIMEOUTS, "short-timeouts") /* delivery timeouts that pass */                                      \
  X(FEW_RETRIES, "few-retries")                                                                              \
  X(LINGER, "linger")                                                                                        \
  X(COMPRESSION, "compression")                                                                              \
  X(WEAK_ACKS, "weak-acks") /* 0 or 1 */                                                                     \
  X(NO_IDEMPOTENCE, "no-idempotence")                                                                        \
  X(LATE_SEQUENCES, "late-sequences") /* partitions begin near the end of the sequence numbers */            \
  X(LATE_EPOCHS, "late-epochs")       /* or of the epochs */                                                 \
  /* once more: behind the others, so that those keep their bits */                                          \
  X(UNCLEAN, "unclean-elections")     /* a node that is behind leads, where they replicate: logs are cut */  \
  X(SMALL_REQUESTS, "small-requests") /* that hold few batches */

enum fault {
#define SIM_FAULT_NAME(name, text) FAULT_##name,
  SIM_FAULTS(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
      FAULT_COUNT,
};

_Static_assert(FAULT_COUNT <= 64, "a set of faults is one word");

typedef uint64_t fault_set;

static const fault_set FAULTS_ALL = ((fault_set)1 << (FAULT_COUNT - 1)) * 2 - 1;

static inline fault_set fault_bit(enum fault fault) {
  return (fault_set)1 << fault;
}

static inline bool fault_is_in(fault_set set, enum fault fault) {
  return (set & fault_bit(fault)) != 0;
}

const char *fault_name(enum fault fault);

/* False if there is none of that name. */
bool fault_of_name(const char *name, enum fault *fault);

#endif
