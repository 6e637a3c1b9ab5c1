#include "delivery.h"
#include "delivery_pool.h"
#include "producer.h"
#include "truth.h"

static VALUE delivery_class;
static ID outcome_ids[SENDOFF_OUTCOME_UNKNOWN + 1];

/* ---- Memory */

static void delivery_mark(void *data) {
  const delivery *delivery = data;
  rb_gc_mark_movable(delivery->producer);
  rb_gc_mark_movable(delivery->block);
}

static void delivery_compact(void *data) {
  delivery *delivery = data;
  delivery->producer = rb_gc_location(delivery->producer);
  delivery->block = rb_gc_location(delivery->block);
}

static void delivery_free(void *data) {
  delivery *delivery = data;
  delivery->is_wrapped = false;
  if (!delivery->is_pending) delivery_pool_give(delivery);
}

static size_t delivery_size(const void *data) {
  (void)data;
  return sizeof(delivery);
}

static const rb_data_type_t delivery_type = {
    .wrap_struct_name = "Sendoff::Delivery",
    .function = {.dmark = delivery_mark,
                 .dfree = delivery_free,
                 .dsize = delivery_size,
                 .dcompact = delivery_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

delivery *delivery_of(VALUE value) {
  return rb_check_typeddata(value, &delivery_type);
}

/* No write barrier: an object that was just made is young. */
VALUE delivery_new(VALUE producer, VALUE block, delivery **created) {
  delivery *delivery = delivery_pool_take();
  delivery->producer = producer;
  delivery->block = block;
  delivery->outcome = 0;
  delivery->is_wrapped = true;
  delivery->is_pending = false;
  *created = delivery;
  VALUE self = TypedData_Wrap_Struct(delivery_class, &delivery_type, delivery);
  RB_GC_GUARD(producer); /* nothing marks them, or follows their moves, until they are wrapped */
  RB_GC_GUARD(block);
  return self;
}

void delivery_drop(delivery *delivery) {
  delivery->is_pending = false;
  if (!delivery->is_wrapped) delivery_pool_give(delivery);
}

VALUE delivery_complete(delivery *delivery, const sendoff_report *report) {
  VALUE with_block = NIL_P(delivery->block) ? Qnil : delivery->self;
  delivery->offset = report->offset;
  delivery->timestamp_ms = report->timestamp_ms;
  delivery->latency_us = report->latency_us;
  delivery->topic = report->topic;
  delivery->partition = report->partition;
  delivery->status = report->status;
  delivery->broker = report->broker;
  delivery->attempts = report->attempts;
  delivery->outcome = report->outcome;
  delivery->flags = report->flags & 15;
  delivery_drop(delivery);
  return with_block;
}

void delivery_mark_pending(const delivery *delivery) {
  if (!NIL_P(delivery->block)) rb_gc_mark_movable(delivery->self);
}

void delivery_compact_pending(delivery *delivery) {
  if (!NIL_P(delivery->block)) delivery->self = rb_gc_location(delivery->self);
}

/* ---- Readers */

/* NULL until the report is there. */
static const delivery *done(VALUE self) {
  const delivery *delivery = delivery_of(self);
  return delivery->outcome == 0 ? NULL : delivery;
}

static VALUE is_done(VALUE self) {
  return truth(done(self) != NULL);
}

static VALUE is_delivered(VALUE self) {
  const delivery *delivery = done(self);
  return truth(delivery != NULL && (delivery->outcome == SENDOFF_OUTCOME_DELIVERED ||
                                    delivery->outcome == SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN));
}

static VALUE outcome(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL ? Qnil : ID2SYM(outcome_ids[delivery->outcome]);
}

static VALUE status(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL ? Qnil : INT2NUM(delivery->status);
}

static VALUE topic(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL ? Qnil : producer_topic_name(delivery->producer, delivery->topic);
}

static VALUE partition(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL || delivery->partition < 0 ? Qnil : INT2NUM(delivery->partition);
}

static VALUE offset(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL || delivery->offset < 0 ? Qnil : LL2NUM(delivery->offset);
}

static VALUE broker(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL || delivery->broker < 0 ? Qnil : INT2NUM(delivery->broker);
}

static VALUE attempts(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL ? Qnil : INT2FIX(delivery->attempts);
}

static VALUE latency(VALUE self) {
  const delivery *delivery = done(self);
  return delivery == NULL ? Qnil : DBL2NUM((double)delivery->latency_us / 1e6);
}

static VALUE timestamp(VALUE self) {
  const delivery *delivery = done(self);
  if (delivery == NULL || delivery->timestamp_ms < 0) return Qnil;
  const struct timespec moment = {.tv_sec = delivery->timestamp_ms / 1000,
                                  .tv_nsec = delivery->timestamp_ms % 1000 * 1000000};
  return rb_time_timespec_new(&moment, INT_MAX); /* in local time */
}

static VALUE is_log_append_time(VALUE self) {
  const delivery *delivery = done(self);
  return truth(delivery != NULL && (delivery->flags & SENDOFF_REPORT_LOG_APPEND_TIME) != 0);
}

static VALUE native_producer(VALUE self) {
  return delivery_of(self)->producer;
}

/* The block of a record whose report is there, once; then nil. */
static VALUE take_block(VALUE self) {
  delivery *delivery = delivery_of(self);
  VALUE block = delivery->block;
  delivery->block = Qnil;
  return block;
}

void delivery_define(VALUE sendoff) {
  static const char *const outcomes[] = {"pending", "delivered", "delivered_offset_unknown", "not_delivered",
                                         "unknown"};
  for (size_t index = 0; index < sizeof outcomes / sizeof outcomes[0]; index++)
    outcome_ids[index] = rb_intern(outcomes[index]);
  delivery_class = rb_define_class_under(sendoff, "Delivery", rb_cObject);
  rb_gc_register_mark_object(delivery_class);
  rb_undef_alloc_func(delivery_class);
  rb_undef_method(rb_singleton_class(delivery_class), "new");
  rb_define_method(delivery_class, "done?", is_done, 0);
  rb_define_method(delivery_class, "delivered?", is_delivered, 0);
  rb_define_method(delivery_class, "outcome", outcome, 0);
  rb_define_method(delivery_class, "topic", topic, 0);
  rb_define_method(delivery_class, "partition", partition, 0);
  rb_define_method(delivery_class, "offset", offset, 0);
  rb_define_method(delivery_class, "broker", broker, 0);
  rb_define_method(delivery_class, "attempts", attempts, 0);
  rb_define_method(delivery_class, "latency", latency, 0);
  rb_define_method(delivery_class, "timestamp", timestamp, 0);
  rb_define_method(delivery_class, "log_append_time?", is_log_append_time, 0);
  rb_define_private_method(delivery_class, "status", status, 0);
  rb_define_private_method(delivery_class, "native_producer", native_producer, 0);
  rb_define_method(delivery_class, "take_block", take_block, 0);
}
