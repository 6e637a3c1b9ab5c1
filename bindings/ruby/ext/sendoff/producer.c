#include "producer.h"
#include "delivery.h"
#include "truth.h"

#include <ruby/encoding.h>
#include <time.h>
#include <unistd.h>

enum { REPORTS_AT_ONCE = 512, ROUNDS_AT_ONCE = 64, CALLBACKS_OWED_MAX = 65536 };
enum { INVALID_TOPIC_EXCEPTION = 17 }; /* Kafka's code */

static void complete(producer *producer, const sendoff_report *report);

/* ---- Memory */

static void producer_mark(void *data) {
  const producer *producer = data;
  pending_mark(&producer->pending);
  rb_gc_mark_movable(producer->waiters);
  rb_gc_mark_movable(producer->callbacks);
  rb_gc_mark_movable(producer->callback_thread);
  rb_gc_mark_movable(producer->topics);
  rb_gc_mark_movable(producer->topic_names);
  rb_gc_mark_movable(producer->last_topic);
}

static void producer_compact(void *data) {
  producer *producer = data;
  pending_compact(&producer->pending);
  producer->waiters = rb_gc_location(producer->waiters);
  producer->callbacks = rb_gc_location(producer->callbacks);
  producer->callback_thread = rb_gc_location(producer->callback_thread);
  producer->topics = rb_gc_location(producer->topics);
  producer->topic_names = rb_gc_location(producer->topic_names);
  producer->last_topic = rb_gc_location(producer->last_topic);
}

static void producer_free(void *data) {
  producer *producer = data;
  sendoff_destroy(producer->handle); /* never waits; in a forked child it frees memory only */
  pending_free(&producer->pending);
  epochs_free(&producer->epochs);
  xfree(producer);
}

static size_t producer_size(const void *data) {
  const producer *producer = data;
  return sizeof *producer + producer->pending.capacity * sizeof(pending_slot) +
         producer->epochs.capacity * sizeof(uint64_t);
}

/* Without write barriers: what is in it changes with each record. */
const rb_data_type_t producer_type = {
    .wrap_struct_name = "Sendoff::Native::Producer",
    .function = {.dmark = producer_mark,
                 .dfree = producer_free,
                 .dsize = producer_size,
                 .dcompact = producer_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY,
};

static VALUE allocate(VALUE class) {
  producer *created;
  VALUE self = TypedData_Make_Struct(class, producer, &producer_type, created);
  created->waiters = created->callbacks = created->callback_thread = Qnil;
  created->topics = created->topic_names = created->last_topic = Qnil;
  epochs_init(&created->epochs);
  return self;
}

static VALUE initialize(VALUE self, VALUE handle, VALUE max_block_ms) {
  producer *producer = producer_of(self);
  producer->max_block_ms = NUM2LL(max_block_ms);
  producer->waiters = rb_ary_new();
  producer->callbacks = rb_ary_new();
  producer->topics = rb_hash_new();
  producer->topic_names = rb_hash_new();
  producer->process = getpid();
  producer->handle = (sendoff_producer *)(uintptr_t)NUM2ULL(handle);
  return self;
}

/* ---- What all methods need */

bool producer_is_ours(const producer *producer) {
  return producer->process == getpid();
}

bool producer_is_in_callback(const producer *producer) {
  return !NIL_P(producer->callback_thread) && producer->callback_thread == rb_thread_current();
}

void producer_raise(int32_t status) {
  VALUE error = rb_path2class("Sendoff::Error");
  rb_exc_raise(rb_funcall(error, rb_intern("refusal"), 1, INT2NUM(status)));
}

int64_t producer_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Topics */

VALUE producer_topic_name(VALUE self, uint32_t topic) {
  return rb_hash_lookup(producer_of(self)->topic_names, UINT2NUM(topic));
}

static uint32_t add_topic(producer *producer, VALUE name) {
  if (memchr(RSTRING_PTR(name), '\0', (size_t)RSTRING_LEN(name)) != NULL)
    producer_raise(INVALID_TOPIC_EXCEPTION);
  VALUE text = rb_str_new(RSTRING_PTR(name), RSTRING_LEN(name));
  uint32_t topic = 0;
  int32_t status = sendoff_topic(producer->handle, StringValueCStr(text), &topic);
  if (status != SENDOFF_OK) producer_raise(status);
  text = rb_str_freeze(rb_enc_associate(text, rb_usascii_encoding())); /* Kafka allows no others */
  rb_hash_aset(producer->topic_names, UINT2NUM(topic), text);
  rb_hash_aset(producer->topics, text, UINT2NUM(topic));
  return topic;
}

uint32_t producer_topic_id(producer *producer, VALUE name) {
  if (name == producer->last_topic) return producer->last_topic_id;
  VALUE known = rb_hash_lookup2(producer->topics, name, Qundef);
  uint32_t topic = known == Qundef ? add_topic(producer, name) : NUM2UINT(known);
  if (OBJ_FROZEN(name)) {
    producer->last_topic = name;
    producer->last_topic_id = topic;
  }
  return topic;
}

/* ---- Reports */

reading producer_read_reports(producer *producer) {
  sendoff_report reports[REPORTS_AT_ONCE];
  int32_t status = SENDOFF_OK;
  bool any = false;
  for (int round = 0; round < ROUNDS_AT_ONCE && status == SENDOFF_OK; round++) {
    size_t count = 0;
    if (RARRAY_LEN(producer->callbacks) >= CALLBACKS_OWED_MAX) break;
    status = sendoff_poll(producer->handle, reports, REPORTS_AT_ONCE, 0, &count);
    for (size_t index = 0; index < count; index++)
      complete(producer, &reports[index]);
    any = any || count > 0;
  }
  if (any) producer_announce(producer);
  if (status == SENDOFF_OK)
    return RARRAY_LEN(producer->callbacks) >= CALLBACKS_OWED_MAX ? READING_BEHIND : READING_EMPTY;
  return status == SENDOFF_TIMED_OUT || status == SENDOFF_INTERRUPTED ? READING_EMPTY : READING_ENDED;
}

static void complete(producer *producer, const sendoff_report *report) {
  delivery *delivery = pending_take(&producer->pending, report->opaque);
  if (delivery == NULL) return;
  uint32_t epoch = delivery->epoch;
  VALUE with_block = delivery_complete(delivery, report);
  if (NIL_P(with_block))
    epochs_leave(&producer->epochs, epoch);
  else
    rb_ary_push(producer->callbacks, with_block);
}

/* read_reports -> :empty, :behind or :ended */
static VALUE read_reports(VALUE self) {
  static const char *const names[] = {"empty", "behind", "ended"};
  return ID2SYM(rb_intern(names[producer_read_reports(producer_of(self))]));
}

/* next_callback -> the next delivery whose block is to be called, or nil. It stays the next until
 * callback_done, so that none is lost when the thread is killed in between. */
static VALUE next_callback(VALUE self) {
  return rb_ary_entry(producer_of(self)->callbacks, 0);
}

/* callback_done(delivery): the block of the next one has been called. */
static VALUE callback_done(VALUE self, VALUE value) {
  producer *producer = producer_of(self);
  if (rb_ary_entry(producer->callbacks, 0) != value) return Qnil;
  rb_ary_shift(producer->callbacks);
  epochs_leave(&producer->epochs, delivery_of(value)->epoch);
  if (RARRAY_LEN(producer->callbacks) == 0 || producer->epochs.total == 0) producer_announce(producer);
  return Qnil;
}

static VALUE has_callbacks(VALUE self) {
  return truth(RARRAY_LEN(producer_of(self)->callbacks) > 0);
}

static VALUE get_callback_thread(VALUE self) {
  return producer_of(self)->callback_thread;
}

static VALUE set_callback_thread(VALUE self, VALUE thread) {
  return producer_of(self)->callback_thread = thread;
}

/* ---- The end */

static VALUE handle(VALUE self) {
  return ULL2NUM((uintptr_t)producer_of(self)->handle);
}

static VALUE refuse(VALUE self) {
  producer_of(self)->refuses = true;
  return Qnil;
}

static VALUE refuses(VALUE self) {
  return truth(producer_of(self)->refuses);
}

/* Gives up the handle. Its number stays, since stale ones are refused. */
static VALUE destroy(VALUE self) {
  producer *producer = producer_of(self);
  sendoff_destroy(producer->handle);
  return Qnil;
}

static VALUE is_ours(VALUE self) {
  return truth(producer_is_ours(producer_of(self)));
}

static VALUE is_in_callback(VALUE self) {
  return truth(producer_is_in_callback(producer_of(self)));
}

/* pending -> how many records have no report */
static VALUE pending_count(VALUE self) {
  return UINT2NUM(producer_of(self)->pending.count);
}

/* unfinished -> how many records have no report, or a block that has not run yet */
static VALUE unfinished(VALUE self) {
  return ULL2NUM(producer_of(self)->epochs.total);
}

static VALUE end_epoch(VALUE self) {
  return UINT2NUM(epochs_end(&producer_of(self)->epochs));
}

static VALUE is_finished(VALUE self, VALUE epoch) {
  return truth(epochs_is_finished(&producer_of(self)->epochs, NUM2UINT(epoch)));
}

void producer_define(VALUE native) {
  VALUE class = rb_define_class_under(native, "Producer", rb_cObject);
  rb_define_alloc_func(class, allocate);
  rb_define_method(class, "initialize", initialize, 2);
  rb_define_method(class, "read_reports", read_reports, 0);
  rb_define_method(class, "next_callback", next_callback, 0);
  rb_define_method(class, "callback_done", callback_done, 1);
  rb_define_method(class, "callbacks?", has_callbacks, 0);
  rb_define_method(class, "callback_thread", get_callback_thread, 0);
  rb_define_method(class, "callback_thread=", set_callback_thread, 1);
  rb_define_method(class, "handle", handle, 0);
  rb_define_method(class, "refuse", refuse, 0);
  rb_define_method(class, "refuses?", refuses, 0);
  rb_define_method(class, "destroy", destroy, 0);
  rb_define_method(class, "ours?", is_ours, 0);
  rb_define_method(class, "in_callback?", is_in_callback, 0);
  rb_define_method(class, "pending", pending_count, 0);
  rb_define_method(class, "unfinished", unfinished, 0);
  rb_define_method(class, "end_epoch", end_epoch, 0);
  rb_define_method(class, "finished?", is_finished, 1);
  producer_define_produce(class);
  producer_define_blocking(class);
  producer_define_waiting(class);
}
