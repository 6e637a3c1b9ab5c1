/* Sending one record: the path that every record takes. */
#include "delivery.h"
#include "headers.h"
#include "producer.h"

#include <time.h>

/* So many records are sent until reports are read on the way: their deliveries are still in the processor's
 * cache. */
enum { SENDS_BETWEEN_READINGS = 512 };

/* A record whose parts are all converted, so that no Ruby code runs while pointers into them are held. */
typedef struct outgoing {
  uint32_t topic;
  uint32_t set;
  int32_t partition;
  int64_t timestamp_ms;
  VALUE key, value, headers; /* String or nil */
  VALUE self;                /* the Sendoff::Delivery, and what it wraps */
  delivery *delivery;
} outgoing;

static VALUE bytes_or_nil(VALUE value) {
  return NIL_P(value) || RB_TYPE_P(value, T_STRING) ? value : rb_string_value(&value);
}

/* Numbers that are no Integers would be taken for seconds. */
static int64_t timestamp_of(VALUE value) {
  if (RB_INTEGER_TYPE_P(value)) return NUM2LL(value);
  if (rb_obj_is_kind_of(value, rb_cNumeric))
    rb_raise(rb_eTypeError, "a timestamp is a Time or an Integer of milliseconds, not %" PRIsVALUE, value);
  const struct timespec moment = rb_time_timespec(value);
  int64_t ms;
  if (__builtin_mul_overflow((int64_t)moment.tv_sec, (int64_t)1000, &ms))
    rb_raise(rb_eRangeError, "the timestamp is out of range: %" PRIsVALUE, value);
  return ms + moment.tv_nsec / 1000000;
}

/* value, key, headers, partition, timestamp are arguments 1 to 5. */
static void convert(outgoing *record, const VALUE *arguments) {
  VALUE headers = arguments[3], partition = arguments[4], timestamp = arguments[5];
  record->value = bytes_or_nil(arguments[1]);
  record->key = bytes_or_nil(arguments[2]);
  record->headers = NIL_P(headers) ? Qnil : headers_pack(headers);
  record->set = SENDOFF_SET_TOPIC_ID | SENDOFF_SET_TRY;
  record->partition = 0;
  record->timestamp_ms = 0;
  if (!NIL_P(partition)) {
    record->partition = NUM2INT(partition);
    record->set |= SENDOFF_SET_PARTITION;
  }
  if (!NIL_P(timestamp)) {
    record->timestamp_ms = timestamp_of(timestamp);
    record->set |= SENDOFF_SET_TIMESTAMP;
  }
}

static const void *pointer_of(VALUE bytes) {
  return NIL_P(bytes) ? NULL : RSTRING_PTR(bytes);
}

static size_t size_of(VALUE bytes) {
  return NIL_P(bytes) ? 0 : (size_t)RSTRING_LEN(bytes);
}

static int32_t try_send(producer *producer, const outgoing *record) {
  delivery *delivery = record->delivery;
  uint64_t number = pending_add(&producer->pending, delivery);
  int32_t status = sendoff_send_flat(producer->handle, record->topic, record->set, record->partition,
                                     record->timestamp_ms, pointer_of(record->key), size_of(record->key),
                                     pointer_of(record->value), size_of(record->value),
                                     pointer_of(record->headers), size_of(record->headers), number);
  if (status == SENDOFF_OK) {
    delivery->epoch = epochs_enter(&producer->epochs);
    delivery_begin(delivery, record->self);
  } else {
    pending_take(&producer->pending, number);
  }
  return status;
}

static bool is_full(int32_t status) {
  return status == SENDOFF_BUFFER_FULL || status == SENDOFF_PARTITION_BUFFER_FULL ||
         status == SENDOFF_REPORTS_UNREAD;
}

/* Waits for memory, which becomes free as reports are read. */
static int32_t send_when_possible(VALUE self, producer *producer, const outgoing *record) {
  const int64_t begun = producer_now_ms();
  int32_t status = sendoff_flush(producer->handle, 0, NULL); /* nothing lingers while a sender waits */
  do {
    uint64_t seen = producer->events;
    producer_read_reports(producer);
    if (producer->refuses) return SENDOFF_CLOSED;
    status = try_send(producer, record);
    int64_t left = producer->max_block_ms - (producer_now_ms() - begun);
    if (!is_full(status) || left <= 0) return status;
    producer_sleep(self, seen, left);
  } while (producer_is_ours(producer));
  return SENDOFF_FORKED;
}

static void read_on_the_way(producer *producer) {
  if (producer->sends_until_reading-- > 0) return;
  producer->sends_until_reading = SENDS_BETWEEN_READINGS;
  producer_read_reports(producer);
}

/* A record that was made; nil if it may not wait and the buffer is full. */
static VALUE send_record(VALUE self, producer *producer, outgoing *record, VALUE block, VALUE may_wait) {
  record->self = delivery_new(self, block, &record->delivery);
  int32_t status = try_send(producer, record);
  if (is_full(status) && !RTEST(may_wait)) {
    producer_read_reports(producer);
    status = try_send(producer, record);
    if (is_full(status)) return Qnil;
  }
  if (is_full(status) && !producer_is_in_callback(producer))
    status = send_when_possible(self, producer, record);
  if (status != SENDOFF_OK) producer_raise(status);
  read_on_the_way(producer);
  RB_GC_GUARD(record->key);
  RB_GC_GUARD(record->value);
  RB_GC_GUARD(record->headers);
  return record->self;
}

static VALUE produce_with(VALUE self, const VALUE *arguments, VALUE block) {
  producer *producer = producer_of(self);
  outgoing record;
  VALUE topic = arguments[0];
  if (!RB_TYPE_P(topic, T_STRING)) StringValue(topic);
  convert(&record, arguments);
  if (producer->refuses) producer_raise(SENDOFF_CLOSED);
  record.topic = producer_topic_id(producer, topic);
  return send_record(self, producer, &record, block, arguments[6]);
}

/* produce(topic, value, key, headers, partition, timestamp, may_wait) -> delivery, or nil if it may not wait
 * and the buffer is full */
static VALUE produce(int count, VALUE *arguments, VALUE self) {
  rb_check_arity(count, 7, 7);
  return produce_with(self, arguments, Qnil);
}

/* produce_with_block(...) { |delivery| ... } */
static VALUE produce_with_block(int count, VALUE *arguments, VALUE self) {
  rb_check_arity(count, 7, 7);
  return produce_with(self, arguments, rb_block_proc());
}

void producer_define_produce(VALUE class) {
  rb_define_method(class, "produce", produce, -1);
  rb_define_method(class, "produce_with_block", produce_with_block, -1);
}
