#include "cli/histogram.h"

static uint64_t slot_value_max(size_t slot);

uint64_t histogram_percentile(const struct histogram *histogram, double percent) {
  if (histogram->count == 0) return 0;
  /* The rank rounds up, less what the division by 100 may have added. */
  double exact_rank = percent / 100 * (double)histogram->count;
  uint64_t rank = (uint64_t)(exact_rank - 1e-6) + 1;
  if (exact_rank < 1) rank = 1;
  uint64_t seen = 0;
  for (size_t slot = 0; slot < HISTOGRAM_SLOT_COUNT; slot++) {
    seen += histogram->slots[slot];
    if (seen < rank) continue;
    uint64_t value = slot_value_max(slot);
    return value < histogram->value_max ? value : histogram->value_max;
  }
  return histogram->value_max;
}

/* The largest value that is counted in a slot. */
static uint64_t slot_value_max(size_t slot) {
  if (slot < HISTOGRAM_STEP_COUNT) return slot;
  size_t shift = slot / HISTOGRAM_STEP_COUNT - 1;
  uint64_t step = slot - shift * HISTOGRAM_STEP_COUNT;
  return ((step + 1) << shift) - 1;
}
