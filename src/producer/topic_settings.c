#include "producer/topic_settings.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "producer/resolution.h"
#include "producer/setting_value.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct topic_override {
  char *name;
  struct topic_settings settings;
};

/* In place of a topic's index: the producer's own values. */
#define PRODUCER_TIER UINT32_MAX

static int32_t tier_resolve(const struct resolution *resolution, uint32_t tier,
                            struct topic_settings *settings);
static int32_t acks_resolve(const struct resolution *resolution, uint32_t tier, int16_t *acks);
static int32_t codec_resolve(const struct resolution *resolution, uint32_t tier,
                             enum compression_codec *codec);
static int32_t level_resolve(const struct resolution *resolution, uint32_t tier, enum compression_codec codec,
                             int32_t *level);
static int32_t tier_level(const struct resolution *resolution, uint32_t tier, enum setting own,
                          int32_t *level, bool *found);
static int compare_overrides(const void *a, const void *b);
static int compare_name(const void *name, const void *override);

void settings_for_topic(const struct settings *settings, struct bytes topic_name,
                        struct topic_settings *out) {
  const struct topic_override *found = NULL;
  if (settings->override_count > 0) {
    found = bsearch(&topic_name, settings->overrides, settings->override_count, sizeof(*settings->overrides),
                    compare_name);
  }
  *out = found != NULL ? found->settings : settings->topic;
}

int32_t topic_settings_resolve_defaults(const struct resolution *resolution) {
  return tier_resolve(resolution, PRODUCER_TIER, &resolution->settings->topic);
}

int32_t topic_settings_resolve_overrides(const struct resolution *resolution) {
  uint32_t count = config_topic_count(resolution->config);
  if (count == 0) return STATUS_OK;
  struct settings *settings = resolution->settings;
  settings->overrides = allocator_allocate_zeroed(count, sizeof(*settings->overrides));
  if (settings->overrides == NULL) return STATUS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    struct topic_override *override = &settings->overrides[i];
    override->name = allocator_copy_string(config_topic_name(resolution->config, i));
    if (override->name == NULL) return STATUS_OUT_OF_MEMORY;
    settings->override_count++;
    override->settings = settings->topic;
    int32_t status = tier_resolve(resolution, i, &override->settings);
    if (status != STATUS_OK) return status;
  }
  qsort(settings->overrides, count, sizeof(*settings->overrides), compare_overrides);
  return STATUS_OK;
}

void topic_settings_free_overrides(struct settings *settings) {
  for (uint32_t i = 0; i < settings->override_count; i++)
    allocator_free(settings->overrides[i].name);
  allocator_free(settings->overrides);
  settings->overrides = NULL;
  settings->override_count = 0;
}

/* The text that was set for the topic, or for the producer; NULL if none was. */
static const char *tier_text(const struct resolution *resolution, uint32_t tier, enum setting setting) {
  if (tier == PRODUCER_TIER) return config_value(resolution->config, setting);
  return config_topic_value(resolution->config, tier, setting);
}

/* As tier_text, but the producer's defaults count as set. */
static const char *tier_text_or_default(const struct resolution *resolution, uint32_t tier,
                                        enum setting setting) {
  return tier == PRODUCER_TIER ? resolution_text(resolution, setting) : tier_text(resolution, tier, setting);
}

static int64_t number_of(enum setting setting, const char *text) {
  int64_t number = 0;
  bool allowed = setting_value_read(setting, text, &number);
  ASSERT(allowed); /* config_set let it in, or it is a default of ours */
  return number;
}

/* What a tier's names begin with: "topic.orders." or nothing. */
struct prefix {
  char text[300];
};

static struct prefix tier_prefix(const struct resolution *resolution, uint32_t tier) {
  struct prefix prefix = {.text = ""};
  if (tier != PRODUCER_TIER) {
    const char *name = config_topic_name(resolution->config, tier);
    (void)snprintf(prefix.text, sizeof(prefix.text), "topic.%s.", name);
  }
  return prefix;
}

/* Replaces what the tier has values for. */
static int32_t tier_resolve(const struct resolution *resolution, uint32_t tier,
                            struct topic_settings *settings) {
  const char *partitioner = tier_text_or_default(resolution, tier, SETTING_PARTITIONER_CLASS);
  if (partitioner != NULL) {
    settings->partitioner = (enum partitioner_choice)number_of(SETTING_PARTITIONER_CLASS, partitioner);
  }
  const char *timeout = tier_text(resolution, tier, SETTING_DELIVERY_TIMEOUT_MS);
  if (timeout != NULL && tier != PRODUCER_TIER) {
    settings->delivery_timeout_us = number_of(SETTING_DELIVERY_TIMEOUT_MS, timeout);
  }
  int32_t status = acks_resolve(resolution, tier, &settings->acks);
  if (status == STATUS_OK) status = codec_resolve(resolution, tier, &settings->compression);
  if (status != STATUS_OK) return status;
  return level_resolve(resolution, tier, settings->compression, &settings->compression_level);
}

static int32_t acks_resolve(const struct resolution *resolution, uint32_t tier, int16_t *acks) {
  static const int16_t meanings[] = {-1, -1, 0, 1}; /* of all, -1, 0, 1 */
  const char *text = tier_text_or_default(resolution, tier, SETTING_ACKS);
  if (text == NULL) return STATUS_OK;
  int16_t wanted = meanings[number_of(SETTING_ACKS, text)];
  if (wanted != -1 && resolution->settings->enable_idempotence) {
    bool chosen = resolution_is_set(resolution, SETTING_ENABLE_IDEMPOTENCE);
    config_error_set(resolution->error,
                     "%sacks=%s contradicts enable.idempotence=true%s: set acks=all, or "
                     "enable.idempotence=false to go without its protection from duplicates",
                     tier_prefix(resolution, tier).text, text, chosen ? "" : " (the default)");
    return STATUS_INVALID_SETTING;
  }
  *acks = wanted;
  return STATUS_OK;
}

static int32_t codec_resolve(const struct resolution *resolution, uint32_t tier,
                             enum compression_codec *codec) {
  const char *text = tier_text_or_default(resolution, tier, SETTING_COMPRESSION_TYPE);
  if (text == NULL) return STATUS_OK;
  enum compression_codec wanted = (enum compression_codec)number_of(SETTING_COMPRESSION_TYPE, text);
  if (!compression_is_available(wanted)) {
    config_error_set(resolution->error, "%scompression.type=%s: this library was built without %s",
                     tier_prefix(resolution, tier).text, text, text);
    return STATUS_INVALID_SETTING;
  }
  *codec = wanted;
  return STATUS_OK;
}

/* The topic's level goes before the producer's, and that before the codec's default. */
static int32_t level_resolve(const struct resolution *resolution, uint32_t tier, enum compression_codec codec,
                             int32_t *level) {
  enum setting own;
  switch (codec) {
  case COMPRESSION_GZIP: own = SETTING_COMPRESSION_GZIP_LEVEL; break;
  case COMPRESSION_LZ4: own = SETTING_COMPRESSION_LZ4_LEVEL; break;
  case COMPRESSION_ZSTD: own = SETTING_COMPRESSION_ZSTD_LEVEL; break;
  default: *level = 0; return STATUS_OK;
  }
  bool found = false;
  int32_t status = tier_level(resolution, tier, own, level, &found);
  if (status == STATUS_OK && !found && tier != PRODUCER_TIER) {
    status = tier_level(resolution, PRODUCER_TIER, own, level, &found);
  }
  if (status == STATUS_OK && !found) *level = (int32_t)number_of(own, setting_row(own)->default_text);
  return status;
}

/* The codec's own setting, or librdkafka's compression.level, for which -1 is no level. */
static int32_t tier_level(const struct resolution *resolution, uint32_t tier, enum setting own,
                          int32_t *level, bool *found) {
  const char *own_text = tier_text(resolution, tier, own);
  const char *common_text = tier_text(resolution, tier, SETTING_COMPRESSION_LEVEL);
  if (common_text != NULL && strcmp(common_text, "-1") == 0) common_text = NULL;
  if (own_text == NULL && common_text == NULL) return STATUS_OK;
  int64_t own_level = 0, common_level = 0;
  if (own_text != NULL) own_level = number_of(own, own_text);
  if (common_text != NULL && !setting_value_read(own, common_text, &common_level)) {
    char allowed[200];
    setting_value_describe(own, allowed, sizeof(allowed));
    config_error_set(resolution->error, "%scompression.level=%s does not suit compression.type: %s %s",
                     tier_prefix(resolution, tier).text, common_text, setting_row(own)->name, allowed);
    return STATUS_INVALID_SETTING;
  }
  if (own_text != NULL && common_text != NULL && own_level != common_level) {
    struct prefix prefix = tier_prefix(resolution, tier);
    config_error_set(resolution->error, "%s%s=%s contradicts %scompression.level=%s: set one of them",
                     prefix.text, setting_row(own)->name, own_text, prefix.text, common_text);
    return STATUS_INVALID_SETTING;
  }
  *level = (int32_t)(own_text != NULL ? own_level : common_level);
  *found = true;
  return STATUS_OK;
}

static int compare_overrides(const void *a, const void *b) {
  const struct topic_override *first = a, *second = b;
  return strcmp(first->name, second->name);
}

/* A key of bytes, since topic names come without a terminator. */
static int compare_name(const void *name, const void *override) {
  const struct bytes *key = name;
  const struct topic_override *candidate = override;
  size_t size = strlen(candidate->name);
  size_t common = key->size < size ? key->size : size;
  int order = common == 0 ? 0 : memcmp(key->data, candidate->name, common);
  if (order != 0) return order;
  return key->size < size ? -1 : key->size > size;
}
