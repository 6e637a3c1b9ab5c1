#include "accumulator/partitioner.h"

#include "accumulator/partition_hash.h"
#include "base/assertion.h"
#include "base/status.h"

/* What a kind does with keys. */
struct key_rule {
  uint32_t (*hash)(struct bytes key); /* NULL: keys do not matter, and nothing is sticky */
  uint32_t mask;                      /* the bits of the hash that count */
  bool hashes_null, hashes_empty;
};

static const struct key_rule key_rules[PARTITIONER_KIND_COUNT] = {
    [PARTITIONER_DEFAULT] = {partition_hash_murmur2, INT32_MAX, false, true},
    [PARTITIONER_ROUND_ROBIN] = {NULL, 0, false, false},
    [PARTITIONER_RANDOM] = {NULL, 0, false, false},
    [PARTITIONER_CONSISTENT] = {partition_hash_crc32, UINT32_MAX, true, true},
    [PARTITIONER_CONSISTENT_RANDOM] = {partition_hash_crc32, UINT32_MAX, false, false},
    [PARTITIONER_MURMUR2] = {partition_hash_murmur2, INT32_MAX, true, true},
    [PARTITIONER_MURMUR2_RANDOM] = {partition_hash_murmur2, INT32_MAX, false, true},
    [PARTITIONER_FNV1A] = {partition_hash_fnv1a, UINT32_MAX, true, true},
    [PARTITIONER_FNV1A_RANDOM] = {partition_hash_fnv1a, UINT32_MAX, false, true},
};

static int32_t ask_callback(const struct partitioner *partitioner, struct bytes key, struct bytes value,
                            int32_t *partition);
static bool hashes(const struct partitioner *partitioner, struct bytes key);
static int32_t choose_without_key(struct partitioner *partitioner, struct random *random);
static bool is_sticky(const struct partitioner *partitioner);
static void move_on(struct partitioner *partitioner);

void partitioner_init(struct partitioner *partitioner, enum partitioner_kind kind,
                      const struct partitioner_settings *settings, const char *topic) {
  ASSERT((unsigned)kind < PARTITIONER_KIND_COUNT);
  *partitioner =
      (struct partitioner){.settings = settings, .topic = topic, .kind = kind, .sticky_partition = -1};
  partition_candidates_init(&partitioner->candidates);
}

void partitioner_deinit(struct partitioner *partitioner) {
  partition_candidates_deinit(&partitioner->candidates);
}

int32_t partitioner_resize(struct partitioner *partitioner, int32_t partition_count) {
  const int32_t status = partition_candidates_resize(&partitioner->candidates, partition_count);
  if (status != STATUS_OK) return status;
  if (partitioner->sticky_partition >= partition_count) move_on(partitioner);
  return STATUS_OK;
}

void partitioner_update(struct partitioner *partitioner, const struct partition_load *loads,
                        int32_t load_count) {
  struct partition_candidates *candidates = &partitioner->candidates;
  if (is_sticky(partitioner) && partitioner->settings->is_adaptive) {
    partition_candidates_update_weighted(candidates, loads, load_count);
  } else {
    partition_candidates_update(candidates, loads, load_count);
  }
  /* Java stays for the rest of the bytes, but nothing is gained by queueing for a broker that is gone. */
  if (!partition_candidates_contain(candidates, partitioner->sticky_partition)) move_on(partitioner);
}

int32_t partitioner_choose(struct partitioner *partitioner, struct random *random, struct bytes key,
                           struct bytes value, int32_t *partition) {
  const int32_t partition_count = partitioner->candidates.partition_count;
  ASSERT(partition_count > 0);
  if (partitioner->settings->callback.choose != NULL) {
    return ask_callback(partitioner, key, value, partition);
  }
  if (hashes(partitioner, key)) {
    const struct key_rule *rule = &key_rules[partitioner->kind];
    *partition = (int32_t)((rule->hash(key) & rule->mask) % (uint32_t)partition_count);
  } else {
    *partition = choose_without_key(partitioner, random);
  }
  return STATUS_OK;
}

bool partitioner_note_refused(struct partitioner *partitioner, struct bytes key, int32_t partition,
                              bool partition_is_full) {
  if (partitioner->settings->callback.choose != NULL || hashes(partitioner, key)) return false;
  if (partitioner->kind == PARTITIONER_ROUND_ROBIN && !partition_is_full) partitioner->turn--;
  if (partition_is_full && partition == partitioner->sticky_partition) move_on(partitioner);
  return partition_is_full;
}

static int32_t ask_callback(const struct partitioner *partitioner, struct bytes key, struct bytes value,
                            int32_t *partition) {
  const struct partitioner_callback *callback = &partitioner->settings->callback;
  const int32_t partition_count = partitioner->candidates.partition_count;
  int32_t chosen = -1;
  const int32_t status =
      callback->choose(callback->user, partitioner->topic, key, value, partition_count, &chosen);
  if (status != STATUS_OK || chosen < 0 || chosen >= partition_count) return STATUS_PARTITIONER_FAILED;
  *partition = chosen;
  return STATUS_OK;
}

static bool hashes(const struct partitioner *partitioner, struct bytes key) {
  const struct key_rule *rule = &key_rules[partitioner->kind];
  if (rule->hash == NULL) return false;
  if (partitioner->kind == PARTITIONER_DEFAULT && partitioner->settings->ignore_keys) return false;
  if (key.data == NULL) return rule->hashes_null;
  return key.size > 0 || rule->hashes_empty;
}

static int32_t choose_without_key(struct partitioner *partitioner, struct random *random) {
  const struct partition_candidates *candidates = &partitioner->candidates;
  if (partitioner->kind == PARTITIONER_ROUND_ROBIN) {
    return partition_candidates_at(candidates, partitioner->turn++);
  }
  if (!is_sticky(partitioner)) return partition_candidates_draw(candidates, random);
  if (partitioner->sticky_partition < 0) {
    partitioner->sticky_partition = partition_candidates_draw(candidates, random);
  }
  return partitioner->sticky_partition;
}

static bool is_sticky(const struct partitioner *partitioner) {
  return key_rules[partitioner->kind].hash != NULL;
}

void partitioner_note_append(struct partitioner *partitioner, int32_t partition, size_t bytes,
                             bool batch_is_open) {
  if (partition != partitioner->sticky_partition) return;
  partitioner->sticky_produced_bytes += bytes;
  const size_t produced = partitioner->sticky_produced_bytes, wanted = partitioner->settings->sticky_bytes;
  if (produced >= wanted && (!batch_is_open || produced / 2 >= wanted)) move_on(partitioner);
}

void partitioner_note_drained(struct partitioner *partitioner, int32_t partition) {
  if (partition != partitioner->sticky_partition) return;
  if (partitioner->sticky_produced_bytes >= partitioner->settings->sticky_bytes) move_on(partitioner);
}

/* The draw waits for the next record, which sees fresher loads. */
static void move_on(struct partitioner *partitioner) {
  partitioner->sticky_partition = -1;
  partitioner->sticky_produced_bytes = 0;
}
