#include "accumulator/partition_candidates.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"

/* How much a partition must have to offer to be a candidate. */
enum candidacy { CANDIDACY_ANY, CANDIDACY_LEADER, CANDIDACY_DRAINING };

static enum candidacy best_candidacy(const struct partition_load *loads, int32_t load_count,
                                     enum candidacy at_most);
static enum candidacy candidacy_of(const struct partition_load *load);
static void table_fill(struct partition_candidates *candidates, const struct partition_load *loads,
                       int32_t load_count, enum candidacy wanted, bool is_weighted);
static uint32_t longest_queue(const struct partition_load *loads, int32_t load_count, enum candidacy wanted);
static int32_t first_above(const struct partition_candidates *candidates, uint32_t drawn);

void partition_candidates_init(struct partition_candidates *candidates) {
  *candidates = (struct partition_candidates){0};
}

void partition_candidates_deinit(struct partition_candidates *candidates) {
  allocator_free(candidates->entries);
}

int32_t partition_candidates_resize(struct partition_candidates *candidates, int32_t partition_count) {
  ASSERT(partition_count > 0);
  if (partition_count > candidates->capacity) {
    struct partition_candidate *entries =
        allocator_allocate_zeroed((size_t)partition_count, sizeof(struct partition_candidate));
    if (entries == NULL) return STATUS_OUT_OF_MEMORY;
    allocator_free(candidates->entries);
    candidates->entries = entries;
    candidates->capacity = partition_count;
  }
  candidates->partition_count = partition_count;
  candidates->count = 0;
  return STATUS_OK;
}

void partition_candidates_update(struct partition_candidates *candidates, const struct partition_load *loads,
                                 int32_t load_count) {
  table_fill(candidates, loads, load_count, best_candidacy(loads, load_count, CANDIDACY_LEADER), false);
}

void partition_candidates_update_weighted(struct partition_candidates *candidates,
                                          const struct partition_load *loads, int32_t load_count) {
  table_fill(candidates, loads, load_count, best_candidacy(loads, load_count, CANDIDACY_DRAINING), true);
}

static enum candidacy best_candidacy(const struct partition_load *loads, int32_t load_count,
                                     enum candidacy at_most) {
  enum candidacy best = CANDIDACY_ANY;
  for (int32_t index = 0; index < load_count && best < at_most; index++) {
    const enum candidacy own = candidacy_of(&loads[index]);
    if (own > best) best = own;
  }
  return best < at_most ? best : at_most;
}

static enum candidacy candidacy_of(const struct partition_load *load) {
  if (!load->has_leader) return CANDIDACY_ANY;
  return load->is_draining ? CANDIDACY_DRAINING : CANDIDACY_LEADER;
}

static void table_fill(struct partition_candidates *candidates, const struct partition_load *loads,
                       int32_t load_count, enum candidacy wanted, bool is_weighted) {
  ASSERT(load_count <= candidates->partition_count);
  candidates->count = 0;
  if (load_count == 0) return;
  /* No sum of so many weights overflows. */
  const uint32_t largest_weight = UINT32_MAX / (uint32_t)load_count;
  const uint32_t longest = is_weighted ? longest_queue(loads, load_count, wanted) : 0;
  bool differ = false;
  uint32_t sum = 0;
  for (int32_t index = 0; index < load_count; index++) {
    if (candidacy_of(&loads[index]) < wanted) continue;
    const uint32_t shorter_by = is_weighted ? longest - loads[index].batch_count : 0;
    differ = differ || shorter_by > 0;
    sum += shorter_by < largest_weight ? shorter_by + 1 : largest_weight;
    candidates->entries[candidates->count++] =
        (struct partition_candidate){.partition = index, .weight_up_to_here = sum};
  }
  /* All alike, and the table would say no more than its absence. */
  if (candidates->count == candidates->partition_count && !differ) candidates->count = 0;
}

static uint32_t longest_queue(const struct partition_load *loads, int32_t load_count, enum candidacy wanted) {
  uint32_t longest = 0;
  for (int32_t index = 0; index < load_count; index++) {
    if (candidacy_of(&loads[index]) < wanted) continue;
    if (loads[index].batch_count > longest) longest = loads[index].batch_count;
  }
  return longest;
}

int32_t partition_candidates_draw(const struct partition_candidates *candidates, struct random *random) {
  ASSERT(candidates->partition_count > 0);
  if (candidates->count == 0) return (int32_t)random_below(random, (uint32_t)candidates->partition_count);
  const uint32_t sum = candidates->entries[candidates->count - 1].weight_up_to_here;
  return candidates->entries[first_above(candidates, random_below(random, sum))].partition;
}

/* The entry that a number below the sum of all weights falls to. */
static int32_t first_above(const struct partition_candidates *candidates, uint32_t drawn) {
  int32_t low = 0, high = candidates->count - 1;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (candidates->entries[middle].weight_up_to_here > drawn) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

int32_t partition_candidates_at(const struct partition_candidates *candidates, uint32_t turn) {
  ASSERT(candidates->partition_count > 0);
  if (candidates->count == 0) return (int32_t)(turn % (uint32_t)candidates->partition_count);
  return candidates->entries[turn % (uint32_t)candidates->count].partition;
}

bool partition_candidates_contain(const struct partition_candidates *candidates, int32_t partition) {
  if (candidates->count == 0) return partition >= 0 && partition < candidates->partition_count;
  int32_t low = 0, high = candidates->count;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (candidates->entries[middle].partition < partition) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < candidates->count && candidates->entries[low].partition == partition;
}
