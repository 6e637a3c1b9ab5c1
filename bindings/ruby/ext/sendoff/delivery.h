/* Sendoff::Delivery: what becomes of one record. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_H
#define BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_H

#include "sendoff/sendoff.h"
#include <ruby.h>
#include <stdbool.h>

/* Belongs to the GVL's holder. */
typedef struct delivery {
  VALUE producer; /* the Sendoff::Native::Producer that it belongs to */
  VALUE block;    /* nil: none, or it was taken out to be called */
  uint64_t epoch;
  sendoff_report report; /* outcome 0: not there yet */
} delivery;

extern const rb_data_type_t delivery_type;

/* The delivery of a value known to be one. */
static inline delivery *delivery_of(VALUE value) { return RTYPEDDATA_DATA(value); }

static inline bool delivery_is_done(const delivery *delivery) { return delivery->report.outcome != 0; }

VALUE delivery_new(VALUE producer, VALUE block);

/* Defines the class and its readers under the module Sendoff. */
void delivery_define(VALUE sendoff);

#endif
