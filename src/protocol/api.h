/* The Kafka APIs that Sendoff speaks: as client, and Fetch, ListOffsets and FindCoordinator only as the
 * embedded broker. */
#ifndef PROTOCOL_API_H
#define PROTOCOL_API_H

#include <stdbool.h>
#include <stdint.h>

enum api_key {
#define API(key, name, minimum, maximum, first_flexible) API_##name = (key),
#include "protocol/api.def"
#undef API
};

/* The range that our encoders and decoders know, and the first version with compact types and tagged fields.
 */
struct api_range {
  int16_t key, minimum, maximum, first_flexible;
  const char *name;
};

/* NULL for an API that is not in api.def. */
const struct api_range *api_range_of(int16_t key);
/* All rows in order of key; *count receives their number. */
const struct api_range *api_ranges(uint32_t *count);
/* Whether requests (header v2) and responses (header v1; ApiVersions always v0) of this version are flexible.
 */
bool api_is_flexible(int16_t key, int16_t version);

enum { API_VERSIONS_KEY_COUNT = 128 }; /* larger keys are not kept: all that Sendoff speaks are below */

/* The versions a broker offers, by API key. */
struct api_versions {
  struct {
    int16_t minimum, maximum; /* maximum -1: not offered */
  } offered[API_VERSIONS_KEY_COUNT];
};

void api_versions_clear(struct api_versions *versions);
/* The highest version that both sides know, at most `cap`; -1 if there is none. */
int16_t api_versions_choose(const struct api_versions *versions, int16_t key, int16_t cap);

#endif
