#include "sender/produce_call.h"

#include "base/status.h"
#include "protocol/request_header.h"
#include "support/accumulator_world.h"
#include "support/failing_allocator.h"
#include "support/hostile.h"
#include <check.h>
#include <stdlib.h>

enum { TOPICS = 3, PARTITIONS = 12, PARTS_MAX = TOPICS * PARTITIONS, TIMEOUT_US = 30500000 };

static struct accumulator accumulator;
static struct topic *topics[TOPICS]; /* "t0", "t1", "t2" with ids of 0x10, 0x11, 0x12 */
static struct batch *batches[PARTS_MAX];
static struct sender_partition *partitions[PARTS_MAX];
static uint32_t batch_count;
static struct produce_call *call;
static struct produce_response_end end;

/* One byte, so that addresses differ; the call only passes them on. */
static char partition_places[PARTS_MAX];

static struct batch *make_batch(struct topic *topic, int32_t index, uint32_t record_count) {
  for (uint32_t i = 0; i < record_count; i++)
    world_accept(&accumulator, topic, index, i, 100 + i, 0);
  struct partition *partition = accumulator_take(&accumulator);
  ck_assert_ptr_nonnull(partition);
  struct batch *batch = world_drain(&accumulator, partition, 0);
  ck_assert_ptr_nonnull(batch);
  ck_assert_ptr_null(accumulator_peek(&accumulator, partition, 0));
  accumulator_give_back(&accumulator, partition, 0);
  batch_stamp(batch, 77, 0, (int32_t)batch_count);
  batch_finish(batch);
  return batch;
}

static void set_up(void) {
  struct accumulator_settings settings = world_settings();
  settings.sender_topic_bytes = sizeof(struct sender_topic);
  world_start(&accumulator, &settings);
  accumulator_begin_cut(&accumulator);
  for (int i = 0; i < TOPICS; i++) {
    const char name[] = {'t', (char)('0' + i), '\0'};
    topics[i] = world_topic(&accumulator, name, PARTITIONS);
    memset(topics[i]->sender->id.octets, 0x10 + i, sizeof topics[i]->sender->id.octets);
  }
  batch_count = 0;
  call = produce_call_create(&accumulator);
  ck_assert_ptr_nonnull(call);
  ck_assert_ptr_eq(call->owner, &accumulator);
  call->acks = -1;
  call->version = 12;
}

static void tear_down(void) {
  produce_call_destroy(call);
  for (uint32_t i = 0; i < batch_count; i++) {
    world_settle(&accumulator, batches[i], OUTCOME_DELIVERED);
    world_release(&accumulator, batches[i]);
  }
  accumulator_end_cut(&accumulator);
  world_stop(&accumulator);
}

static void add(int topic, int32_t index, uint32_t record_count) {
  batches[batch_count] = make_batch(topics[topic], index, record_count);
  partitions[batch_count] = (struct sender_partition *)(void *)&partition_places[batch_count];
  ck_assert(produce_call_add(call, batches[batch_count], partitions[batch_count]));
  batch_count++;
}

/* Three topics and six partitions, none of them in order. */
static void add_mixed(void) {
  add(1, 3, 2);
  add(0, 0, 1);
  add(2, 7, 3);
  add(1, 0, 1);
  add(0, 11, 2);
  add(1, 2, 1);
}

static void write_call(void) {
  ck_assert(produce_call_write(call, bytes_of_string("client"), 4711, TIMEOUT_US));
}

/* ---- what is sent ---- */

/* The segments in one piece; freed with free. */
static struct bytes join_segments(void) {
  size_t size = 0;
  for (uint32_t i = 0; i < call->request.segment_count; i++)
    size += call->request.segments[i].size;
  uint8_t *joined = calloc(1, size), *at = joined;
  for (uint32_t i = 0; i < call->request.segment_count; i++) {
    memcpy(at, call->request.segments[i].data, call->request.segments[i].size);
    at += call->request.segments[i].size;
  }
  return bytes_of(joined, size);
}

static const struct batch *batch_for(const struct topic *topic, int32_t index) {
  for (uint32_t i = 0; i < batch_count; i++)
    if (batches[i]->topic == topic && batches[i]->partition->index == index) return batches[i];
  return NULL;
}

static void expect_batch(struct bytes records, const struct batch *batch) {
  ck_assert_ptr_nonnull(batch);
  ck_assert_uint_eq(records.size, batch_wire_bytes(batch));
  ck_assert_mem_eq(records.data, batch->header, RECORD_BATCH_HEADER_BYTES);
  ck_assert_mem_eq(records.data + RECORD_BATCH_HEADER_BYTES, batch->records, batch->records_bytes);
}

/* Reads the topic behind its header; returns its partition count. */
static int32_t expect_topic(struct wire_reader *reader) {
  struct produce_request_topic read;
  produce_request_read_topic(reader, call->version, &read);
  const struct topic *topic = NULL;
  for (int i = 0; i < TOPICS; i++) {
    bool same = call->version >= 13
                    ? uuid_equal(&read.id, &topics[i]->sender->id)
                    : bytes_equal(read.name, bytes_of(topics[i]->name, topics[i]->name_bytes));
    if (same) topic = topics[i];
  }
  ck_assert_ptr_nonnull(topic);
  int32_t last = -1;
  for (int32_t i = 0; i < read.partition_count; i++) {
    struct produce_request_partition partition;
    produce_request_read_partition(reader, call->version, &partition);
    ck_assert(!reader->failed);
    ck_assert_int_gt(partition.index, last);
    last = partition.index;
    expect_batch(partition.records, batch_for(topic, partition.index));
  }
  produce_request_read_topic_end(reader, call->version);
  return read.partition_count;
}

/* Fails the test unless the request holds each batch once, and each topic once. */
static void expect_frame(int32_t topic_count) {
  struct bytes frame = join_segments();
  ck_assert_uint_eq(bytes_load_u32(frame.data), frame.size - REQUEST_SIZE_BYTES);
  struct wire_reader reader =
      wire_reader_of(bytes_of(frame.data + REQUEST_SIZE_BYTES, frame.size - REQUEST_SIZE_BYTES));
  struct request_header header;
  request_header_read(&reader, &header);
  ck_assert_int_eq(header.api_key, API_PRODUCE);
  ck_assert_int_eq(header.api_version, call->version);
  ck_assert_int_eq(header.correlation_id, 4711);
  expect_text(header.client_id, "client");
  struct produce_request read;
  produce_request_read(&reader, call->version, &read);
  ck_assert_ptr_null(read.transactional_id.data);
  ck_assert_int_eq(read.acks, call->acks);
  ck_assert_int_eq(read.timeout_ms, TIMEOUT_US / 1000);
  ck_assert_int_eq(read.topic_count, topic_count);
  uint32_t found = 0;
  for (int32_t i = 0; i < read.topic_count; i++)
    found += (uint32_t)expect_topic(&reader);
  produce_request_read_end(&reader, call->version);
  ck_assert(!reader.failed);
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
  ck_assert_uint_eq(found, call->part_count);
  free((void *)(uintptr_t)frame.data);
}

START_TEST(the_frame_reads_back_in_each_version) {
  call->version = (int16_t)_i;
  add_mixed();
  write_call();
  expect_frame(3);
}
END_TEST

START_TEST(one_batch_makes_a_request) {
  call->version = (int16_t)_i;
  add(2, 11, 1);
  write_call();
  expect_frame(1);
}
END_TEST

START_TEST(any_number_of_batches_makes_a_request) {
  for (int32_t index = PARTITIONS - 1; index >= 0; index--) {
    for (int topic = 0; topic < TOPICS; topic++)
      add(topic, index, 1);
    write_call();
    expect_frame(3);
  }
  ck_assert_uint_eq(call->part_count, PARTS_MAX);
}
END_TEST

START_TEST(records_are_sent_from_where_they_lie) {
  add_mixed();
  write_call();
  uint32_t found = 0;
  for (uint32_t i = 0; i < call->request.segment_count; i++)
    for (uint32_t b = 0; b < batch_count; b++)
      if (call->request.segments[i].data == batches[b]->records) {
        ck_assert_uint_eq(call->request.segments[i].size, batches[b]->records_bytes);
        found++;
      }
  ck_assert_uint_eq(found, batch_count);
}
END_TEST

START_TEST(parts_know_their_batch_and_partition_in_any_order) {
  add_mixed();
  write_call();
  for (uint32_t i = 0; i < call->part_count; i++) {
    uint32_t b = 0;
    while (batches[b] != call->parts[i].batch)
      b++;
    ck_assert_ptr_eq(call->parts[i].partition, partitions[b]);
  }
}
END_TEST

START_TEST(the_request_says_what_the_client_needs) {
  add_mixed();
  size_t bytes = 0;
  for (uint32_t i = 0; i < batch_count; i++)
    bytes += batch_wire_bytes(batches[i]);
  ck_assert_uint_eq(call->batch_bytes, bytes);
  write_call();
  ck_assert_int_eq(call->request.api_key, API_PRODUCE);
  ck_assert_int_eq(call->request.api_version, 12);
  ck_assert_int_eq(call->request.correlation_id, 4711);
  ck_assert_int_eq(call->request.timeout_us, TIMEOUT_US);
  ck_assert(call->request.expects_response);
  call->acks = 0;
  write_call();
  ck_assert(!call->request.expects_response);
  expect_frame(3);
}
END_TEST

START_TEST(a_call_is_used_again) {
  add_mixed();
  write_call();
  produce_call_reset(call);
  ck_assert_uint_eq(call->part_count, 0);
  ck_assert_uint_eq(call->batch_bytes, 0);
  add(0, 5, 1);
  ck_assert_uint_eq(call->batch_bytes, batch_wire_bytes(batches[batch_count - 1]));
  write_call();
  expect_frame(1);
}
END_TEST

START_TEST(topic_ids_have_to_be_known_all) {
  add_mixed();
  ck_assert(produce_call_has_topic_ids(call));
  struct uuid id = topics[1]->sender->id;
  topics[1]->sender->id = (struct uuid){{0}};
  ck_assert(!produce_call_has_topic_ids(call));
  topics[1]->sender->id = id;
  ck_assert(produce_call_has_topic_ids(call));
}
END_TEST

START_TEST(without_memory_nothing_is_half_done) {
  add_mixed();
  uint32_t failures = 0;
  for (bool failed = true; failed; failures++) {
    produce_call_destroy(call);
    call = produce_call_create(&accumulator);
    call->acks = -1;
    call->version = 13;
    failing_allocator_start(failures);
    bool written = true;
    for (uint32_t i = 0; i < batch_count && written; i++) {
      uint32_t before = call->part_count;
      written = produce_call_add(call, batches[i], partitions[i]);
      ck_assert_uint_eq(call->part_count, before + written);
    }
    written = written && produce_call_write(call, bytes_of_string("client"), 4711, TIMEOUT_US);
    failed = failing_allocator_stop();
    ck_assert_int_eq(written, !failed);
    for (uint32_t i = call->part_count; i < batch_count; i++) /* what was missing comes later */
      ck_assert(produce_call_add(call, batches[i], partitions[i]));
    write_call();
    expect_frame(3);
  }
  ck_assert_uint_ge(failures, 5); /* parts twice, segments, breaks, the frame */
}
END_TEST

/* ---- what is answered ---- */

struct answer {
  int topic; /* index, TOPICS for one that was not asked about */
  int32_t partition;
};

/* For add_mixed, in the order of the request. */
static const struct answer in_order[] = {{0, 0}, {0, 11}, {1, 0}, {1, 2}, {1, 3}, {2, 7}};
enum { IN_ORDER = sizeof in_order / sizeof in_order[0] };

/* Each in a topic of its own; every value follows from the topic and partition. */
static void write_answer(struct wire_writer *body, const struct answer *answers, int32_t count) {
  wire_writer_reset(body);
  produce_response_write(body, call->version, count);
  for (int32_t i = 0; i < count; i++) {
    const char name[] = {'t', (char)('0' + answers[i].topic), '\0'};
    struct produce_response_topic topic = {.name = bytes_of_string(name), .partition_count = 1};
    memset(topic.id.octets, 0x10 + answers[i].topic, sizeof topic.id.octets);
    produce_response_write_topic(body, call->version, &topic);
    int32_t value = answers[i].topic * 100 + answers[i].partition;
    const struct produce_response_partition partition = {.index = answers[i].partition,
                                                         .error_code = (int16_t)value,
                                                         .base_offset = value * INT64_C(10000000000),
                                                         .log_append_time_ms = value + 5,
                                                         .leader_id = value + 6,
                                                         .leader_epoch = value + 7};
    produce_response_write_partition(body, call->version, &partition, NULL);
    produce_response_write_topic_end(body, call->version);
  }
  const struct produce_endpoint endpoint = {
      .node_id = 8, .host = bytes_of_string("host"), .port = 9092, .rack = bytes_of(NULL, 0)};
  produce_response_write_end(
      body, call->version, &(struct produce_response_end){.throttle_ms = 99, .endpoint_count = 1}, &endpoint);
  ck_assert(!body->failed);
}

static bool read_answer(const struct answer *answers, int32_t count) {
  struct wire_writer body = {.data = NULL};
  write_answer(&body, answers, count);
  bool good = produce_call_read(call, wire_reader_of(bytes_of(body.data, body.size)), &end);
  wire_writer_deinit(&body);
  return good;
}

static void expect_answers(void) {
  for (uint32_t i = 0; i < call->part_count; i++) {
    const struct produce_part *part = &call->parts[i];
    int topic = 0;
    while (topics[topic] != part->batch->topic)
      topic++;
    int32_t value = topic * 100 + part->batch->partition->index;
    ck_assert(part->answered);
    ck_assert_int_eq(part->answer.index, part->batch->partition->index);
    ck_assert_int_eq(part->answer.error_code, value);
    ck_assert_int_eq(part->answer.base_offset, value * INT64_C(10000000000));
    ck_assert_int_eq(part->answer.log_append_time_ms, value + 5);
    ck_assert_int_eq(part->answer.leader_id, call->version >= 10 ? value + 6 : -1);
    ck_assert_int_eq(part->answer.leader_epoch, call->version >= 10 ? value + 7 : -1);
  }
  ck_assert_int_eq(end.throttle_ms, 99);
  ck_assert_int_eq(end.endpoint_count, call->version >= 10 ? 1 : 0);
}

static void start_answered_test(int version) {
  call->version = (int16_t)version;
  add_mixed();
  write_call();
}

START_TEST(an_answer_is_read_in_each_version) {
  start_answered_test(_i);
  ck_assert(read_answer(in_order, IN_ORDER));
  expect_answers();
}
END_TEST

START_TEST(answers_may_come_in_any_order) {
  start_answered_test(_i);
  struct answer order[IN_ORDER];
  for (uint32_t round = 0; round < 720; round++) { /* each of them */
    uint32_t code = round;
    memcpy(order, in_order, sizeof order);
    for (uint32_t left = IN_ORDER; left > 1; left--) {
      uint32_t pick = code % left;
      code /= left;
      struct answer swap = order[pick];
      order[pick] = order[left - 1];
      order[left - 1] = swap;
    }
    ck_assert(read_answer(order, IN_ORDER));
    expect_answers();
  }
}
END_TEST

START_TEST(partitions_of_one_topic_may_come_together) {
  start_answered_test(_i);
  struct wire_writer body = {.data = NULL};
  produce_response_write(&body, call->version, 3);
  for (int t = 2; t >= 0; t--) {
    const char name[] = {'t', (char)('0' + t), '\0'};
    const int32_t counts[] = {2, 3, 1};
    struct produce_response_topic topic = {.name = bytes_of_string(name), .partition_count = counts[t]};
    memset(topic.id.octets, 0x10 + t, sizeof topic.id.octets);
    produce_response_write_topic(&body, call->version, &topic);
    for (int32_t i = IN_ORDER - 1; i >= 0; i--)
      if (in_order[i].topic == t)
        produce_response_write_partition(
            &body, call->version, &(struct produce_response_partition){.index = in_order[i].partition}, NULL);
    produce_response_write_topic_end(&body, call->version);
  }
  produce_response_write_end(&body, call->version, &(struct produce_response_end){.throttle_ms = 0}, NULL);
  ck_assert(produce_call_read(call, wire_reader_of(bytes_of(body.data, body.size)), &end));
  wire_writer_deinit(&body);
}
END_TEST

START_TEST(a_missing_answer_is_refused) {
  start_answered_test(_i);
  for (int32_t left_out = 0; left_out < IN_ORDER; left_out++) {
    struct answer answers[IN_ORDER];
    int32_t count = 0;
    for (int32_t i = 0; i < IN_ORDER; i++)
      if (i != left_out) answers[count++] = in_order[i];
    ck_assert(!read_answer(answers, count));
  }
  ck_assert(!read_answer(in_order, 0));
  ck_assert(read_answer(in_order, IN_ORDER)); /* what was refused has left nothing behind */
}
END_TEST

START_TEST(an_answer_given_twice_is_refused) {
  start_answered_test(_i);
  struct answer answers[IN_ORDER + 1];
  for (int32_t twice = 0; twice < IN_ORDER; twice++) {
    memcpy(answers, in_order, sizeof in_order);
    answers[IN_ORDER] = in_order[twice];
    ck_assert(!read_answer(answers, IN_ORDER + 1));
    answers[(twice + 1) % IN_ORDER] = in_order[twice]; /* in place of another: the count is right */
    ck_assert(!read_answer(answers, IN_ORDER));
  }
}
END_TEST

START_TEST(an_answer_that_was_not_asked_for_is_refused) {
  start_answered_test(_i);
  static const struct answer foreign[] = {{0, 1}, {0, -1}, {2, 12}, {TOPICS, 0}, {2, 0}, {0, 7}};
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    struct answer answers[IN_ORDER + 1];
    memcpy(answers, in_order, sizeof in_order);
    answers[IN_ORDER] = foreign[i];
    ck_assert(!read_answer(answers, IN_ORDER + 1));
    answers[3] = foreign[i];
    ck_assert(!read_answer(answers, IN_ORDER));
  }
}
END_TEST

START_TEST(the_topic_id_counts_as_it_was_sent) {
  start_answered_test(13);
  memset(topics[1]->sender->id.octets, 0x55, sizeof topics[1]->sender->id.octets); /* made again */
  ck_assert(read_answer(in_order, IN_ORDER));
  expect_answers();
  memset(topics[1]->sender->id.octets, 0x10 + TOPICS, sizeof topics[1]->sender->id.octets);
  struct answer answers[IN_ORDER];
  memcpy(answers, in_order, sizeof in_order);
  answers[3].topic = TOPICS; /* the new topic's id answers nothing that was asked */
  ck_assert(!read_answer(answers, IN_ORDER));
}
END_TEST

START_TEST(the_errors_of_single_records_can_be_read_while_the_answer_lasts) {
  start_answered_test(_i);
  produce_call_reset(call);
  ck_assert(produce_call_add(call, batches[2], partitions[2]));
  write_call();
  const struct produce_record_error errors[] = {{.batch_index = 2, .message = bytes_of_string("bad")},
                                                {.batch_index = 0, .message = bytes_of(NULL, 0)}};
  struct wire_writer body = {.data = NULL};
  produce_response_write(&body, call->version, 1);
  struct produce_response_topic topic = {.name = bytes_of_string("t2"), .partition_count = 1};
  memset(topic.id.octets, 0x12, sizeof topic.id.octets);
  produce_response_write_topic(&body, call->version, &topic);
  produce_response_write_partition(&body, call->version,
                                   &(struct produce_response_partition){
                                       .index = 7,
                                       .error_code = STATUS_INVALID_RECORD,
                                       .record_error_count = 2,
                                       .error_message = bytes_of_string("two of three"),
                                   },
                                   errors);
  produce_response_write_topic_end(&body, call->version);
  produce_response_write_end(&body, call->version, &(struct produce_response_end){.throttle_ms = 0}, NULL);
  ck_assert(produce_call_read(call, wire_reader_of(bytes_of(body.data, body.size)), &end));
  struct produce_response_partition *answer = &call->parts[0].answer;
  ck_assert_int_eq(answer->record_error_count, 2);
  expect_text(answer->error_message, "two of three");
  struct produce_record_error error;
  produce_response_read_record_error(answer, call->version, &error);
  ck_assert_int_eq(error.batch_index, 2);
  expect_text(error.message, "bad");
  produce_response_read_record_error(answer, call->version, &error);
  ck_assert_int_eq(error.batch_index, 0);
  expect_text(error.message, NULL);
  wire_writer_deinit(&body);
}
END_TEST

static void decode(struct wire_reader *reader, int16_t version) {
  ck_assert_int_eq(version, call->version);
  if (produce_call_read(call, *reader, &end))
    reader->at = reader->end;
  else
    wire_reader_fail(reader);
}

START_TEST(a_damaged_answer_is_refused_or_read_but_never_beyond_its_end) {
  start_answered_test(_i);
  struct wire_writer body = {.data = NULL};
  write_answer(&body, in_order, IN_ORDER);
  hostile_check(&body, (int16_t)_i, decode);
  wire_writer_deinit(&body);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("produce_call");
  TCase *tcase = tcase_create("produce_call");
  suite_add_tcase(suite, tcase);
  tcase_add_checked_fixture(tcase, set_up, tear_down);
  tcase_add_loop_test(tcase, the_frame_reads_back_in_each_version, 3, 14);
  tcase_add_loop_test(tcase, one_batch_makes_a_request, 3, 14);
  tcase_add_test(tcase, any_number_of_batches_makes_a_request);
  tcase_add_test(tcase, records_are_sent_from_where_they_lie);
  tcase_add_test(tcase, parts_know_their_batch_and_partition_in_any_order);
  tcase_add_test(tcase, the_request_says_what_the_client_needs);
  tcase_add_test(tcase, a_call_is_used_again);
  tcase_add_test(tcase, topic_ids_have_to_be_known_all);
  tcase_add_test(tcase, without_memory_nothing_is_half_done);
  tcase_add_loop_test(tcase, an_answer_is_read_in_each_version, 3, 14);
  tcase_add_loop_test(tcase, answers_may_come_in_any_order, 12, 14);
  tcase_add_loop_test(tcase, partitions_of_one_topic_may_come_together, 3, 14);
  tcase_add_loop_test(tcase, a_missing_answer_is_refused, 12, 14);
  tcase_add_loop_test(tcase, an_answer_given_twice_is_refused, 12, 14);
  tcase_add_loop_test(tcase, an_answer_that_was_not_asked_for_is_refused, 12, 14);
  tcase_add_test(tcase, the_topic_id_counts_as_it_was_sent);
  tcase_add_loop_test(tcase, the_errors_of_single_records_can_be_read_while_the_answer_lasts, 8, 14);
  tcase_add_loop_test(tcase, a_damaged_answer_is_refused_or_read_but_never_beyond_its_end, 3, 14);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
