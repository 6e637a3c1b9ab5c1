#include "producer/producer_build.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/status.h"
#include "network/transport_socket.h"
#include "producer/sender_thread.h"
#include <stdio.h>

static int32_t build_parts(struct producer *producer, const struct config *config, uint64_t seed,
                           struct config_error *error);
static int32_t build_security(struct producer *producer, const struct config *config, uint64_t seed,
                              struct config_error *error);
static int32_t build_accumulator(struct producer *producer, uint64_t seed) NO_THREAD_SAFETY_ANALYSIS;
static int32_t build_network(struct producer *producer, uint64_t seed);
static int32_t build_sender(struct producer *producer, uint64_t seed);
static void choose_report_mode(struct producer *producer);
static bool compresses(const struct settings *settings);
static void log_line(void *context, int32_t level, const char *line);
static void on_connection(void *context, int32_t node_id, int32_t status, const char *text);
static void wake_sender(void *context);
static void on_token_wanted(void *context);
static void on_thread_start(void *context, const char *name);
static void on_thread_stop(void *context, const char *name);
static void on_settled(void *context, struct batch *batch) REQUIRES(producer_lock);
static void on_throttled(void *context, int32_t broker, int32_t throttle_ms);
static int32_t call_partitioner(void *user, const char *topic, struct bytes key, struct bytes value,
                                int32_t partition_count, int32_t *partition);
static void enter_gate(void *context) ACQUIRE(producer_lock);
static void leave_gate(void *context) RELEASE(producer_lock);

int32_t producer_build(struct producer *producer, const struct config *config, struct config_error *error) {
  list_init(&producer->memory_waiters);
  report_queue_init(&producer->reports);
  producer->state = PRODUCER_OPEN;
  lock_init(&producer->thread_hooks);
  producer->close_deadline_us = CLOCK_NEVER_US;
  int32_t status = settings_resolve(config, &producer->settings, error);
  if (status != STATUS_OK) return status;
  choose_report_mode(producer);
  snprintf(producer->thread_name, sizeof producer->thread_name, "sendoff-%s", producer->settings.client_id);
  status = event_queue_init(&producer->events, producer->settings.event_queue_capacity);
  if (status != STATUS_OK) {
    producer->events.events.next = NULL;
  } else {
    producer->log =
        (struct log){.level = producer->settings.log_level, .sink = log_line, .context = producer};
    status = build_parts(producer, config, random_system_seed(), error);
  }
  if (status != STATUS_OK) {
    if (error->text[0] == '\0')
      config_error_set(error, "the producer could not be built: %s", status_text(status));
    return status;
  }
  for (uint32_t i = 0; i < producer->settings.note_count; i++)
    LOG(&producer->log, LOG_LEVEL_NOTICE, "%s", producer->settings.notes[i]);
  return STATUS_OK;
}

void producer_tear_down(struct producer *producer) {
  struct producer_callbacks callbacks = producer->callbacks;
  security_end_loading(producer->security);
  if (producer->client != NULL) network_client_destroy(producer->client);
  security_close(producer->security);
  security_destroy(producer->security);
  sender_destroy(producer->sender);
  if (producer->accumulator.pool != NULL) accumulator_deinit(&producer->accumulator);
  if (producer->report_waker_open) waker_deinit(&producer->report_waker);
  if (producer->conditions_made) {
    condition_deinit(&producer->changed);
    condition_deinit(&producer->reports_arrived);
    condition_deinit(&producer->finished);
  }
  if (producer->events.events.next != NULL) event_queue_deinit(&producer->events);
  if (producer->settings.client_id != NULL) settings_deinit(&producer->settings);
  lock_deinit(&producer->thread_hooks);
  allocator_free(producer);
  if (callbacks.release != NULL) callbacks.release(callbacks.user);
}

static int32_t build_parts(struct producer *producer, const struct config *config, uint64_t seed,
                           struct config_error *error) {
  struct condition *conditions[] = {&producer->changed, &producer->reports_arrived, &producer->finished};
  for (size_t i = 0; i < 3; i++) {
    int32_t status = condition_init(conditions[i]);
    if (status == STATUS_OK) continue;
    while (i > 0)
      condition_deinit(conditions[--i]);
    return status;
  }
  producer->conditions_made = true;
  if (producer->report_mode == DELIVERY_REPORT_QUEUE) {
    int32_t status = waker_init(&producer->report_waker);
    if (status != STATUS_OK) return status;
    producer->report_waker_open = true;
  }
  int32_t status = build_accumulator(producer, seed);
  if (status == STATUS_OK) status = build_security(producer, config, seed + 3, error);
  if (status == STATUS_OK) status = build_network(producer, seed + 1);
  if (status == STATUS_OK) status = build_sender(producer, seed + 2);
  return status;
}

static int32_t build_accumulator(struct producer *producer, uint64_t seed) {
  const struct settings *settings = &producer->settings;
  struct accumulator_settings accumulator = {
      .buffer_bytes = settings->buffer_memory_bytes,
      .partition_bytes = settings->partition_buffer_bytes,
      .batch_bytes = settings->batch_size_bytes,
      .batch_records = settings->batch_max_records,
      .max_request_bytes = settings->max_request_size_bytes,
      .linger_us = settings->linger_us,
      .partitioner = {.ignore_keys = settings->partitioner_ignore_keys,
                      .is_adaptive = settings->partitioner_adaptive,
                      .sticky_bytes = settings->batch_size_bytes},
      .sender_topic_bytes = sizeof(struct sender_topic),
      .sender_partition_bytes = sizeof(struct sender_partition),
      .seed = seed,
  };
  if (producer->callbacks.partitioner != NULL)
    accumulator.partitioner.callback = (struct partitioner_callback){call_partitioner, producer};
  recent_clock_init(&producer->recent_clock);
  int32_t status = accumulator_init(&producer->accumulator, &accumulator);
  if (status != STATUS_OK) producer->accumulator.pool = NULL;
  return status;
}

static int32_t build_security(struct producer *producer, const struct config *config, uint64_t seed,
                              struct config_error *error) {
  const struct security_hooks hooks = {.wake = wake_sender,
                                       .on_token_wanted = on_token_wanted,
                                       .on_thread_start = on_thread_start,
                                       .on_thread_stop = on_thread_stop,
                                       .context = producer,
                                       .log = &producer->log,
                                       .seed = seed};
  return security_create(config, &hooks, &producer->security, error);
}

static int32_t build_network(struct producer *producer, uint64_t seed) {
  static const int32_t families[] = {
      [BROKER_ADDRESS_ANY] = 0, [BROKER_ADDRESS_V4] = 4, [BROKER_ADDRESS_V6] = 6};
  const struct settings *settings = &producer->settings;
  struct transport_socket_settings sockets = {
      .send_buffer_bytes = settings->send_buffer_bytes,
      .receive_buffer_bytes = settings->receive_buffer_bytes,
      .address_family = families[settings->broker_address_family],
      .keepalive = settings->keepalive,
      .no_delay = settings->no_delay,
      .user_timeout_ms = (int32_t)(settings->user_timeout_us / 1000),
  };
  struct transport *transport;
  int32_t status = transport_socket_create(&sockets, &transport);
  if (status != STATUS_OK) return status;
  status = security_wrap(producer->security, &transport);
  if (status != STATUS_OK) {
    transport->operations->destroy(transport);
    return status;
  }
  bool idle_for_ever = settings->connections_max_idle_us == CLOCK_NEVER_US;
  struct network_client_settings network = {
      .client_id = bytes_of_string(settings->client_id),
      .software_name = bytes_of_string("sendoff"),
      .software_version = bytes_of_string(SENDOFF_VERSION_TEXT),
      .max_in_flight = settings->max_in_flight,
      .request_timeout_us = settings->request_timeout_us,
      .connection_setup_timeout_us = settings->connection_setup_timeout_us,
      .connection_setup_timeout_max_us = settings->connection_setup_timeout_max_us,
      .reconnect_backoff_us = settings->reconnect_backoff_us,
      .reconnect_backoff_max_us = settings->reconnect_backoff_max_us,
      .connections_max_idle_us = idle_for_ever ? -1 : settings->connections_max_idle_us,
      .receive_message_max_bytes = settings->receive_message_max_bytes,
      .canonical_bootstrap = settings->canonical_bootstrap,
      .seed = seed,
      .login = security_login(producer->security),
      .log = &producer->log,
      .on_connection = on_connection,
      .context = producer,
  };
  status = network_client_create(&network, transport, settings->bootstrap, settings->bootstrap_count,
                                 &producer->client);
  if (status != STATUS_OK) {
    security_end_loading(producer->security);
    transport->operations->destroy(transport);
    producer->client = NULL;
  }
  return status;
}

static int32_t build_sender(struct producer *producer, uint64_t seed) {
  const struct settings *settings = &producer->settings;
  bool rebootstrap = settings->metadata_recovery == METADATA_RECOVERY_REBOOTSTRAP;
  size_t largest = settings->max_request_size_bytes > settings->batch_size_bytes
                       ? settings->max_request_size_bytes
                       : settings->batch_size_bytes;
  struct sender_settings sender = {
      .client_id = bytes_of_string(settings->client_id),
      .idempotent = settings->enable_idempotence,
      .max_in_flight = settings->max_in_flight,
      .retries = settings->retries,
      .max_request_bytes = settings->max_request_size_bytes,
      .request_timeout_us = settings->request_timeout_us,
      .retry_backoff_us = settings->retry_backoff_us,
      .retry_backoff_max_us = settings->retry_backoff_max_us,
      .availability_timeout_us = settings->partitioner_availability_timeout_us,
      .cluster = {.max_age_us = settings->metadata_max_age_us,
                  .max_idle_us = settings->metadata_max_idle_us,
                  .propagation_max_us = settings->topic_metadata_propagation_max_us,
                  .rebootstrap_trigger_us = settings->metadata_rebootstrap_trigger_us,
                  .rebootstrap = rebootstrap,
                  .allow_auto_create = settings->allow_auto_create_topics},
      .compresses = compresses(settings),
      .scratch_bytes = largest,
      .seed = seed,
      .log = &producer->log,
  };
  struct sender_listener listener = {
      .context = producer, .on_settled = on_settled, .on_throttled = on_throttled};
  struct gate gate = {.enter = enter_gate, .leave = leave_gate, .context = producer};
  return sender_create(&sender, &listener, &producer->accumulator, producer->client, &gate,
                       clock_monotonic_us(), &producer->sender);
}

static void choose_report_mode(struct producer *producer) {
  producer->report_mode = producer->settings.delivery_report_mode;
  bool has_callback = producer->callbacks.on_reports != NULL;
  if (producer->report_mode == DELIVERY_REPORT_AUTO)
    producer->report_mode = has_callback ? DELIVERY_REPORT_CALLBACK : DELIVERY_REPORT_NONE;
}

/* Of all topics: scratch memory is address space until it is used. */
static bool compresses(const struct settings *settings) {
  if (settings->topic.compression != COMPRESSION_NONE) return true;
  return settings->override_count > 0;
}

static void log_line(void *context, int32_t level, const char *line) {
  struct producer *producer = context;
  event_queue_add(&producer->events, EVENT_LOG, STATUS_OK, -1, level, line);
  if (producer->callbacks.on_log == NULL) return;
  struct callback_scope scope;
  callback_scope_enter(&scope, producer, NULL);
  producer->callbacks.on_log(producer->callbacks.user, level, line);
  callback_scope_leave(&scope);
}

static void on_connection(void *context, int32_t node_id, int32_t status, const char *text) {
  struct producer *producer = context;
  sender_note_connection(producer->sender, status);
  if (status == STATUS_OK) {
    producer->has_connected = true;
    return;
  }
  if (status_has(status, STATUS_CLASS_FATAL))
    event_queue_add(&producer->events, EVENT_FATAL, status, node_id, 0, text);
  enter_gate(producer);
  bool is_news = producer->has_connected || strcmp(producer->last_failure, text) != 0;
  producer->has_connected = false;
  snprintf(producer->last_failure, sizeof producer->last_failure, "%s", text);
  leave_gate(producer);
  bool is_security = status == STATUS_TLS_HANDSHAKE_FAILED || status_has(status, STATUS_CLASS_AUTHORIZATION);
  if (is_security && is_news)
    event_queue_add(&producer->events, EVENT_AUTHENTICATION_FAILED, status, node_id, 0, text);
}

static void wake_sender(void *context) {
  const struct producer *producer = context;
  handle_wake_target(producer->slot);
}

static void on_token_wanted(void *context) {
  const struct producer *producer = context;
  const struct producer_callbacks *callbacks = &producer->callbacks;
  if (callbacks->on_token_wanted == NULL) return;
  struct callback_scope scope;
  callback_scope_enter(&scope, producer, NULL);
  callbacks->on_token_wanted(callbacks->user);
  callback_scope_leave(&scope);
}

static void on_thread_start(void *context, const char *name) {
  library_thread_entered(context, name);
}

static void on_thread_stop(void *context, const char *name) {
  library_thread_leaving(context, name);
}

static void on_settled(void *context, struct batch *batch) {
  producer_take_settled(context, batch);
}

static void on_throttled(void *context, int32_t broker, int32_t throttle_ms) {
  struct producer *producer = context;
  event_queue_add(&producer->events, EVENT_THROTTLED, STATUS_OK, broker, throttle_ms, NULL);
}

static int32_t call_partitioner(void *user, const char *topic, struct bytes key, struct bytes value,
                                int32_t partition_count, int32_t *partition) {
  const struct producer *producer = user;
  const struct producer_callbacks *callbacks = &producer->callbacks;
  struct callback_scope scope;
  callback_scope_enter(&scope, producer, &producer->slot->lock);
  int32_t status = callbacks->partitioner(callbacks->user, topic, key.data, key.size, value.data, value.size,
                                          partition_count, partition);
  callback_scope_leave(&scope);
  return status;
}

static void enter_gate(void *context) {
  handle_slot_lock(((const struct producer *)context)->slot);
}

static void leave_gate(void *context) {
  handle_unlock(((const struct producer *)context)->slot);
}
