/* At which pace a sender sends, and how far it may. A test says so on its standard input: "limit N" lets
 * records below N be sent, "end" ends the sending. Nothing is sent before the first of these lines; from the
 * input's end on, all may be. */
#ifndef INTEGRATION_PROGRAMS_PACE_H
#define INTEGRATION_PROGRAMS_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* begun_us belongs to the thread that sends: when it began, and all stops at the limit. */
struct pace {
  uint64_t rate; /* records a second */
  int64_t begun_us;
  _Atomic uint64_t limit;
  _Atomic int told_to_end;
};

/* The pace begins now. It stays where it is: a thread reads standard input for it until that ends. */
void pace_init(struct pace *pace, uint64_t rate);

/* Until record number is due and allowed, in bursts of some milliseconds. A stop at the limit is not made up
 * for. False: the sending has to end. */
bool pace_wait(struct pace *pace, uint64_t number);

#endif
