#include "sender/cluster.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/request_header.h"

enum { MAXIMUM_BROKERS = 100000, TELL_UNKNOWN_AFTER_US = 2000000 };

static void set_wanted(struct cluster *cluster, struct sender_topic *topic, bool wanted);
static bool is_due(const struct cluster *cluster, int64_t now_us);
static int64_t next_due_us(const struct cluster *cluster);
static bool choose_topics(struct cluster *cluster, int64_t now_us, int32_t *count);
static bool write_request(struct cluster *cluster, int16_t version, int32_t topic_count);
static void clear_asked(struct cluster *cluster);
static void on_complete(struct request *request, const struct request_result *result);
static void honour_throttle(struct cluster *cluster, const struct request_result *result, int16_t version);
static void end_answer(struct cluster *cluster, int64_t now_us);
static bool read_response(struct cluster *cluster, struct wire_reader reader, int16_t version, bool apply,
                          int64_t now_us, int16_t *error_code);
static bool read_brokers(struct cluster *cluster, struct wire_reader *reader, int16_t version, int32_t count,
                         bool apply, int64_t now_us);
static void read_topic(struct cluster *cluster, struct wire_reader *reader, int16_t version, bool apply,
                       int64_t now_us);
static void apply_topic(struct cluster *cluster, const struct metadata_topic *described,
                        struct wire_reader partitions, int16_t version, int64_t now_us);
static void topic_unknown(struct cluster *cluster, struct sender_topic *topic, int64_t now_us);
static int32_t reserve_partitions(struct sender_topic *topic, int32_t count);
static void apply_partitions(struct cluster *cluster, struct sender_topic *topic,
                             const struct metadata_topic *described, struct wire_reader partitions,
                             int16_t version, bool recreated);
static bool set_leader(struct cluster *cluster, struct sender_topic *topic, int32_t partition,
                       struct partition_leader leader, bool forced);
static void request_failed(struct cluster *cluster, int64_t now_us);
static void rebootstrap(struct cluster *cluster, int64_t now_us, const char *why);

void cluster_init(struct cluster *cluster, const struct cluster_settings *settings,
                  const struct cluster_listener *listener, struct accumulator *accumulator,
                  struct network_client *client, const struct gate *gate, struct random *random,
                  int64_t now_us) {
  *cluster = (struct cluster){
      .settings = *settings,
      .listener = *listener,
      .accumulator = accumulator,
      .client = client,
      .gate = gate,
      .random = random,
      .refresh_wanted = true,
      .is_bootstrapping = true,
      .doubted_id = NETWORK_NO_NODE,
      .next_attempt_us = now_us,
      .last_answer_us = -1,
      .last_refresh_us = now_us,
      .unanswered_since_us = CLOCK_NEVER_US,
  };
  list_init(&cluster->topics);
}

void cluster_deinit(struct cluster *cluster) {
  ASSERT(!cluster->request_open);
  if (cluster->topics.next == NULL) return; /* never initialised */
  while (!list_is_empty(&cluster->topics)) {
    struct sender_topic *topic = LIST_ENTRY(cluster->topics.next, struct sender_topic, node);
    list_remove(&topic->node);
    allocator_free(topic->leaders);
    allocator_free(topic->loads);
  }
  wire_writer_deinit(&cluster->writer);
}

struct sender_topic *cluster_topic(struct cluster *cluster, struct topic *topic) {
  struct sender_topic *known = topic->sender;
  if (known->topic != NULL) return known;
  known->topic = topic;
  list_append(&cluster->topics, &known->node);
  return known;
}

void cluster_want_topic(struct cluster *cluster, struct sender_topic *topic) {
  set_wanted(cluster, topic, true);
  if (topic->rounds == 0) topic->ask_at_us = 0;
}

void cluster_doubt_topic(struct cluster *cluster, struct sender_topic *topic) {
  set_wanted(cluster, topic, true);
}

void cluster_doubt_leader(struct cluster *cluster, struct sender_topic *topic, int32_t node_id) {
  cluster->doubted_id = node_id;
  cluster_doubt_topic(cluster, topic);
}

void cluster_want_refresh(struct cluster *cluster) {
  cluster->refresh_wanted = true;
}

void cluster_step(struct cluster *cluster, int64_t now_us) {
  if (cluster->request_open || now_us < cluster->next_attempt_us || !is_due(cluster, now_us)) return;
  if (cluster->unanswered_since_us == CLOCK_NEVER_US) cluster->unanswered_since_us = now_us;
  if (cluster->settings.rebootstrap && !cluster->is_bootstrapping) {
    if (now_us - cluster->unanswered_since_us >= cluster->settings.rebootstrap_trigger_us)
      rebootstrap(cluster, now_us,
                  "no answer about the cluster for metadata.recovery.rebootstrap.trigger.ms");
    else if (now_us >= cluster->next_rebootstrap_us && network_client_all_failed(cluster->client))
      rebootstrap(cluster, now_us, "no known broker can be reached");
  }
  int32_t node_id;
  if (!network_client_least_loaded(cluster->client, cluster->doubted_id, now_us, &node_id)) return;
  if (!network_client_ready(cluster->client, node_id, now_us)) return;
  const struct api_versions *versions = network_client_api_versions(cluster->client, node_id);
  int16_t version = api_versions_choose(versions, API_METADATA, INT16_MAX);
  if (version < 0) {
    network_client_close_node(cluster->client, node_id, STATUS_UNSUPPORTED_BROKER,
                              "it offers no version of the metadata request that Sendoff speaks", now_us);
    request_failed(cluster, now_us);
    return;
  }
  int32_t topic_count = 0;
  bool everything = choose_topics(cluster, now_us, &topic_count);
  if (!write_request(cluster, version, topic_count)) {
    clear_asked(cluster);
    request_failed(cluster, now_us);
    return;
  }
  if (everything) {
    cluster->refresh_wanted = false;
    cluster->last_refresh_us = now_us;
  }
  cluster->request_open = true;
  cluster->asked_us = now_us;
  network_client_send(cluster->client, node_id, &cluster->request, now_us);
}

int64_t cluster_next_deadline_us(const struct cluster *cluster, int64_t now_us) {
  if (cluster->request_open) return CLOCK_NEVER_US;
  if (!is_due(cluster, now_us)) return next_due_us(cluster);
  if (cluster->next_attempt_us > now_us) return cluster->next_attempt_us;
  return network_client_next_deadline_us(
      cluster->client); /* no node takes a request: backoff or connecting */
}

struct partition_leader cluster_leader(const struct sender_topic *topic, int32_t partition) {
  if (partition < 0 || partition >= topic->partition_count) return (struct partition_leader){-1, -1};
  return topic->leaders[partition];
}

bool cluster_hint_leader(struct cluster *cluster, struct sender_topic *topic, int32_t partition,
                         struct partition_leader leader) {
  if (partition < 0 || partition >= topic->partition_count || leader.id < 0) return false;
  if (leader.epoch <= topic->leaders[partition].epoch) return false;
  return set_leader(cluster, topic, partition, leader, false);
}

bool cluster_is_known(const struct cluster *cluster) {
  return cluster->last_answer_us >= 0;
}

static void set_wanted(struct cluster *cluster, struct sender_topic *topic, bool wanted) {
  if (topic->wanted == wanted) return;
  topic->wanted = wanted;
  cluster->wanted_count += wanted ? 1 : UINT32_MAX;
}

static bool is_due(const struct cluster *cluster, int64_t now_us) {
  return cluster->refresh_wanted || now_us >= next_due_us(cluster);
}

static int64_t next_due_us(const struct cluster *cluster) {
  int64_t due_us = clock_add_us(cluster->last_refresh_us, cluster->settings.max_age_us);
  if (cluster->wanted_count == 0)
    return due_us; /* there may be ten thousand topics, and this is every step */
  for (struct list *node = cluster->topics.next; node != &cluster->topics; node = node->next) {
    const struct sender_topic *topic = LIST_ENTRY(node, struct sender_topic, node);
    if (topic->wanted && topic->ask_at_us < due_us) due_us = topic->ask_at_us;
  }
  return due_us;
}

/* Marks the topics to ask about; true if that is everything in use. */
static bool choose_topics(struct cluster *cluster, int64_t now_us, int32_t *count) {
  bool everything = cluster->refresh_wanted ||
                    now_us >= clock_add_us(cluster->last_refresh_us, cluster->settings.max_age_us);
  *count = 0;
  gate_enter(cluster->gate); /* last_used_us */
  for (struct list *node = cluster->topics.next; node != &cluster->topics; node = node->next) {
    struct sender_topic *topic = LIST_ENTRY(node, struct sender_topic, node);
    bool in_use = now_us - topic->topic->last_used_us < cluster->settings.max_idle_us;
    topic->asked = topic->wanted || (everything && in_use); /* due or not: it costs little, and they meet */
    topic->described = false;
    if (topic->asked) (*count)++;
  }
  gate_leave(cluster->gate);
  return everything;
}

static bool write_request(struct cluster *cluster, int16_t version, int32_t topic_count) {
  struct wire_writer *writer = &cluster->writer;
  wire_writer_reset(writer);
  int32_t correlation_id = network_client_next_correlation(cluster->client);
  request_header_write(writer, &(struct request_header){.api_key = API_METADATA,
                                                        .api_version = version,
                                                        .correlation_id = correlation_id,
                                                        .client_id = cluster->settings.client_id});
  struct metadata_request request = {.topic_count = topic_count,
                                     .allow_auto_topic_creation = cluster->settings.allow_auto_create};
  metadata_request_write(writer, version, &request);
  for (struct list *node = cluster->topics.next; node != &cluster->topics; node = node->next) {
    struct sender_topic *topic = LIST_ENTRY(node, struct sender_topic, node);
    if (!topic->asked) continue;
    struct metadata_request_topic asked = {.name = bytes_of(topic->topic->name, topic->topic->name_bytes)};
    metadata_request_write_topic(writer, version, &asked);
  }
  metadata_request_write_end(writer, version, &request);
  request_frame_finish(writer, 0);
  if (writer->failed) return false;
  cluster->segment = (struct transport_segment){.data = writer->data, .size = writer->size};
  cluster->request = (struct request){
      .api_key = API_METADATA,
      .api_version = version,
      .correlation_id = correlation_id,
      .expects_response = true,
      .segments = &cluster->segment,
      .segment_count = 1,
      .timeout_us = cluster->settings.request_timeout_us,
      .complete = on_complete,
      .context = cluster,
  };
  return true;
}

static void clear_asked(struct cluster *cluster) {
  for (struct list *node = cluster->topics.next; node != &cluster->topics; node = node->next)
    LIST_ENTRY(node, struct sender_topic, node)->asked = false;
}

static void on_complete(struct request *request, const struct request_result *result) {
  struct cluster *cluster = request->context;
  cluster->request_open = false;
  if (result->status == STATUS_ABORTED) {
    clear_asked(cluster);
    return;
  }
  int16_t error_code = 0;
  bool usable = result->status == STATUS_OK && read_response(cluster, result->body, request->api_version,
                                                             false, result->now_us, &error_code);
  if (!usable) {
    if (result->status == STATUS_OK)
      network_client_close_node(cluster->client, result->node_id, STATUS_MALFORMED_RESPONSE,
                                "its metadata answer cannot be read", result->now_us);
    clear_asked(cluster);
    cluster->refresh_wanted = true;
    request_failed(cluster, result->now_us);
    return;
  }
  honour_throttle(cluster, result, request->api_version);
  if (error_code == STATUS_REBOOTSTRAP_REQUIRED && cluster->settings.rebootstrap) {
    clear_asked(cluster);
    cluster->refresh_wanted = true;
    rebootstrap(cluster, result->now_us, "a broker asked for it");
    request_failed(cluster, result->now_us);
    return;
  }
  cluster->failures = 0;
  cluster->is_bootstrapping = false;
  if (result->node_id >= 0) cluster->rebootstraps = 0;
  cluster->last_answer_us = result->now_us;
  cluster->unanswered_since_us = CLOCK_NEVER_US;
  cluster->next_attempt_us = result->now_us;
  cluster->doubted_id = NETWORK_NO_NODE; /* whoever still doubts says so when it has read the answer */
  read_response(cluster, result->body, request->api_version, true, result->now_us, &error_code);
  end_answer(cluster, result->now_us);
}

/* KIP-219: brokers ask for pauses with any answer. */
static void honour_throttle(struct cluster *cluster, const struct request_result *result, int16_t version) {
  struct wire_reader reader = result->body;
  struct metadata_response response;
  metadata_response_read(&reader, version, &response);
  if (response.throttle_ms > 0)
    network_client_throttle(cluster->client, result->node_id,
                            clock_add_us(result->now_us, (int64_t)response.throttle_ms * 1000));
}

/* What was asked about and is still wanted, or was refused, backs off. */
static void end_answer(struct cluster *cluster, int64_t now_us) {
  for (struct list *node = cluster->topics.next; node != &cluster->topics; node = node->next) {
    struct sender_topic *topic = LIST_ENTRY(node, struct sender_topic, node);
    if (!topic->asked) continue;
    topic->asked = false;
    if (topic->wanted && !topic->described) topic_unknown(cluster, topic, now_us); /* left out */
    if (!topic->wanted && topic->status == STATUS_OK) {
      topic->rounds = 0;
      topic->ask_at_us = clock_add_us(now_us, cluster->settings.retry_backoff_us);
      continue;
    }
    topic->ask_at_us =
        clock_add_us(now_us, backoff_us(cluster->random, cluster->settings.retry_backoff_us,
                                        cluster->settings.retry_backoff_max_us, topic->rounds++));
  }
}

/* Walks the whole answer; without `apply` only checks that it can be read. */
static bool read_response(struct cluster *cluster, struct wire_reader reader, int16_t version, bool apply,
                          int64_t now_us, int16_t *error_code) {
  struct metadata_response response;
  metadata_response_read(&reader, version, &response);
  if (!read_brokers(cluster, &reader, version, response.broker_count, apply, now_us)) return false;
  struct metadata_cluster described;
  metadata_response_read_cluster(&reader, version, &described);
  for (int32_t i = 0; i < described.topic_count && !reader.failed; i++)
    read_topic(cluster, &reader, version, apply, now_us);
  struct metadata_response_end end = {0};
  metadata_response_read_end(&reader, version, &end);
  *error_code = end.error_code;
  return !reader.failed;
}

static bool read_brokers(struct cluster *cluster, struct wire_reader *reader, int16_t version, int32_t count,
                         bool apply, int64_t now_us) {
  if (reader->failed || count < 0 || count > MAXIMUM_BROKERS) return false;
  struct broker_address *brokers = NULL;
  if (apply && count > 0) brokers = allocator_allocate((size_t)count * sizeof *brokers);
  for (int32_t i = 0; i < count && !reader->failed; i++) {
    struct metadata_broker broker;
    metadata_response_read_broker(reader, version, &broker);
    if (broker.port < 1 || broker.port > UINT16_MAX || broker.host.size == 0) wire_reader_fail(reader);
    if (brokers == NULL) continue;
    brokers[i] = (struct broker_address){.node_id = broker.node_id, .host = broker.host, .port = broker.port};
  }
  if (brokers != NULL && !reader->failed)
    (void)network_client_set_brokers(cluster->client, brokers, (uint32_t)count, now_us);
  allocator_free(brokers);
  return !reader->failed;
}

static void read_topic(struct cluster *cluster, struct wire_reader *reader, int16_t version, bool apply,
                       int64_t now_us) {
  struct metadata_topic topic;
  metadata_response_read_topic(reader, version, &topic);
  struct wire_reader partitions = *reader;
  for (int32_t i = 0; i < topic.partition_count && !reader->failed; i++) {
    struct metadata_partition partition;
    metadata_response_read_partition(reader, version, &partition);
    if (partition.index < 0 || partition.index >= topic.partition_count) wire_reader_fail(reader);
  }
  metadata_response_read_topic_end(reader, version);
  if (apply && !reader->failed) apply_topic(cluster, &topic, partitions, version, now_us);
}

static void apply_topic(struct cluster *cluster, const struct metadata_topic *described,
                        struct wire_reader partitions, int16_t version, int64_t now_us) {
  gate_enter(cluster->gate);
  struct topic *found = topic_registry_find(&cluster->accumulator->registry, described->name);
  gate_leave(cluster->gate);
  if (found == NULL || found->sender->topic == NULL) return;
  struct sender_topic *topic = found->sender;
  topic->described = true;
  topic->status = described->error_code;
  if (described->error_code != STATUS_OK || described->partition_count == 0) {
    if (described->error_code == STATUS_OK || status_has(described->error_code, STATUS_CLASS_RETRIABLE)) {
      topic_unknown(cluster, topic, now_us);
    } else {
      set_wanted(cluster, topic, false);
      cluster->listener.on_topic_failed(cluster->listener.context, topic, described->error_code, false);
    }
    return;
  }
  bool recreated =
      !uuid_is_zero(&topic->id) && !uuid_is_zero(&described->id) && !uuid_equal(&topic->id, &described->id);
  topic->unknown_since_us = 0;
  gate_enter(cluster->gate);
  if (recreated) accumulator_forget_partition_count(found);
  int32_t status =
      accumulator_set_partition_count(cluster->accumulator, found, described->partition_count, now_us);
  if (status == STATUS_OK) status = reserve_partitions(topic, described->partition_count);
  if (status == STATUS_OK) accumulator_end_want_metadata(found);
  gate_leave(cluster->gate);
  set_wanted(cluster, topic, status != STATUS_OK);
  if (status != STATUS_OK) return; /* without memory: asked again after the backoff, and all is news then */
  if (!uuid_is_zero(&described->id)) topic->id = described->id; /* older brokers tell none */
  /* Questions that came before the want ended are answered here, later ones want anew. */
  cluster->listener.on_described(cluster->listener.context, described, partitions, version);
  if (recreated) cluster->listener.on_recreated(cluster->listener.context, topic);
  apply_partitions(cluster, topic, described, partitions, version, recreated);
  struct cluster_answer answer = {.node_id = cluster->request.node_id, .asked_us = cluster->asked_us};
  cluster->listener.on_partitions(cluster->listener.context, topic, &answer);
}

/* Momentarily unknown, or for long: records without a partition then fail; those with one wait for their
 * timeout. */
static void topic_unknown(struct cluster *cluster, struct sender_topic *topic, int64_t now_us) {
  if (topic->unknown_since_us == 0) {
    topic->unknown_since_us = now_us;
    topic->unknown_told = false;
  }
  if (!topic->unknown_told && now_us - topic->unknown_since_us >= TELL_UNKNOWN_AFTER_US) {
    topic->unknown_told = true; /* a topic that is being made is unknown for a moment, and nobody's concern */
    LOG(cluster->settings.log, LOG_LEVEL_WARNING, "topic %s cannot be sent to yet: %s (%s)",
        topic->topic->name, status_name(topic->status), status_text(topic->status));
  }
  set_wanted(cluster, topic, true);
  if (now_us - topic->unknown_since_us < cluster->settings.propagation_max_us) return;
  set_wanted(cluster, topic, false);
  topic->unknown_since_us = 0;
  int32_t status = topic->status == STATUS_OK ? STATUS_UNKNOWN_TOPIC_OR_PARTITION : topic->status;
  cluster->listener.on_topic_failed(cluster->listener.context, topic, status, true);
}

/* STATUS_OK, STATUS_OUT_OF_MEMORY: then they are as they were. */
static int32_t reserve_partitions(struct sender_topic *topic, int32_t count) {
  if (count <= topic->partition_count) return STATUS_OK;
  struct partition_leader *leaders =
      allocator_reallocate(topic->leaders, (size_t)count * sizeof *topic->leaders);
  if (leaders == NULL) return STATUS_OUT_OF_MEMORY;
  topic->leaders = leaders;
  struct partition_load *loads = allocator_reallocate(topic->loads, (size_t)count * sizeof *loads);
  if (loads == NULL) return STATUS_OUT_OF_MEMORY;
  topic->loads = loads;
  for (; topic->partition_count < count; topic->partition_count++)
    leaders[topic->partition_count] = (struct partition_leader){-1, -1};
  return STATUS_OK;
}

static void apply_partitions(struct cluster *cluster, struct sender_topic *topic,
                             const struct metadata_topic *described, struct wire_reader partitions,
                             int16_t version, bool recreated) {
  for (int32_t i = 0; i < described->partition_count; i++) {
    struct metadata_partition partition;
    metadata_response_read_partition(&partitions, version, &partition);
    bool known = partition.error_code == STATUS_OK || partition.error_code == STATUS_REPLICA_NOT_AVAILABLE;
    struct partition_leader leader = {known ? partition.leader_id : -1, partition.leader_epoch};
    set_leader(cluster, topic, partition.index, leader, recreated);
  }
  /* What the old topic's other partitions had is nothing to the new one's, if it gets some later. */
  for (int32_t i = described->partition_count; recreated && i < topic->partition_count; i++)
    set_leader(cluster, topic, i, (struct partition_leader){-1, -1}, true);
}

static bool set_leader(struct cluster *cluster, struct sender_topic *topic, int32_t partition,
                       struct partition_leader leader, bool forced) {
  struct partition_leader *known = &topic->leaders[partition];
  bool older = leader.epoch >= 0 && leader.epoch < known->epoch;
  if (older && !forced) return false;
  bool changed = leader.id != known->id;
  *known = leader;
  if (changed || forced) cluster->listener.on_leader(cluster->listener.context, topic, partition);
  return changed;
}

static void request_failed(struct cluster *cluster, int64_t now_us) {
  cluster->next_attempt_us =
      clock_add_us(now_us, backoff_us(cluster->random, cluster->settings.retry_backoff_us,
                                      cluster->settings.retry_backoff_max_us, cluster->failures));
  cluster->failures++;
}

static void rebootstrap(struct cluster *cluster, int64_t now_us, const char *why) {
  LOG(cluster->settings.log, LOG_LEVEL_NOTICE, "starting again from the bootstrap servers: %s", why);
  network_client_rebootstrap(cluster->client, now_us);
  cluster->is_bootstrapping = true;
  cluster->unanswered_since_us = now_us;
  /* Servers that answer may name brokers that nobody reaches, over and over. */
  cluster->next_rebootstrap_us =
      clock_add_us(now_us, backoff_us(cluster->random, cluster->settings.retry_backoff_us,
                                      cluster->settings.retry_backoff_max_us, cluster->rebootstraps++));
}
