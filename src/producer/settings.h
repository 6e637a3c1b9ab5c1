/* The settings as the producer uses them: typed, in microseconds and bytes, checked against each other. Made
 * once from a struct config when a producer is created; immutable and readable by any thread from then on. */
#ifndef PRODUCER_SETTINGS_H
#define PRODUCER_SETTINGS_H

#include "network/network_client.h"
#include "producer/config.h"
#include "producer/config_error.h"
#include "producer/topic_settings.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum delivery_report_mode {
  DELIVERY_REPORT_AUTO,       /* callback if the producer is given one, else none */
  DELIVERY_REPORT_CALLBACK,   /* on the sender thread */
  DELIVERY_REPORT_DISPATCHER, /* on a thread of their own */
  DELIVERY_REPORT_QUEUE,      /* polled by the host */
  DELIVERY_REPORT_NONE,       /* counters only */
};

enum broker_address_family { BROKER_ADDRESS_ANY, BROKER_ADDRESS_V4, BROKER_ADDRESS_V6 };

enum metadata_recovery { METADATA_RECOVERY_REBOOTSTRAP, METADATA_RECOVERY_NONE };

/* Durations that may be for ever are CLOCK_NEVER_US then. */
struct settings {
  const char *client_id;
  const struct broker_address *bootstrap; /* ids are -1 - index, as network_client has them */
  uint32_t bootstrap_count;
  struct topic_settings topic; /* of topics without settings of their own: see settings_for_topic */

  bool enable_idempotence;
  uint32_t retries; /* per batch, beyond its first attempt */
  uint32_t max_in_flight;

  size_t buffer_memory_bytes;
  size_t partition_buffer_bytes; /* the most of buffer_memory_bytes that one partition may hold */
  size_t batch_size_bytes;       /* > 0, at most max_request_size_bytes; the size at which a batch is full */
  uint32_t batch_max_records;    /* a batch with this many records is full */
  size_t max_request_size_bytes; /* also the largest record */
  int64_t linger_us;
  int64_t max_block_us;

  bool partitioner_ignore_keys;
  bool partitioner_adaptive;
  int64_t partitioner_availability_timeout_us; /* 0: off */

  int64_t request_timeout_us;
  int64_t retry_backoff_us, retry_backoff_max_us;
  int64_t metadata_max_age_us, metadata_max_idle_us;
  int64_t topic_metadata_propagation_max_us; /* a topic unknown for this long fails its records */
  enum metadata_recovery metadata_recovery;
  int64_t metadata_rebootstrap_trigger_us;
  bool allow_auto_create_topics;

  int64_t connections_max_idle_us; /* CLOCK_NEVER_US: connections are kept */
  int64_t reconnect_backoff_us, reconnect_backoff_max_us;
  int64_t connection_setup_timeout_us, connection_setup_timeout_max_us;
  int32_t send_buffer_bytes, receive_buffer_bytes; /* -1: as the system has it */
  bool keepalive;
  bool no_delay;
  int64_t user_timeout_us; /* TCP_USER_TIMEOUT; 0: as the system has it */
  enum broker_address_family broker_address_family;
  bool canonical_bootstrap; /* client.dns.lookup=resolve_canonical_bootstrap_servers_only */
  size_t receive_message_max_bytes;

  enum delivery_report_mode delivery_report_mode;
  int64_t shutdown_timeout_us;
  bool shutdown_callbacks;
  bool shutdown_on_sigterm, shutdown_on_sigint;
  int32_t log_level;
  uint32_t event_queue_capacity;

  /* For the log, when the producer is created: defaults that gave way to a setting, unknown names ignored. */
  char **notes;
  uint32_t note_count;

  /* -- owned by settings.c and topic_settings.c -- */
  char *client_id_text;
  struct broker_address *servers;
  struct topic_override *overrides; /* ascending by name */
  uint32_t override_count;
};

/* Fills in *settings, to be ended with settings_deinit. config is not needed afterwards. A default that does
 * not fit what was set gives way, and a note says so; two values that were both set and contradict each other
 * are refused. References to config providers are looked up, for which files may be read. Those of security
 * are not here, but in security_settings.h. Statuses: OK, INVALID_SETTING, FILE_UNREADABLE, OUT_OF_MEMORY; on
 * failure *settings is untouched. */
int32_t settings_resolve(const struct config *config, struct settings *settings, struct config_error *error);

void settings_deinit(struct settings *settings);

#endif
