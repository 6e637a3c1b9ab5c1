/* The way into the accumulator: the producer's lock, as the sender sees it. In simulations both functions do
 * nothing. */
#ifndef SENDER_GATE_H
#define SENDER_GATE_H

#include "base/lock.h"

/* Held by who is between gate_enter and gate_leave. */
extern struct lock_role accumulator_gate;

struct gate {
  void (*enter)(void *context);
  void (*leave)(void *context);
  void *context;
};

static inline void gate_enter(const struct gate *gate) ACQUIRE(accumulator_gate) NO_THREAD_SAFETY_ANALYSIS;
static inline void gate_leave(const struct gate *gate) RELEASE(accumulator_gate) NO_THREAD_SAFETY_ANALYSIS;

static inline void gate_enter(const struct gate *gate) {
  gate->enter(gate->context);
}

static inline void gate_leave(const struct gate *gate) {
  gate->leave(gate->context);
}

#endif
