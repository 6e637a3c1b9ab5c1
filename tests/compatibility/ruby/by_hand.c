#include "delivery.h"
#include "producer.h"
#include <sendoff/sendoff.h>

static sendoff_producer *handle_of(VALUE number) {
  return (sendoff_producer *)(uintptr_t)NUM2ULL(number);
}

/* send_flat(producer, topic, value, opaque) -> status */
static VALUE send_flat(VALUE module, VALUE producer, VALUE topic, VALUE value, VALUE opaque) {
  (void)module;
  return INT2NUM(sendoff_send_flat(handle_of(producer), NUM2UINT(topic), 0, 0, 0, NULL, 0, RSTRING_PTR(value),
                                   (size_t)RSTRING_LEN(value), NULL, 0, NUM2ULL(opaque)));
}

/* poll_one(producer, timeout_ms) -> [status, opaque, outcome] */
static VALUE poll_one(VALUE module, VALUE producer, VALUE timeout_ms) {
  (void)module;
  sendoff_report report = {0};
  size_t count = 0;
  int32_t status = sendoff_poll(handle_of(producer), &report, 1, NUM2LL(timeout_ms), &count);
  return rb_ary_new_from_args(3, INT2NUM(status), ULL2NUM(report.opaque), INT2NUM(report.outcome));
}

/* close(producer, timeout_ms) -> status */
static VALUE close_producer(VALUE module, VALUE producer, VALUE timeout_ms) {
  (void)module;
  return INT2NUM(sendoff_close(handle_of(producer), NUM2LL(timeout_ms)));
}

void producer_define(VALUE module) {
  rb_define_module_function(module, "send_flat", send_flat, 4);
  rb_define_module_function(module, "poll_one", poll_one, 2);
  rb_define_module_function(module, "close", close_producer, 2);
}

void delivery_define(VALUE module) {
  (void)module; /* reports are arrays here */
}
