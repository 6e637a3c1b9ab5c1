/* Sendoff::Native::Producer: a producer's handle, and the deliveries that are under way in it. The Ruby code
 * in lib/ is the only one that uses it.
 *
 * No mutex is needed, so everything works in trap handlers too: all of this runs with the GVL held, and gives
 * it up only where it sleeps or calls what may block. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_PRODUCER_H
#define BINDINGS_RUBY_EXT_SENDOFF_PRODUCER_H

#include "epochs.h"
#include "pending.h"
#include "sendoff/sendoff.h"
#include <ruby.h>
#include <stdbool.h>
#include <sys/types.h>

/* Belongs to the GVL's holder. After a fork the child must not touch what is in it, but for the process's id.
 */
typedef struct producer {
  sendoff_producer *handle; /* NULL: destroyed */
  pid_t process;
  bool refuses; /* it is being closed */
  int64_t max_block_ms;
  pending pending;
  epochs epochs;         /* of records without a report, or whose block has not run yet */
  uint64_t events;       /* counts what waits may be waiting for */
  VALUE waiters;         /* threads to wake at the next event */
  VALUE callbacks;       /* deliveries whose blocks are to be called, in order */
  VALUE callback_thread; /* nil: none yet */
  VALUE topics;          /* {name => id} */
  VALUE topic_names;     /* {id => name} */
  VALUE last_topic;      /* a frozen String, or nil */
  uint32_t last_topic_id;
  uint32_t sends_until_reading;
} producer;

extern const rb_data_type_t producer_type;

/* Of self, which is one: its class has no other instances. */
static inline producer *producer_of(VALUE self) {
  return RTYPEDDATA_DATA(self);
}

/* False in a child of the process that made it. */
bool producer_is_ours(const producer *producer);
bool producer_is_in_callback(const producer *producer);

/* Raises the Sendoff::Error of a record that was refused with this status. */
NORETURN(void producer_raise(int32_t status));

/* The name of a topic's id as a frozen String. */
VALUE producer_topic_name(VALUE self, uint32_t topic);
/* The id of a topic; raises if the name cannot be one. */
uint32_t producer_topic_id(producer *producer, VALUE name);

/* What reading reports came to. */
typedef enum reading {
  READING_EMPTY,  /* none are left */
  READING_BEHIND, /* blocks are not called as fast as records are sent: the rest stays unread */
  READING_ENDED   /* closed and all were read, or not ours */
} reading;

/* Takes what reports there are and completes their deliveries. Calls no Ruby code and does not wait. */
reading producer_read_reports(producer *producer);

/* Wakes all that wait for an event. */
void producer_announce(producer *producer);
/* Sleeps until the number of events is no longer `seen`, or a while, at most so long. Raises what the thread
 * is interrupted by. */
void producer_sleep(VALUE self, uint64_t seen, int64_t timeout_ms);

/* Monotonic. */
int64_t producer_now_ms(void);

/* Methods, by the file that has them. */
void producer_define(VALUE native);
void producer_define_produce(VALUE class);
void producer_define_blocking(VALUE class);
void producer_define_waiting(VALUE class);

#endif
