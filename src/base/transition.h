/* Tells an observer of every change of a state machine: a simulator counts which of the listed changes it has
 * seen. Only in builds for tests (SENDOFF_OBSERVE_TRANSITIONS); elsewhere nothing is left of it. */
#ifndef BASE_TRANSITION_H
#define BASE_TRANSITION_H

#include <stdint.h>

typedef void (*transition_observer)(void *context, const char *machine, uint32_t from, uint32_t to);

#ifdef SENDOFF_OBSERVE_TRANSITIONS
/* NULL: nobody. Set while no other thread changes a state. */
void transition_observe(transition_observer observer, void *context);
void transition_note(const char *machine, uint32_t from, uint32_t to);
#else
static inline void transition_note(const char *machine, uint32_t from, uint32_t to) {
  (void)machine;
  (void)from;
  (void)to;
}
#endif

#endif
