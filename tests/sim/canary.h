/* What the harness does wrong on purpose, one thing for each invariant, to show that the whole of it sees
 * that: what it does stands between the library and the books, or in the library's place. */
#ifndef SIM_CANARY_H
#define SIM_CANARY_H

#include "accumulator/report.h"
#include <stdbool.h>
#include <stdint.h>

struct application_send;
struct simulation;

#define SIM_CANARIES(X)                                                                                      \
  X(IDENTITY, "identity") /* a batch that may have been written is sent again under another identity */      \
  X(GAP, "gap")           /* sequences are left out */                                                       \
  X(CROWD, "crowd")       /* more requests are open than the application has allowed */                      \
  X(EPOCH, "epoch")       /* an epoch is left while batches of it are under way */                           \
  X(REPEAT, "repeat")     /* a report is read twice */                                                       \
  X(LIE, "lie")           /* what was delivered is reported as not delivered */                              \
  X(OFFSET, "offset")     /* or at another offset */                                                         \
  X(SWAP, "swap")         /* neighbours are sent in each other's place */                                    \
  X(BUFFER, "buffer")     /* a batch's memory is used again while a request refers to it */                  \
  X(LEAK, "leak")         /* or never again */                                                               \
  X(SLEEP, "sleep")       /* the sender sleeps through its deadlines */                                      \
  X(SPIN, "spin")         /* or not at all */                                                                \
  X(TOPIC, "topic")       /* what may be in one incarnation of a topic is sent to another */                 \
  X(FAVOUR, "favour")     /* the same partitions come first each time */

enum canary {
  CANARY_NONE,
#define SIM_CANARY_NAME(name, text) CANARY_##name,
  SIM_CANARIES(SIM_CANARY_NAME)
#undef SIM_CANARY_NAME
      CANARY_COUNT,
};

const char *canary_name(enum canary canary);
/* False if there is none of that name. */
bool canary_of_name(const char *name, enum canary *canary);

/* Once the books have the settings. */
void canary_spoil_settings(struct simulation *simulation);
/* Before the sender's step, and behind it. */
void canary_before_step(struct simulation *simulation);
void canary_after_step(struct simulation *simulation);
/* Before the books have it; true: they get it twice. */
bool canary_spoil_report(const struct simulation *simulation, struct report *report);
/* Where a record goes, and which number it gets in its value. */
void canary_spoil_send(const struct simulation *simulation, struct application_send *send);
uint32_t canary_spoil_number(const struct simulation *simulation, uint32_t number);

#endif
