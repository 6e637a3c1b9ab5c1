/* Sendoff::Delivery: what becomes of one record. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_H
#define BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_H

#include "sendoff/sendoff.h"
#include <ruby.h>
#include <stdbool.h>

/* Two may hold it: the Ruby object that wraps it, and the table of what is on its way. When both have let go,
 * its memory is used again. So a delivery that the program does not keep is collected at once, and one
 * without a block costs the collector nothing. 64 bytes, a line of the processor's cache. Belongs to the
 * GVL's holder. */
typedef struct delivery {
  VALUE producer; /* the Sendoff::Native::Producer that it belongs to */
  VALUE block;    /* nil: none, or it was taken out to be called */
  union {
    VALUE self;     /* while it is on its way and has a block: its object */
    int64_t offset; /* once its report is there */
  };
  int64_t timestamp_ms;
  int64_t latency_us;
  uint32_t topic;
  int32_t partition;
  int32_t status;
  int32_t broker;
  uint32_t epoch;
  uint16_t attempts;
  uint8_t outcome; /* 0: on its way */
  uint8_t flags : 4;
  bool is_wrapped : 1;
  bool is_pending : 1;
} delivery;

/* The delivery of an object; raises TypeError. */
delivery *delivery_of(VALUE value);

/* An object for a record that is about to be sent. */
VALUE delivery_new(VALUE producer, VALUE block, delivery **created);

/* It is on its way. */
static inline void delivery_begin(delivery *delivery, VALUE self) {
  delivery->self = self;
  delivery->is_pending = true;
}

/* It is not on its way any more: it was refused, or its producer is gone. */
void delivery_drop(delivery *delivery);
/* Its report is there. Returns its object if that has a block to be called, else nil. */
VALUE delivery_complete(delivery *delivery, const sendoff_report *report);

/* What a delivery on its way holds. */
void delivery_mark_pending(const delivery *delivery);
void delivery_compact_pending(delivery *delivery);

/* Defines the class and its readers under the module Sendoff. */
void delivery_define(VALUE sendoff);

#endif
