/* What can be set per topic (topic.NAME.setting). */
#ifndef PRODUCER_TOPIC_SETTINGS_H
#define PRODUCER_TOPIC_SETTINGS_H

#include "base/bytes.h"
#include "protocol/compression.h"
#include <stdint.h>

struct resolution;
struct settings;

/* The order is that of partitioner.class's values. */
enum partitioner_choice {
  PARTITIONER_CHOICE_DEFAULT, /* murmur2 for keys (unless partitioner.ignore.keys), sticky uniform without */
  PARTITIONER_CHOICE_ROUND_ROBIN,
  PARTITIONER_CHOICE_RANDOM,
  PARTITIONER_CHOICE_CONSISTENT,        /* CRC32; null and empty keys all to one partition */
  PARTITIONER_CHOICE_CONSISTENT_RANDOM, /* CRC32; null and empty keys by chance */
  PARTITIONER_CHOICE_MURMUR2,           /* null keys all to one partition */
  PARTITIONER_CHOICE_MURMUR2_RANDOM,    /* null keys by chance */
  PARTITIONER_CHOICE_FNV1A,
  PARTITIONER_CHOICE_FNV1A_RANDOM,
};

/* Of one topic, or of all that have none of their own. */
struct topic_settings {
  int16_t acks; /* -1 (all), 0 or 1 */
  enum compression_codec compression;
  int32_t compression_level; /* of that codec; 0 for none and snappy; gzip also -1: its own default */
  enum partitioner_choice partitioner;
  int64_t delivery_timeout_us;
};

/* The settings of one topic. Any thread; neither blocks nor fails. */
void settings_for_topic(const struct settings *settings, struct bytes topic_name, struct topic_settings *out);

/* For settings_resolve: fills in settings->topic but its delivery timeout. Statuses: OK, INVALID_SETTING. */
int32_t topic_settings_resolve_defaults(const struct resolution *resolution);

/* For settings_resolve: fills in the overrides, whose other values are settings->topic's. Statuses: OK,
 * INVALID_SETTING, OUT_OF_MEMORY. */
int32_t topic_settings_resolve_overrides(const struct resolution *resolution);

/* For settings_deinit. */
void topic_settings_free_overrides(struct settings *settings);

#endif
