#include "support/producer_world.h"
#include "base/lock.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "producer/config.h"
#include "producer/producer_build.h"
#include "producer/waiting.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct broker_server *server;
static char bootstrap[32] = "127.0.0.1:1";
static uint8_t filler[1024 * 1024];

/* ---- the broker ---- */

void world_broker_start(void) {
  static const struct broker_server_topic topics[] = {{"topic", 2}, {"other", 1}};
  struct broker_server_settings settings;
  broker_server_settings_init(&settings);
  settings.topics = topics;
  settings.topic_count = 2;
  ck_assert_int_eq(broker_server_create(&settings, &server), STATUS_OK);
  snprintf(bootstrap, sizeof bootstrap, "127.0.0.1:%u", (unsigned)broker_server_port(server));
}

void world_broker_stop(void) {
  broker_server_destroy(server);
  server = NULL;
}

struct broker_server *world_broker(void) {
  return server;
}

const char *world_bootstrap(void) {
  return bootstrap;
}

int64_t world_records(const char *topic, int32_t partition) {
  int64_t start_offset = 0, end_offset = -1;
  ck_assert(broker_model_offsets(broker_server_lock(server), topic, partition, &start_offset, &end_offset));
  broker_server_unlock(server);
  return end_offset - start_offset;
}

void world_await_records(const char *topic, int32_t partition, int64_t count) {
  while (world_records(topic, partition) < count)
    usleep(1000);
}

void world_inject(struct broker_fault fault) {
  ck_assert_int_eq(broker_model_inject(broker_server_lock(server), &fault), STATUS_OK);
  broker_server_unlock(server);
}

/* ---- producers ---- */

struct config *world_config(const char *const *settings) {
  struct config *config = NULL;
  struct config_error error = {.text = ""};
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  ck_assert_int_eq(config_set(config, "bootstrap.servers", bootstrap, &error), STATUS_OK);
  ck_assert_int_eq(config_set(config, "linger.ms", "0", &error), STATUS_OK);
  for (; settings != NULL && *settings != NULL; settings++) {
    char name[128];
    const char *equals = strchr(*settings, '=');
    ck_assert_ptr_nonnull(equals);
    snprintf(name, sizeof name, "%.*s", (int)(equals - *settings), *settings);
    ck_assert_msg(config_set(config, name, equals + 1, &error) == STATUS_OK, "%s", error.text);
  }
  return config;
}

void *world_create(const struct producer_callbacks *callbacks, const char *const *settings) {
  static const struct producer_callbacks none;
  struct config *config = world_config(settings);
  struct config_error error = {.text = ""};
  void *handle = NULL;
  world_shared(); /* made before there is another thread */
  int32_t status = producer_create(config, callbacks != NULL ? callbacks : &none, &handle, &error);
  ck_assert_msg(status == STATUS_OK, "%s", error.text);
  config_destroy(config);
  return handle;
}

struct producer *world_build(const struct producer_callbacks *callbacks, const char *const *settings) {
  struct config *config = world_config(settings);
  struct config_error error = {.text = ""};
  struct producer *producer = allocator_allocate_zeroed(1, sizeof *producer);
  ck_assert_ptr_nonnull(producer);
  if (callbacks != NULL) producer->callbacks = *callbacks;
  int32_t status = producer_build(producer, config, &error);
  ck_assert_msg(status == STATUS_OK, "%s", error.text);
  config_destroy(config);
  ck_assert_int_eq(handle_acquire(&producer->slot, NULL), STATUS_OK);
  lock_acquire(&producer->slot->lock);
  producer->slot->producer = producer;
  lock_release(&producer->slot->lock);
  return producer;
}

void world_tear_down(struct producer *built) {
  struct handle_slot *slot = built->slot;
  lock_acquire(&slot->lock);
  ck_assert_uint_eq(built->users, 0);
  slot->generation++;
  slot->producer = NULL;
  lock_release(&slot->lock);
  producer_tear_down(built);
  handle_release(slot);
}

void world_deliver(const void *handle, uint32_t count) {
  struct producer *producer = world_lock(handle);
  struct accumulator *accumulator = &producer->accumulator;
  accumulator_begin_cut(accumulator);
  for (struct partition *partition; count > 0 && (partition = accumulator_take(accumulator)) != NULL;) {
    for (struct batch *batch; count > 0 && (batch = accumulator_peek(accumulator, partition, 0)) != NULL;
         count--) {
      accumulator_drain(accumulator, batch);
      batch_settle(batch, OUTCOME_DELIVERED, STATUS_OK, 0, -1, 0);
      accumulator_settle(accumulator, batch);
      producer_take_settled(producer, batch);
    }
    accumulator_give_back(accumulator, partition, 0);
  }
  accumulator_end_cut(accumulator);
  world_unlock(producer);
}

struct topic *world_know_topic(const void *handle, const char *name) {
  struct topic *topic = NULL;
  struct producer *producer = world_lock(handle);
  ck_assert_int_eq(submission_topic(producer, bytes_of_string(name), &topic), STATUS_OK);
  ck_assert_int_eq(accumulator_set_partition_count(&producer->accumulator, topic, 2, 0), STATUS_OK);
  world_unlock(producer);
  return topic;
}

struct producer *world_lock(const void *handle) {
  struct producer *producer = NULL;
  ck_assert_int_eq(handle_lock(handle, &producer), STATUS_OK);
  return producer;
}

void world_unlock(struct producer *producer) {
  producer_unlock(producer);
}

struct submission world_submission(const char *topic, int32_t partition, size_t value_bytes,
                                   uint64_t opaque) {
  ck_assert_uint_le(value_bytes, sizeof filler);
  return (struct submission){.topic_name = bytes_of_string(topic),
                             .partition = partition,
                             .record = {.value = bytes_of(filler, value_bytes)},
                             .opaque = opaque};
}

int32_t world_try_send(const void *handle, const struct submission *submission) {
  int64_t now_us = clock_monotonic_us();
  struct producer *producer = world_lock(handle);
  int32_t status = submission_send(producer, submission, now_us, now_us);
  world_unlock(producer);
  return status;
}

void world_send(const void *handle, uint32_t count, uint64_t first_opaque) {
  for (uint32_t i = 0; i < count; i++) {
    struct submission submission = world_submission("topic", 0, 100, first_opaque + i);
    ck_assert_int_eq(world_try_send(handle, &submission), STATUS_OK);
  }
}

uint32_t world_fill(const void *handle, size_t value_bytes) {
  for (uint32_t count = 0;; count++) {
    struct submission submission = world_submission("topic", 0, value_bytes, count);
    int32_t status = world_try_send(handle, &submission);
    if (status == STATUS_OK) continue;
    ck_assert_int_eq(status, STATUS_BUFFER_FULL);
    return count;
  }
}

void world_flush(const void *handle) {
  struct flush_result result;
  ck_assert_int_eq(waiting_flush(world_lock(handle), -1, &result), STATUS_OK);
  ck_assert_uint_eq(result.pending, 0);
  ck_assert_uint_eq(result.failed, 0);
  ck_assert_uint_eq(result.unknown, 0);
}

/* ---- processes ---- */

bool world_children_may_produce(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

struct world_shared *world_shared(void) {
  static struct world_shared *shared;
  if (shared != NULL) return shared;
  void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ck_assert_ptr_ne(memory, MAP_FAILED);
  shared = memory;
  return shared;
}

void world_child_start(struct world_child *child, void (*run)(void)) {
  int start[2], output[2];
  *child = (struct world_child){0};
  ck_assert_ptr_nonnull(world_shared());
  ck_assert_int_eq(pipe(start), 0);
  ck_assert_int_eq(pipe(output), 0);
  fflush(NULL);
  child->process = fork();
  ck_assert_int_ge(child->process, 0);
  if (child->process == 0) {
    close(start[1]);
    close(output[0]);
    dup2(output[1], STDERR_FILENO);
    signal(SIGTERM, SIG_DFL); /* Check has handlers of its own */
    signal(SIGINT, SIG_DFL);
    if (read(start[0], bootstrap, sizeof bootstrap) != (ssize_t)sizeof bootstrap) _exit(99);
    run();
    exit(0);
  }
  close(start[0]);
  close(output[1]);
  child->start_end = start[1];
  child->output_end = output[0];
}

void world_child_go(struct world_child *child) {
  ck_assert_int_eq(write(child->start_end, bootstrap, sizeof bootstrap), (ssize_t)sizeof bootstrap);
  close(child->start_end);
}

void world_child_await(struct world_child *child) {
  size_t size = 0;
  for (ssize_t count;
       size < sizeof child->errors - 1 &&
       (count = read(child->output_end, child->errors + size, sizeof child->errors - 1 - size)) > 0;)
    size += (size_t)count;
  close(child->output_end);
  ck_assert_int_eq(waitpid(child->process, &child->status, 0), child->process);
}
