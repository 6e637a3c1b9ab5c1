/* Waiting in Ruby's own way: asleep without the GVL, woken by whoever reads reports. */
#include "producer.h"

#include <ruby/thread.h>

/* A thread that is woken while a signal's handler runs on it sleeps on afterwards: it looks again so often.
 */
enum { SLEEP_MS_MAX = 500 };

typedef struct nap {
  producer *producer;
  uint64_t seen;
  int64_t timeout_ms;
} nap;

void producer_announce(producer *producer) {
  producer->events++;
  for (long index = 0; index < RARRAY_LEN(producer->waiters); index++)
    rb_thread_wakeup_alive(RARRAY_AREF(producer->waiters, index));
}

/* Between the look at the events and falling asleep no other thread runs. */
static VALUE take_nap(VALUE argument) {
  const nap *nap = (void *)argument;
  int64_t ms = nap->timeout_ms < SLEEP_MS_MAX ? nap->timeout_ms : SLEEP_MS_MAX;
  if (nap->producer->events == nap->seen && ms > 0)
    rb_thread_wait_for((struct timeval){.tv_sec = 0, .tv_usec = (suseconds_t)ms * 1000});
  return Qnil;
}

/* A handler that runs in a wait may wait as well: one entry of the thread goes. */
static VALUE stop_waiting(VALUE self) {
  VALUE waiters = producer_of(self)->waiters, thread = rb_thread_current();
  for (long index = RARRAY_LEN(waiters) - 1; index >= 0; index--) {
    if (RARRAY_AREF(waiters, index) != thread) continue;
    rb_ary_delete_at(waiters, index);
    break;
  }
  return Qnil;
}

void producer_sleep(VALUE self, uint64_t seen, int64_t timeout_ms) {
  nap nap = {.producer = producer_of(self), .seen = seen, .timeout_ms = timeout_ms};
  rb_ary_push(nap.producer->waiters, rb_thread_current());
  rb_ensure(take_nap, (VALUE)&nap, stop_waiting, self);
}

/* sleep(seen, timeout_ms) */
static VALUE sleep_method(VALUE self, VALUE seen, VALUE timeout_ms) {
  producer_sleep(self, NUM2ULL(seen), NUM2LL(timeout_ms));
  return Qnil;
}

static VALUE events(VALUE self) {
  return ULL2NUM(producer_of(self)->events);
}

static VALUE announce(VALUE self) {
  producer_announce(producer_of(self));
  return Qnil;
}

void producer_define_waiting(VALUE class) {
  rb_define_method(class, "events", events, 0);
  rb_define_method(class, "announce", announce, 0);
  rb_define_method(class, "sleep", sleep_method, 2);
}
