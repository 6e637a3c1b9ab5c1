#include "cli/pacer.h"

static const int64_t second_ns = 1000000000;
static const int64_t burst_ns = 1000000;

void pacer_init(struct pacer *pacer, int64_t rate, int64_t now_ns) {
  *pacer = (struct pacer){.start_ns = now_ns, .rate = rate};
}

int64_t pacer_due(const struct pacer *pacer, int64_t now_ns) {
  int64_t elapsed_ns = now_ns - pacer->start_ns;
  if (elapsed_ns < 0) return 0;
  /* Whole seconds apart, so that the product stays small. */
  int64_t due_count =
      elapsed_ns / second_ns * pacer->rate + elapsed_ns % second_ns * pacer->rate / second_ns + 1;
  int64_t burst_count = pacer->rate * burst_ns / second_ns;
  if (burst_count < 1) burst_count = 1;
  int64_t count = due_count - pacer->sent_count;
  if (count < 0) return 0;
  return count < burst_count ? count : burst_count;
}

int64_t pacer_next_ns(const struct pacer *pacer, int64_t now_ns) {
  int64_t whole_ns = pacer->sent_count / pacer->rate * second_ns;
  int64_t part_ns = (pacer->sent_count % pacer->rate * second_ns + pacer->rate - 1) / pacer->rate;
  int64_t due_ns = pacer->start_ns + whole_ns + part_ns;
  return due_ns > now_ns + burst_ns ? due_ns : now_ns + burst_ns;
}
