/* Counts of values by size, log-linear as in HdrHistogram: exact below 128, within 1/128 above, up to
 * HISTOGRAM_VALUE_MAX, where larger ones are counted too. The unit is the caller's. No lock. */
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
  HISTOGRAM_STEP_BITS = 7, /* 128 steps for each power of two */
  HISTOGRAM_STEP_COUNT = 1 << HISTOGRAM_STEP_BITS,
  HISTOGRAM_VALUE_BITS = 40,
  HISTOGRAM_SLOT_COUNT = (HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1) * HISTOGRAM_STEP_COUNT
};
#define HISTOGRAM_VALUE_MAX (((uint64_t)1 << HISTOGRAM_VALUE_BITS) - 1)

/* All zeros is an empty histogram. */
struct histogram {
  uint64_t count;
  uint64_t value_max; /* as recorded, exact */
  uint64_t slots[HISTOGRAM_SLOT_COUNT];
};

/* Where a value is counted. */
static inline size_t histogram_slot(uint64_t value) {
  if (value < HISTOGRAM_STEP_COUNT) return (size_t)value;
  if (value > HISTOGRAM_VALUE_MAX) value = HISTOGRAM_VALUE_MAX;
  uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
  return (size_t)shift * HISTOGRAM_STEP_COUNT + (size_t)(value >> shift);
}

/* Negative values, as a clock that went back may give, count as 0. In the header since it runs for each
 * record of a benchmark. */
static inline void histogram_add(struct histogram *histogram, int64_t signed_value) {
  uint64_t value = signed_value > 0 ? (uint64_t)signed_value : 0;
  histogram->count++;
  histogram->slots[histogram_slot(value)]++;
  if (value > histogram->value_max) histogram->value_max = value;
}

/* The smallest counted value that at least percent (0 to 100) of all values do not exceed, to the
 * histogram's precision (never more than value_max); 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
