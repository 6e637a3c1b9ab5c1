#include "delivery.h"
#include "producer.h"
#include "truth.h"

static VALUE delivery_class;
static ID outcome_ids[SENDOFF_OUTCOME_UNKNOWN + 1];

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

static size_t delivery_size(const void *data) {
  (void)data;
  return sizeof(delivery);
}

const rb_data_type_t delivery_type = {
    .wrap_struct_name = "Sendoff::Delivery",
    .function = {.dmark = delivery_mark,
                 .dfree = RUBY_TYPED_DEFAULT_FREE,
                 .dsize = delivery_size,
                 .dcompact = delivery_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

VALUE delivery_new(VALUE producer, VALUE block) {
  delivery *created;
  VALUE self = TypedData_Make_Struct(delivery_class, delivery, &delivery_type, created);
  RB_OBJ_WRITE(self, &created->producer, producer);
  RB_OBJ_WRITE(self, &created->block, block);
  return self;
}

static const delivery *checked(VALUE self) { return rb_check_typeddata(self, &delivery_type); }

/* nil until the report is there. */
static const sendoff_report *report_of(VALUE self) {
  const delivery *delivery = checked(self);
  return delivery_is_done(delivery) ? &delivery->report : NULL;
}

static VALUE is_done(VALUE self) { return truth(delivery_is_done(checked(self))); }

static VALUE is_delivered(VALUE self) {
  const sendoff_report *report = report_of(self);
  return truth(report != NULL && (report->outcome == SENDOFF_OUTCOME_DELIVERED ||
                                  report->outcome == SENDOFF_OUTCOME_DELIVERED_OFFSET_UNKNOWN));
}

static VALUE outcome(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL ? Qnil : ID2SYM(outcome_ids[report->outcome]);
}

static VALUE status(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL ? Qnil : INT2NUM(report->status);
}

static VALUE topic(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL ? Qnil : producer_topic_name(checked(self)->producer, report->topic);
}

static VALUE partition(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL || report->partition < 0 ? Qnil : INT2NUM(report->partition);
}

static VALUE offset(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL || report->offset < 0 ? Qnil : LL2NUM(report->offset);
}

static VALUE broker(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL || report->broker < 0 ? Qnil : INT2NUM(report->broker);
}

static VALUE attempts(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL ? Qnil : INT2FIX(report->attempts);
}

static VALUE latency(VALUE self) {
  const sendoff_report *report = report_of(self);
  return report == NULL ? Qnil : DBL2NUM((double)report->latency_us / 1e6);
}

static VALUE timestamp(VALUE self) {
  const sendoff_report *report = report_of(self);
  if (report == NULL || report->timestamp_ms < 0) return Qnil;
  const struct timespec moment = {.tv_sec = report->timestamp_ms / 1000,
                                  .tv_nsec = report->timestamp_ms % 1000 * 1000000};
  return rb_time_timespec_new(&moment, INT_MAX); /* in local time */
}

static VALUE is_log_append_time(VALUE self) {
  const sendoff_report *report = report_of(self);
  return truth(report != NULL && (report->flags & SENDOFF_REPORT_LOG_APPEND_TIME) != 0);
}

static VALUE native_producer(VALUE self) { return checked(self)->producer; }

/* The block of a record whose report is there, once; then nil. */
static VALUE take_block(VALUE self) {
  delivery *delivery = rb_check_typeddata(self, &delivery_type);
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
