/* Values that stand elsewhere: ${env:NAME}, ${file:/path:key}, ${directory:/path:name}, as Kafka's config
 * providers of those names have it. Only those that config.providers names are looked up; each is a way for
 * whoever writes the configuration to read what the process may read. */
#ifndef PRODUCER_CONFIG_PROVIDERS_H
#define PRODUCER_CONFIG_PROVIDERS_H

#include "base/log.h"
#include "producer/config.h"

/* The files that were read. */
struct config_sources {
  char **paths;
  uint32_t count;
};

/* Makes a copy of config in which all values are what they refer to. sources (may be NULL) is to be ended
 * with config_sources_deinit. log (may be NULL) is warned of files that others may read. Statuses: OK,
 * INVALID_SETTING (nothing stands there, or what does is not allowed), FILE_UNREADABLE, OUT_OF_MEMORY; error
 * names the setting and the reference, never what it refers to. Blocks for the file system. */
int32_t config_providers_resolve(const struct config *config, const struct log *log,
                                 struct config_sources *sources, struct config **resolved,
                                 struct config_error *error);

void config_sources_deinit(struct config_sources *sources);

#endif
