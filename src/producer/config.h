/* The set of values a producer is configured with: by Kafka's names, librdkafka's as aliases, and per topic
 * as topic.NAME.setting. Values are text, checked one by one as they are set; how they fit together is
 * checked by settings_resolve. One thread at a time. Nothing here blocks. */
#ifndef PRODUCER_CONFIG_H
#define PRODUCER_CONFIG_H

#include "base/secret.h"
#include "producer/config_error.h"
#include "producer/setting_table.h"
#include <stdint.h>

struct config;

/* An empty set, where all defaults hold, freed with config_destroy. Statuses: OK, OUT_OF_MEMORY. */
int32_t config_create(struct config **config);

/* NULL is allowed. */
void config_destroy(struct config *config);

/* A set of its own with the same values. Statuses: OK, OUT_OF_MEMORY. */
int32_t config_copy(const struct config *config, struct config **copy);

/* Sets a value; what was set under that name (or an alias of it) before is replaced. White space around the
 * value is dropped. A value that refers to a config provider (${env:NAME}, while config.providers is set) is
 * taken as it is, and checked when it is looked up. Statuses: OK, INVALID_ARGUMENT (NULL, or no name),
 * INVALID_SETTING, UNKNOWN_SETTING, OUT_OF_MEMORY; on failure nothing has changed. */
int32_t config_set(struct config *config, const char *name, const char *value, struct config_error *error);

/* Back to the default (or, of a topic's setting, to the producer's). Statuses: OK, INVALID_ARGUMENT,
 * UNKNOWN_SETTING. */
int32_t config_unset(struct config *config, const char *name, struct config_error *error);

/* The value in force: as set, else the default; of a topic's setting, else what holds for the producer.
 * *value receives a text that lives until the config is changed, or NULL where there is none. Passwords, and
 * what unknown.settings=warn let pass, are "[hidden]". An alias reads
 * as its target, in the target's unit. Statuses: OK, INVALID_ARGUMENT, UNKNOWN_SETTING. */
int32_t config_get(const struct config *config, const char *name, const char **value);

/* Exchanges what two sets hold. */
void config_swap(struct config *a, struct config *b);

/* For config_providers.h. Puts what `expand` makes of it in the place of each value that may hold references
 * ("${"), checked as config_set would. error names the setting and the value as it was. Statuses: as
 * config_set, and those of expand. */
struct config_expansion {
  int32_t (*expand)(void *context, const char *name, const char *text, struct secret **expanded,
                    struct config_error *error);
  void *context;
};
int32_t config_expand(struct config *config, const struct config_expansion *expansion,
                      struct config_error *error);

/* For settings_resolve. The text that was set, NULL if none was. Of a password: its own, to be shown nowhere.
 */
const char *config_value(const struct config *config, enum setting setting);
/* As the bytes it is kept in: valid until the config is changed, NULL if none was set. */
const struct secret *config_secret(const struct config *config, enum setting setting);
uint32_t config_topic_count(const struct config *config);
const char *config_topic_name(const struct config *config, uint32_t index);
const char *config_topic_value(const struct config *config, uint32_t index, enum setting setting);
/* The names that unknown.settings=warn let pass, from index 0 on; NULL behind the last. */
const char *config_ignored_name(const struct config *config, uint32_t index);

#endif
