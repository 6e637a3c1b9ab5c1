/* Random work for the accumulator, by seed, against a model that knows every record: each accepted record
 * comes out once, whole, in its partition's order, and all memory comes back. */
#include "accumulator/accumulator_check.h"

#include "base/random.h"
#include "base/status.h"
#include "support/accumulator_world.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { TOPICS = 4, PARTITIONS = 6, STEPS = 4000, RECORDS = 1 << 17, IN_FLIGHT = 256 };

struct model_record {
  uint8_t topic;
  int8_t partition; /* wanted */
  bool accepted, settled;
  uint32_t value_bytes;
  int64_t accepted_us;
};

/* In flight: drained. Settled: in the report queue. A batch leaves by release. */
struct model {
  struct accumulator accumulator;
  struct accumulator_settings settings;
  struct random random;
  struct topic *topics[TOPICS];
  int64_t now_us;
  struct model_record *records; /* by opaque */
  uint64_t record_count, accepted_count, settled_count;
  uint64_t next_opaque[TOPICS][PARTITIONS]; /* drained so far */
  struct partition *taken[TOPICS * PARTITIONS];
  uint32_t taken_count;
  struct batch *in_flight[IN_FLIGHT], *reported[IN_FLIGHT];
  uint32_t in_flight_count, reported_count;
  struct list settled;
  uint32_t cuts, waits;
  uint8_t value[40000];
};

static uint32_t below(struct model *model, uint32_t bound) {
  return random_below(&model->random, bound);
}

/* Small buffers and shares, so that all of the refusals happen. */
static void start(struct model *model, uint64_t seed) {
  random_seed(&model->random, seed);
  struct accumulator_settings settings = world_settings();
  settings.buffer_bytes = (size_t)(32 + below(model, 200)) * 1024;
  settings.partition_bytes = below(model, 2) == 0 ? settings.buffer_bytes : settings.buffer_bytes / 4;
  settings.batch_bytes = (size_t)1 << (9 + below(model, 8));
  settings.batch_records = below(model, 2) == 0 ? 10 : 10000;
  settings.max_request_bytes = 48 * 1024;
  settings.linger_us = below(model, 3) == 0 ? 0 : 2000;
  settings.seed = seed;
  model->settings = settings;
  world_start(&model->accumulator, &settings);
  static const char *const names[TOPICS] = {"a", "b", "c", "d"};
  for (uint32_t i = 0; i < TOPICS; i++) {
    model->topics[i] = world_topic(&model->accumulator, names[i], i == 0 ? 2 : 0);
    world_set_timeout(&model->accumulator, model->topics[i], 20000 + 15000 * (int64_t)i);
  }
  list_init(&model->settled);
}

/* ---- records ---- */

static struct bytes value_of(struct model *model, uint64_t opaque, size_t bytes) {
  memset(model->value, (int)(opaque % 251), bytes);
  return bytes_of(model->value, bytes);
}

static void callback(void *user, const struct report *report) {
  (void)user;
  (void)report;
}

static uint32_t random_size(struct model *model) {
  switch (below(model, 30)) {
  case 0: return below(model, 40000);
  case 1:
  case 2:
  case 3: return below(model, 5000);
  default: return below(model, 300);
  }
}

static void append(struct model *model) {
  if (model->record_count == RECORDS) return;
  uint64_t opaque = model->record_count;
  struct model_record *record = &model->records[opaque];
  *record = (struct model_record){.topic = (uint8_t)below(model, TOPICS),
                                  .partition = (int8_t)((int)below(model, PARTITIONS + 3) - 2),
                                  .value_bytes = random_size(model),
                                  .accepted_us = model->now_us};
  if (record->partition < -1) record->partition = -1;
  struct append append = {.topic = model->topics[record->topic],
                          .partition = record->partition,
                          .record = {.value = value_of(model, opaque, record->value_bytes)},
                          .timestamp_ms = model->now_us / 1000,
                          .opaque = opaque,
                          .callback = below(model, 40) == 0 ? callback : NULL};
  bool failing = below(model, 50) == 0;
  if (failing) failing_allocator_start(below(model, 2));
  int32_t status = accumulator_append(&model->accumulator, &append, model->now_us);
  bool failed = failing && failing_allocator_stop();
  ck_assert(status == STATUS_OK || status == STATUS_BUFFER_FULL || status == STATUS_PARTITION_BUFFER_FULL ||
            status == STATUS_RECORD_TOO_LARGE || status == STATUS_PARTITION_OUT_OF_RANGE ||
            (status == STATUS_OUT_OF_MEMORY && failed));
  if (status != STATUS_OK) return;
  record->accepted = true;
  model->record_count++;
  model->accepted_count++;
}

/* Each record of a drained batch is whole, and behind all that its partition had before. */
static void expect_drained(struct model *model, const struct batch *batch) {
  uint64_t *next = &model->next_opaque[batch->topic->id][batch->partition->index];
  struct wire_reader reader = wire_reader_of(bytes_of(batch->records, batch->records_bytes));
  for (uint32_t i = 0; i < batch->record_count; i++) {
    uint64_t opaque = batch_entry(batch, i)->opaque;
    const struct model_record *record = &model->records[opaque];
    struct record_view view;
    record_read(&reader, &view);
    ck_assert(!reader.failed);
    ck_assert_int_eq(view.offset_delta, (int32_t)i);
    ck_assert(bytes_equal(view.value, value_of(model, opaque, record->value_bytes)));
    ck_assert_uint_ge(opaque, *next);
    *next = opaque + 1;
    ck_assert_uint_eq(record->topic, batch->topic->id);
    ck_assert(record->partition < 0 || record->partition == batch->partition->index);
    ck_assert_int_le(batch->created_us, record->accepted_us);
  }
  ck_assert_uint_eq(wire_reader_left(&reader), 0);
}

static void expect_settled_once(struct model *model, const struct batch *batch) {
  for (uint32_t i = 0; i < batch->record_count; i++) {
    struct report report;
    batch_report(batch, i, &report);
    struct model_record *record = &model->records[report.opaque];
    ck_assert(record->accepted && !record->settled);
    ck_assert_uint_eq(report.topic, record->topic);
    ck_assert(record->partition < 0 || report.partition == record->partition);
    if (report.status == STATUS_DELIVERY_TIMED_OUT) ck_assert_int_le(batch->deadline_us, model->now_us);
    if (report.status == STATUS_PARTITION_OUT_OF_RANGE)
      ck_assert_int_ge(record->partition, batch->topic->partition_count);
    record->settled = true;
    model->settled_count++;
  }
}

/* ---- the sender's side ---- */

static void publish(struct model *model, struct batch *batch) {
  expect_settled_once(model, batch);
  accumulator_settle(&model->accumulator, batch);
  ck_assert_uint_lt(model->reported_count, IN_FLIGHT);
  model->reported[model->reported_count++] = batch;
}

static void publish_all(struct model *model, struct list *batches, int32_t status) {
  while (!list_is_empty(batches)) {
    struct batch *batch = LIST_ENTRY(batches->next, struct batch, queue_node);
    list_remove(&batch->queue_node);
    if (batch->state != BATCH_SETTLED)
      batch_settle(batch, OUTCOME_NOT_DELIVERED, status, -1, -1, model->now_us);
    if (model->reported_count == IN_FLIGHT)
      accumulator_release(&model->accumulator, model->reported[--model->reported_count]);
    publish(model, batch);
  }
}

static void take(struct model *model) {
  accumulator_advance(&model->accumulator, model->now_us);
  struct partition *partition = accumulator_take(&model->accumulator);
  if (partition != NULL) model->taken[model->taken_count++] = partition;
}

static void drain(struct model *model) {
  if (model->taken_count == 0 || model->in_flight_count == IN_FLIGHT) return;
  uint32_t index = below(model, model->taken_count);
  struct partition *partition = model->taken[index];
  struct batch *batch = accumulator_peek(&model->accumulator, partition, model->now_us);
  if (batch != NULL && below(model, 4) > 0) {
    accumulator_drain(&model->accumulator, batch);
    expect_drained(model, batch);
    batch_set_state(batch, BATCH_IN_FLIGHT);
    batch->in_network = true;
    model->in_flight[model->in_flight_count++] = batch;
    return;
  }
  accumulator_give_back(&model->accumulator, partition, model->now_us);
  model->taken[index] = model->taken[--model->taken_count];
}

static void answer(struct model *model) {
  if (model->in_flight_count == 0 || model->reported_count == IN_FLIGHT) return;
  uint32_t index = below(model, model->in_flight_count);
  struct batch *batch = model->in_flight[index];
  batch->in_network = false;
  if (batch->record_count > 1 && model->in_flight_count < IN_FLIGHT && below(model, 3) == 0) {
    struct batch *tail = accumulator_allocate_batch(&model->accumulator);
    ck_assert_ptr_nonnull(tail);
    batch_split(batch, 1 + below(model, batch->record_count - 1), tail);
    accumulator_adopt_split(&model->accumulator, batch, tail);
    model->in_flight[model->in_flight_count++] = tail;
    return;
  }
  model->in_flight[index] = model->in_flight[--model->in_flight_count];
  batch_settle(batch, below(model, 2) == 0 ? OUTCOME_DELIVERED : OUTCOME_UNKNOWN, STATUS_ABORTED, -1, -1,
               model->now_us);
  publish(model, batch);
}

static void release(struct model *model) {
  if (model->reported_count == 0) return;
  uint32_t index = below(model, model->reported_count);
  struct batch *batch = model->reported[index];
  model->reported[index] = model->reported[--model->reported_count];
  accumulator_release(&model->accumulator, batch);
}

static void on_sent(void *context, struct batch *batch) {
  struct model *model = context;
  ck_assert(batch->state == BATCH_IN_FLIGHT && batch->deadline_us <= model->now_us);
}

static void expire(struct model *model) {
  struct list unsent;
  list_init(&unsent);
  accumulator_expire(&model->accumulator, model->now_us, &unsent, on_sent, model);
  publish_all(model, &unsent, STATUS_DELIVERY_TIMED_OUT);
  ck_assert_int_gt(accumulator_next_expiry_us(&model->accumulator), model->now_us);
}

static void abort_topic(struct model *model) {
  struct list unsent;
  list_init(&unsent);
  const struct topic *topic = below(model, 4) == 0 ? NULL : model->topics[below(model, TOPICS)];
  accumulator_abort(&model->accumulator, topic, below(model, 2) == 0, &unsent);
  publish_all(model, &unsent, STATUS_ABORTED);
}

static void learn(struct model *model) {
  struct topic *topic = model->topics[below(model, TOPICS)];
  int32_t count = 1 + (int32_t)below(model, PARTITIONS);
  ck_assert_int_eq(accumulator_set_partition_count(&model->accumulator, topic, count, model->now_us),
                   STATUS_OK);
  topic->metadata_wanted = false;
  list_remove(&topic->wanted_node);
}

static void unstage(struct model *model) {
  struct topic *topic = model->topics[below(model, TOPICS)];
  if (topic->partition_count == 0 || topic->metadata_wanted) return;
  bool failing = below(model, 10) == 0;
  if (failing) failing_allocator_start(below(model, 4));
  bool done = accumulator_unstage(&model->accumulator, topic, &model->settled, model->now_us);
  if (failing) failing_allocator_stop();
  ck_assert_int_eq(done, list_is_empty(&topic->staged));
  publish_all(model, &model->settled, STATUS_OK);
}

static void hurry(struct model *model) {
  bool begin = below(model, 2) == 0;
  uint32_t *count = below(model, 2) == 0 ? &model->cuts : &model->waits;
  if (!begin && *count == 0) return;
  void (*const calls[2][2])(struct accumulator *) = {{accumulator_end_cut, accumulator_begin_cut},
                                                     {accumulator_end_wait, accumulator_begin_wait}};
  calls[count == &model->waits][begin](&model->accumulator);
  *count += begin ? 1 : UINT32_MAX;
}

static void sleep_a_while(struct model *model) {
  struct accumulator *accumulator = &model->accumulator;
  accumulator->wake_needed = false;
  int64_t until_us = accumulator_prepare_sleep(accumulator, model->now_us + 3000, model->now_us);
  accumulator_check(accumulator);
  for (int i = 0; i < 3 && until_us > model->now_us; i++) {
    append(model);
    release(model);
    accumulator_check(accumulator); /* nothing to do, unless it was woken */
  }
  if (!accumulator->wake_needed && until_us > model->now_us) model->now_us = until_us;
  accumulator_end_sleep(accumulator);
}

static void step(struct model *model) {
  switch (below(model, 64)) {
  case 0: abort_topic(model); break;
  case 1:
  case 2: learn(model); break;
  case 3:
  case 4: hurry(model); break;
  case 5:
  case 6: sleep_a_while(model); break;
  case 7:
  case 8: expire(model); break;
  case 9:
  case 10:
  case 11: unstage(model); break;
  case 12:
  case 13: model->now_us += below(model, 2000); break;
  case 14:
  case 15:
  case 16: take(model); break;
  case 17:
  case 18:
  case 19:
  case 20: drain(model); break;
  case 21:
  case 22:
  case 23: answer(model); break;
  case 24:
  case 25:
  case 26:
  case 27: release(model); break;
  default:
    for (uint32_t i = below(model, 8); i > 0; i--)
      append(model);
  }
  accumulator_check(&model->accumulator);
}

/* Everything goes its way to the end. Nothing may be left that waits for itself. */
static void finish(struct model *model) {
  for (; model->waits > 0; model->waits--)
    accumulator_end_wait(&model->accumulator);
  for (; model->cuts > 0; model->cuts--)
    accumulator_end_cut(&model->accumulator);
  accumulator_begin_cut(&model->accumulator);
  for (uint32_t i = 0; i < TOPICS; i++) {
    struct topic *topic = model->topics[i];
    accumulator_set_partition_count(&model->accumulator, topic, PARTITIONS, model->now_us);
    topic->metadata_wanted = false;
    list_remove(&topic->wanted_node);
  }
  for (int turn = 0; turn < 100000 && model->settled_count < model->accepted_count; turn++) {
    unstage(model);
    take(model);
    drain(model);
    answer(model);
    release(model);
  }
  while (model->taken_count > 0)
    accumulator_give_back(&model->accumulator, model->taken[--model->taken_count], model->now_us);
  while (model->reported_count > 0)
    release(model);
  ck_assert_uint_eq(model->settled_count, model->accepted_count);
  accumulator_end_cut(&model->accumulator);
  world_stop(&model->accumulator);
}

START_TEST(every_record_comes_out_once_whole_and_in_order) {
  struct model *model = calloc(1, sizeof *model);
  ck_assert_ptr_nonnull(model);
  model->records = calloc(RECORDS, sizeof *model->records);
  ck_assert_ptr_nonnull(model->records);
  start(model, (uint64_t)_i + 1);
  for (uint32_t i = 0; i < STEPS; i++)
    step(model);
  finish(model);
  ck_assert_uint_gt(model->accepted_count, STEPS / 4);
  free(model->records);
  free(model);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("accumulator_model");
  TCase *test_case = tcase_create("all");
  tcase_add_loop_test(test_case, every_record_comes_out_once_whole_and_in_order, 0, 24);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
