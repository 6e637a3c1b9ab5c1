#include "producer/settings.h"

#include "base/allocator.h"
#include "base/status.h"
#include "producer/bootstrap.h"
#include "producer/config_providers.h"
#include "producer/resolution.h"
#include "producer/setting_value.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Brokers remember a producer's last five batches of a partition, so more in flight could not be told apart.
 */
enum { IDEMPOTENT_MAX_IN_FLIGHT = 5 };

/* Where batch.size=0 leaves the memory of a batch, whose one record may still be larger. */
enum { SINGLE_RECORD_BATCH_BYTES = 16384 };

/* A time of at least this is left to a request when linger.ms gives way. */
enum { REQUEST_MIN_US = 1000 };

static int32_t resolve_identity(const struct resolution *resolution);
static int32_t resolve_numbers(const struct resolution *resolution);
static int32_t check_idempotence(const struct resolution *resolution);
static int32_t fit_memory(const struct resolution *resolution);
static int32_t fit_backoffs(const struct resolution *resolution);
static int32_t fit_delivery_timeouts(const struct resolution *resolution);
static int32_t note_ignored_names(const struct resolution *resolution);

static int32_t resolve_all(const struct config *config, struct settings *settings,
                           struct config_error *error);

int32_t settings_resolve(const struct config *config, struct settings *settings, struct config_error *error) {
  struct config *looked_up;
  int32_t status = config_providers_resolve(config, NULL, NULL, &looked_up, error);
  if (status != STATUS_OK) return status;
  status = resolve_all(looked_up, settings, error);
  config_destroy(looked_up);
  return status;
}

static int32_t resolve_all(const struct config *config, struct settings *settings,
                           struct config_error *error) {
  static int32_t (*const steps[])(const struct resolution *) = {
      resolve_identity,
      resolve_numbers,
      check_idempotence,
      fit_memory,
      fit_backoffs,
      topic_settings_resolve_defaults,
      fit_delivery_timeouts,
      topic_settings_resolve_overrides, /* last of these: topics take over what has given way */
      note_ignored_names,
  };
  struct settings draft = {.note_count = 0};
  struct resolution resolution = {.config = config, .settings = &draft, .error = error};
  int32_t status = STATUS_OK;
  for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == STATUS_OK; i++)
    status = steps[i](&resolution);
  if (status == STATUS_OK) {
    *settings = draft;
    return STATUS_OK;
  }
  if (status == STATUS_OUT_OF_MEMORY) config_error_set(error, "%s", status_text(status));
  settings_deinit(&draft);
  return status;
}

void settings_deinit(struct settings *settings) {
  topic_settings_free_overrides(settings);
  for (uint32_t i = 0; i < settings->note_count; i++)
    allocator_free(settings->notes[i]);
  allocator_free(settings->notes);
  allocator_free(settings->client_id_text);
  allocator_free(settings->servers);
  *settings = (struct settings){.note_count = 0};
}

static int32_t resolve_identity(const struct resolution *resolution) {
  struct settings *settings = resolution->settings;
  if (!resolution_is_set(resolution, SETTING_BOOTSTRAP_SERVERS)) {
    config_error_set(resolution->error,
                     "bootstrap.servers is not set: it must be a list such as host1:9092,host2:9092");
    return STATUS_INVALID_SETTING;
  }
  const char *servers = resolution_text(resolution, SETTING_BOOTSTRAP_SERVERS);
  int32_t status = bootstrap_parse("bootstrap.servers", servers, &settings->servers,
                                   &settings->bootstrap_count, resolution->error);
  if (status != STATUS_OK) return status;
  settings->bootstrap = settings->servers;
  settings->client_id_text = allocator_copy_string(resolution_text(resolution, SETTING_CLIENT_ID));
  settings->client_id = settings->client_id_text;
  return settings->client_id != NULL ? STATUS_OK : STATUS_OUT_OF_MEMORY;
}

#define NUMBER(setting) resolution_number(resolution, SETTING_##setting)

static void resolve_sizes(const struct resolution *resolution, struct settings *settings) {
  settings->enable_idempotence = NUMBER(ENABLE_IDEMPOTENCE) != 0;
  settings->retries = (uint32_t)NUMBER(RETRIES);
  settings->max_in_flight = (uint32_t)NUMBER(MAX_IN_FLIGHT);
  settings->buffer_memory_bytes = (size_t)NUMBER(BUFFER_MEMORY);
  settings->batch_size_bytes = (size_t)NUMBER(BATCH_SIZE);
  settings->batch_max_records = (uint32_t)NUMBER(BATCH_NUM_MESSAGES);
  settings->max_request_size_bytes = (size_t)NUMBER(MAX_REQUEST_SIZE);
  settings->send_buffer_bytes = (int32_t)NUMBER(SEND_BUFFER_BYTES);
  settings->receive_buffer_bytes = (int32_t)NUMBER(RECEIVE_BUFFER_BYTES);
  settings->receive_message_max_bytes = (size_t)NUMBER(RECEIVE_MESSAGE_MAX_BYTES);
  settings->log_level = (int32_t)NUMBER(LOG_LEVEL);
  settings->event_queue_capacity = (uint32_t)NUMBER(EVENT_QUEUE_CAPACITY);
}

static void resolve_choices(const struct resolution *resolution, struct settings *settings) {
  settings->partitioner_ignore_keys = NUMBER(PARTITIONER_IGNORE_KEYS) != 0;
  settings->partitioner_adaptive = NUMBER(PARTITIONER_ADAPTIVE) != 0;
  settings->metadata_recovery = (enum metadata_recovery)NUMBER(METADATA_RECOVERY_STRATEGY);
  settings->allow_auto_create_topics = NUMBER(ALLOW_AUTO_CREATE_TOPICS) != 0;
  settings->keepalive = NUMBER(SOCKET_KEEPALIVE_ENABLE) != 0;
  settings->no_delay = NUMBER(SOCKET_NAGLE_DISABLE) != 0;
  settings->broker_address_family = (enum broker_address_family)NUMBER(BROKER_ADDRESS_FAMILY);
  settings->canonical_bootstrap = NUMBER(CLIENT_DNS_LOOKUP) == 1;
  settings->delivery_report_mode = (enum delivery_report_mode)NUMBER(DELIVERY_REPORT_MODE);
  settings->shutdown_callbacks = NUMBER(SHUTDOWN_CALLBACKS) != 0;
  int64_t signals = NUMBER(SHUTDOWN_SIGNALS);
  settings->shutdown_on_sigterm = (signals & 1) != 0;
  settings->shutdown_on_sigint = (signals & 2) != 0;
}

static void resolve_times(const struct resolution *resolution, struct settings *settings) {
  settings->topic.delivery_timeout_us = NUMBER(DELIVERY_TIMEOUT_MS);
  settings->linger_us = NUMBER(LINGER_MS);
  settings->max_block_us = NUMBER(MAX_BLOCK_MS);
  settings->partitioner_availability_timeout_us = NUMBER(PARTITIONER_AVAILABILITY_TIMEOUT_MS);
  settings->request_timeout_us = NUMBER(REQUEST_TIMEOUT_MS);
  settings->retry_backoff_us = NUMBER(RETRY_BACKOFF_MS);
  settings->retry_backoff_max_us = NUMBER(RETRY_BACKOFF_MAX_MS);
  settings->metadata_max_age_us = NUMBER(METADATA_MAX_AGE_MS);
  settings->metadata_max_idle_us = NUMBER(METADATA_MAX_IDLE_MS);
  settings->topic_metadata_propagation_max_us = NUMBER(TOPIC_METADATA_PROPAGATION_MAX_MS);
  settings->metadata_rebootstrap_trigger_us = NUMBER(METADATA_REBOOTSTRAP_TRIGGER_MS);
  settings->connections_max_idle_us = NUMBER(CONNECTIONS_MAX_IDLE_MS);
  settings->reconnect_backoff_us = NUMBER(RECONNECT_BACKOFF_MS);
  settings->reconnect_backoff_max_us = NUMBER(RECONNECT_BACKOFF_MAX_MS);
  settings->connection_setup_timeout_us = NUMBER(CONNECTION_SETUP_TIMEOUT_MS);
  settings->connection_setup_timeout_max_us = NUMBER(CONNECTION_SETUP_TIMEOUT_MAX_MS);
  settings->user_timeout_us = NUMBER(SOCKET_USER_TIMEOUT_MS);
  settings->shutdown_timeout_us = NUMBER(SHUTDOWN_TIMEOUT_MS);
}

#undef NUMBER

static int32_t resolve_numbers(const struct resolution *resolution) {
  resolve_sizes(resolution, resolution->settings);
  resolve_choices(resolution, resolution->settings);
  resolve_times(resolution, resolution->settings);
  return STATUS_OK;
}

/* acks is looked at where topics are. */
static int32_t check_idempotence(const struct resolution *resolution) {
  const struct settings *settings = resolution->settings;
  if (!settings->enable_idempotence) return STATUS_OK;
  const char *origin = resolution_is_set(resolution, SETTING_ENABLE_IDEMPOTENCE) ? "" : " (the default)";
  static const char advice[] = "or enable.idempotence=false to go without its protection from duplicates";
  if (settings->retries == 0) {
    config_error_set(resolution->error,
                     "retries=0 contradicts enable.idempotence=true%s: set retries above 0, %s", origin,
                     advice);
    return STATUS_INVALID_SETTING;
  }
  if (settings->max_in_flight > IDEMPOTENT_MAX_IN_FLIGHT) {
    config_error_set(resolution->error,
                     "max.in.flight.requests.per.connection=%" PRIu32
                     " contradicts enable.idempotence=true%s: set at most 5, %s",
                     settings->max_in_flight, origin, advice);
    return STATUS_INVALID_SETTING;
  }
  return STATUS_OK;
}

/* A short text by value. */
struct short_text {
  char text[160];
};

/* "name=value" of the value in force. */
static struct short_text pair_of(const struct resolution *resolution, enum setting setting) {
  struct short_text pair;
  (void)snprintf(pair.text, sizeof(pair.text), "%s=%.40s%s", setting_row(setting)->name,
                 resolution_text(resolution, setting),
                 resolution_is_set(resolution, setting) ? "" : " (the default)");
  return pair;
}

static struct short_text milliseconds_of(int64_t us) {
  struct short_text number;
  (void)snprintf(number.text, sizeof(number.text), "%" PRId64, us / 1000);
  size_t size = strlen(number.text);
  if (us % 1000 != 0)
    (void)snprintf(number.text + size, sizeof(number.text) - size, ".%03d", (int)(us % 1000));
  return number;
}

static int32_t note_default(const struct resolution *resolution, enum setting setting, const char *value,
                            const char *because) {
  return resolution_note(resolution, "%s is %s instead of its default %s, to suit %s",
                         setting_row(setting)->name, value, setting_row(setting)->default_text, because);
}

static int32_t note_default_time(const struct resolution *resolution, enum setting setting, int64_t value_us,
                                 const char *because) {
  return note_default(resolution, setting, milliseconds_of(value_us).text, because);
}

static int32_t note_default_size(const struct resolution *resolution, enum setting setting, size_t value,
                                 enum setting because) {
  struct short_text number;
  (void)snprintf(number.text, sizeof(number.text), "%zu", value);
  return note_default(resolution, setting, number.text, pair_of(resolution, because).text);
}

static size_t percent_of(size_t whole, size_t percent) {
  return whole / 100 * percent + whole % 100 * percent / 100;
}

/* The largest record has to fit a partition's share of the memory. */
static int32_t fit_share(const struct resolution *resolution) {
  struct settings *settings = resolution->settings;
  size_t memory = settings->buffer_memory_bytes;
  size_t percent = (size_t)resolution_number(resolution, SETTING_PARTITION_BUFFER_PERCENT);
  settings->partition_buffer_bytes = percent_of(memory, percent);
  if (settings->max_request_size_bytes <= settings->partition_buffer_bytes) return STATUS_OK;
  if (!resolution_is_set(resolution, SETTING_MAX_REQUEST_SIZE)) {
    enum setting because = resolution_is_set(resolution, SETTING_BUFFER_MEMORY)
                               ? SETTING_BUFFER_MEMORY
                               : SETTING_PARTITION_BUFFER_PERCENT;
    settings->max_request_size_bytes = settings->partition_buffer_bytes;
    return note_default_size(resolution, SETTING_MAX_REQUEST_SIZE, settings->max_request_size_bytes, because);
  }
  bool percent_may_grow = !resolution_is_set(resolution, SETTING_PARTITION_BUFFER_PERCENT);
  while (percent_may_grow && percent < 100 &&
         settings->partition_buffer_bytes < settings->max_request_size_bytes)
    settings->partition_buffer_bytes = percent_of(memory, ++percent);
  if (settings->max_request_size_bytes <= settings->partition_buffer_bytes) {
    return note_default_size(resolution, SETTING_PARTITION_BUFFER_PERCENT, percent, SETTING_MAX_REQUEST_SIZE);
  }
  config_error_set(resolution->error,
                   "%s is more than one partition may hold, %zu: lower it, or raise %s or %s",
                   pair_of(resolution, SETTING_MAX_REQUEST_SIZE).text, settings->partition_buffer_bytes,
                   pair_of(resolution, SETTING_BUFFER_MEMORY).text,
                   pair_of(resolution, SETTING_PARTITION_BUFFER_PERCENT).text);
  return STATUS_INVALID_SETTING;
}

static int32_t fit_memory(const struct resolution *resolution) {
  struct settings *settings = resolution->settings;
  bool batch_is_set = resolution_is_set(resolution, SETTING_BATCH_SIZE);
  if (batch_is_set && settings->batch_size_bytes > settings->buffer_memory_bytes) {
    config_error_set(resolution->error, "%s is more than %s: lower it or raise buffer.memory",
                     pair_of(resolution, SETTING_BATCH_SIZE).text,
                     pair_of(resolution, SETTING_BUFFER_MEMORY).text);
    return STATUS_INVALID_SETTING;
  }
  int32_t status = fit_share(resolution);
  if (status != STATUS_OK) return status;
  if (settings->batch_size_bytes == 0) {
    settings->batch_max_records = 1;
    settings->batch_size_bytes = SINGLE_RECORD_BATCH_BYTES;
  }
  if (settings->batch_size_bytes <= settings->max_request_size_bytes) return STATUS_OK;
  settings->batch_size_bytes = settings->max_request_size_bytes;
  if (!batch_is_set) return STATUS_OK;
  return resolution_note(resolution, "batches are full at %zu bytes, since %s is more than max.request.size",
                         settings->batch_size_bytes, pair_of(resolution, SETTING_BATCH_SIZE).text);
}

/* A first pause or timeout, and the longest that it may grow to. */
static int32_t fit_pair(const struct resolution *resolution, enum setting first, enum setting longest,
                        int64_t *first_us, int64_t *longest_us) {
  if (*first_us <= *longest_us) return STATUS_OK;
  if (!resolution_is_set(resolution, longest)) {
    *longest_us = *first_us;
    return note_default_time(resolution, longest, *longest_us, pair_of(resolution, first).text);
  }
  if (!resolution_is_set(resolution, first)) {
    *first_us = *longest_us;
    return note_default_time(resolution, first, *first_us, pair_of(resolution, longest).text);
  }
  config_error_set(resolution->error, "%s is more than %s: lower the one or raise the other",
                   pair_of(resolution, first).text, pair_of(resolution, longest).text);
  return STATUS_INVALID_SETTING;
}

static int32_t fit_backoffs(const struct resolution *resolution) {
  struct settings *settings = resolution->settings;
  int32_t status = fit_pair(resolution, SETTING_RETRY_BACKOFF_MS, SETTING_RETRY_BACKOFF_MAX_MS,
                            &settings->retry_backoff_us, &settings->retry_backoff_max_us);
  if (status != STATUS_OK) return status;
  status = fit_pair(resolution, SETTING_RECONNECT_BACKOFF_MS, SETTING_RECONNECT_BACKOFF_MAX_MS,
                    &settings->reconnect_backoff_us, &settings->reconnect_backoff_max_us);
  if (status != STATUS_OK) return status;
  return fit_pair(resolution, SETTING_CONNECTION_SETUP_TIMEOUT_MS, SETTING_CONNECTION_SETUP_TIMEOUT_MAX_MS,
                  &settings->connection_setup_timeout_us, &settings->connection_setup_timeout_max_us);
}

/* Makes room for linger.ms and request.timeout.ms within a delivery timeout that was set under this name. */
static int32_t fit_delivery_timeout(const struct resolution *resolution, const char *name, const char *text,
                                    int64_t delivery_us) {
  struct settings *settings = resolution->settings;
  if (settings->linger_us + settings->request_timeout_us <= delivery_us) return STATUS_OK;
  bool linger_is_set = resolution_is_set(resolution, SETTING_LINGER_MS);
  bool request_is_set = resolution_is_set(resolution, SETTING_REQUEST_TIMEOUT_MS);
  int64_t request_us = request_is_set ? settings->request_timeout_us : REQUEST_MIN_US;
  int64_t linger_us = settings->linger_us;
  if (!linger_is_set && linger_us + request_us > delivery_us) linger_us = delivery_us - request_us;
  if (linger_us < 0 || linger_us + request_us > delivery_us) {
    config_error_set(resolution->error, "%s=%.40s is less than %s plus %s: raise it or lower one of those",
                     name, text, pair_of(resolution, SETTING_LINGER_MS).text,
                     pair_of(resolution, SETTING_REQUEST_TIMEOUT_MS).text);
    return STATUS_INVALID_SETTING;
  }
  struct short_text because;
  (void)snprintf(because.text, sizeof(because.text), "%.100s=%.40s", name, text);
  int32_t status = STATUS_OK;
  if (linger_us != settings->linger_us) {
    settings->linger_us = linger_us;
    status = note_default_time(resolution, SETTING_LINGER_MS, linger_us, because.text);
  }
  if (status != STATUS_OK || request_is_set) return status;
  settings->request_timeout_us = delivery_us - linger_us;
  return note_default_time(resolution, SETTING_REQUEST_TIMEOUT_MS, settings->request_timeout_us,
                           because.text);
}

/* Java's rule: a delivery timeout leaves time for lingering and one request. A topic's own is always set. */
static int32_t fit_delivery_timeouts(const struct resolution *resolution) {
  struct settings *settings = resolution->settings;
  bool is_set = resolution_is_set(resolution, SETTING_DELIVERY_TIMEOUT_MS);
  int32_t status = STATUS_OK;
  if (is_set) {
    const struct setting_row *row = setting_row(SETTING_DELIVERY_TIMEOUT_MS);
    status =
        fit_delivery_timeout(resolution, row->name, resolution_text(resolution, SETTING_DELIVERY_TIMEOUT_MS),
                             settings->topic.delivery_timeout_us);
  }
  uint32_t topic_count = config_topic_count(resolution->config);
  for (uint32_t i = 0; i < topic_count && status == STATUS_OK; i++) {
    const char *text = config_topic_value(resolution->config, i, SETTING_DELIVERY_TIMEOUT_MS);
    int64_t delivery_us = 0;
    if (text == NULL || !setting_value_read(SETTING_DELIVERY_TIMEOUT_MS, text, &delivery_us)) continue;
    char name[300];
    (void)snprintf(name, sizeof(name), "topic.%s.delivery.timeout.ms",
                   config_topic_name(resolution->config, i));
    status = fit_delivery_timeout(resolution, name, text, delivery_us);
  }
  int64_t least_us = settings->linger_us + settings->request_timeout_us;
  if (status != STATUS_OK || settings->topic.delivery_timeout_us >= least_us) return status;
  settings->topic.delivery_timeout_us = least_us;
  return note_default_time(resolution, SETTING_DELIVERY_TIMEOUT_MS, least_us,
                           "linger.ms plus request.timeout.ms");
}

static int32_t note_ignored_names(const struct resolution *resolution) {
  int32_t status = STATUS_OK;
  for (uint32_t i = 0; status == STATUS_OK; i++) {
    const char *name = config_ignored_name(resolution->config, i);
    if (name == NULL) break;
    status = resolution_note(resolution, "%.120s has no effect: there is no setting of that name", name);
  }
  return status;
}
