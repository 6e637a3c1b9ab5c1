/* Spreads records evenly over time. Knows no clock. One thread.
 * Record i is due at start_ns + i / rate. One that is late is sent at once, so that a pause does not lower
 * the rate, but never more than a millisecond's worth in a row without looking at the clock again. */
#ifndef CLI_PACER_H
#define CLI_PACER_H

#include <stdint.h>

/* rate is in (0, PACER_RATE_MAX], where nothing below overflows in a century. */
#define PACER_RATE_MAX INT64_C(1000000000)

struct pacer {
  int64_t start_ns;
  int64_t rate; /* records a second */
  int64_t sent_count;
};

void pacer_init(struct pacer *pacer, int64_t rate, int64_t now_ns);

/* How many records may be sent now, in one go: 0 if none is due. */
int64_t pacer_due(const struct pacer *pacer, int64_t now_ns);

/* When to look again if none is due: at the next record's time, but a millisecond after now_ns at the
 * earliest, since waking for each record of a high rate would be the load that is measured. */
int64_t pacer_next_ns(const struct pacer *pacer, int64_t now_ns);

static inline void pacer_advance(struct pacer *pacer, int64_t count) {
  pacer->sent_count += count;
}

#endif
