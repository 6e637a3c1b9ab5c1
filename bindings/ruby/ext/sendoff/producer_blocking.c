/* Calls of the library that wait themselves. They run without the GVL and can be interrupted. */
#include "producer.h"

#include <ruby/thread.h>

/* A wake-up that comes just before the wait begins is missed; a call is repeated after so long. */
enum { SLICE_MS = 100, ERROR_BYTES = 512 };

/* One such call. The function that makes it reads and writes only this, and may not touch Ruby's objects. */
typedef struct blocking_call {
  sendoff_producer *handle;
  int64_t timeout_ms;
  int32_t status;
  const char *topic;
  sendoff_partitions *partitions;
  const sendoff_config *config;
  char error[ERROR_BYTES];
} blocking_call;

static void *connect_call(void *data) {
  blocking_call *call = data;
  call->status = sendoff_connect(call->handle, call->timeout_ms, call->error, sizeof call->error);
  return NULL;
}

static void *partitions_call(void *data) {
  blocking_call *call = data;
  call->status = sendoff_partitions_for(call->handle, call->topic, call->timeout_ms, &call->partitions);
  return NULL;
}

static void *wait_token_wanted_call(void *data) {
  blocking_call *call = data;
  call->status = sendoff_wait_token_wanted(call->handle, call->timeout_ms);
  return NULL;
}

static void *reload_call(void *data) {
  blocking_call *call = data;
  call->status = sendoff_reload_credentials(call->handle, call->config, call->error, sizeof call->error);
  return NULL;
}

static void *close_call(void *data) {
  blocking_call *call = data;
  call->status = sendoff_close(call->handle, 0);
  return NULL;
}

static void wake(void *data) {
  const blocking_call *call = data;
  sendoff_wake(call->handle);
}

/* Repeats the call until it has an answer or the time is up, -1 never; raises what interrupts the thread. */
static int32_t call_in_slices(void *(*function)(void *), blocking_call *call, int64_t timeout_ms) {
  const int64_t begun = producer_now_ms();
  for (;;) {
    int64_t left = timeout_ms < 0 ? SLICE_MS : timeout_ms - (producer_now_ms() - begun);
    if (left < 0) left = 0;
    call->timeout_ms = left < SLICE_MS ? left : SLICE_MS;
    call->status = SENDOFF_INTERRUPTED;
    rb_nogvl(function, call, wake, call, RB_NOGVL_UBF_ASYNC_SAFE | RB_NOGVL_INTR_FAIL);
    if (call->status != SENDOFF_TIMED_OUT && call->status != SENDOFF_INTERRUPTED) return call->status;
    if (call->status == SENDOFF_TIMED_OUT && call->timeout_ms == left && timeout_ms >= 0) return call->status;
    rb_thread_check_ints();
  }
}

/* Makes a call once that reads files or waits for the library's threads, and cannot be interrupted. */
static int32_t call_to_its_end(void *(*function)(void *), blocking_call *call) {
  call->status = SENDOFF_INTERRUPTED;
  while (call->status == SENDOFF_INTERRUPTED) {
    rb_nogvl(function, call, NULL, NULL, RB_NOGVL_INTR_FAIL);
    if (call->status == SENDOFF_INTERRUPTED) rb_thread_check_ints();
  }
  return call->status;
}

/* connect(timeout_ms) -> status, what was wrong last */
static VALUE connect_method(VALUE self, VALUE timeout_ms) {
  blocking_call call = {.handle = producer_of(self)->handle};
  int32_t status = call_in_slices(connect_call, &call, NUM2LL(timeout_ms));
  return rb_assoc_new(INT2NUM(status), rb_utf8_str_new_cstr(call.error));
}

/* partitions_for(topic, timeout_ms) -> status, number of the snapshot */
static VALUE partitions_for(VALUE self, VALUE topic, VALUE timeout_ms) {
  topic = rb_str_new_frozen(StringValue(topic));
  blocking_call call = {.handle = producer_of(self)->handle, .topic = StringValueCStr(topic)};
  int32_t status = call_in_slices(partitions_call, &call, NUM2LL(timeout_ms));
  RB_GC_GUARD(topic);
  return rb_assoc_new(INT2NUM(status), ULL2NUM((uintptr_t)call.partitions));
}

/* wait_token_wanted(timeout_ms) -> status */
static VALUE wait_token_wanted(VALUE self, VALUE timeout_ms) {
  blocking_call call = {.handle = producer_of(self)->handle};
  return INT2NUM(call_in_slices(wait_token_wanted_call, &call, NUM2LL(timeout_ms)));
}

/* load_credentials(number of a config, or 0) -> status, what does not load */
static VALUE load_credentials(VALUE self, VALUE config) {
  blocking_call call = {.handle = producer_of(self)->handle,
                        .config = (const sendoff_config *)(uintptr_t)NUM2ULL(config)};
  int32_t status = call_to_its_end(reload_call, &call);
  return rb_assoc_new(INT2NUM(status), rb_utf8_str_new_cstr(call.error));
}

/* abort: closes, and gives up what has no report yet. Waits for the library's thread only. */
static VALUE abort_method(VALUE self) {
  blocking_call call = {.handle = producer_of(self)->handle};
  return INT2NUM(call_to_its_end(close_call, &call));
}

void producer_define_blocking(VALUE class) {
  rb_define_method(class, "connect", connect_method, 1);
  rb_define_method(class, "partitions_for", partitions_for, 2);
  rb_define_method(class, "wait_token_wanted", wait_token_wanted, 1);
  rb_define_method(class, "load_credentials", load_credentials, 1);
  rb_define_method(class, "abort", abort_method, 0);
}
