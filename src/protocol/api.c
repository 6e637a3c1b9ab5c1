#include "protocol/api.h"

#include <stddef.h>

static const struct api_range ranges[] = {
#define API(key, name, minimum, maximum, first_flexible) {key, minimum, maximum, first_flexible, #name},
#include "protocol/api.def"
#undef API
};

const struct api_range *api_range_of(int16_t key) {
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
    if (ranges[i].key == key) return &ranges[i];
  return NULL;
}

const struct api_range *api_ranges(uint32_t *count) {
  *count = sizeof ranges / sizeof ranges[0];
  return ranges;
}

bool api_is_flexible(int16_t key, int16_t version) {
  const struct api_range *range = api_range_of(key);
  return range != NULL && version >= range->first_flexible;
}

void api_versions_clear(struct api_versions *versions) {
  for (size_t i = 0; i < API_VERSIONS_KEY_COUNT; i++) {
    versions->offered[i].minimum = 0;
    versions->offered[i].maximum = -1;
  }
}

int16_t api_versions_choose(const struct api_versions *versions, int16_t key, int16_t cap) {
  const struct api_range *range = api_range_of(key);
  if (range == NULL || key < 0 || key >= API_VERSIONS_KEY_COUNT) return -1;
  int16_t highest = versions->offered[key].maximum;
  if (highest > range->maximum) highest = range->maximum;
  if (highest > cap) highest = cap;
  int16_t lowest = versions->offered[key].minimum;
  if (lowest < range->minimum) lowest = range->minimum;
  return highest >= lowest ? highest : -1;
}
