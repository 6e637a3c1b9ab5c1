#include "support/settled_batch.h"

#include "accumulator/topic.h"
#include "base/status.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static void make(struct batch *batch, const char *pattern, uint64_t first_opaque, void *user,
                 struct sync_send *const *sync_sends);

enum { BLOCK_BYTES = 8192 };

static struct topic topic = {.id = 42};
static struct partition partition = {.index = 6};

void settled_batch_make(struct batch *batch, const char *pattern, uint64_t first_opaque, void *user) {
  make(batch, pattern, first_opaque, user, NULL);
}

void settled_batch_make_for(struct batch *batch, const char *pattern, uint64_t first_opaque,
                            struct sync_send *const *sync_sends) {
  make(batch, pattern, first_opaque, NULL, sync_sends);
}

void settled_batch_free(struct batch *batch) {
  free(batch->block);
  batch->block = NULL;
}

void settled_batch_callback(void *user, const struct report *report) {
  (void)user, (void)report;
  ck_abort_msg("called");
}

static void make(struct batch *batch, const char *pattern, uint64_t first_opaque, void *user,
                 struct sync_send *const *sync_sends) {
  uint8_t *block = malloc(BLOCK_BYTES);
  ck_assert_ptr_nonnull(block);
  bool wide = strspn(pattern, ".") != strlen(pattern);
  memset(batch, 0, sizeof *batch);
  batch_init(batch, block, BLOCK_BYTES, BLOCK_BYTES, UINT32_MAX, wide, 0);
  for (const char *kind = pattern; *kind != '\0'; kind++) {
    struct record record = {.value = bytes_of_string("value")};
    struct batch_entry entry = {.opaque = first_opaque + (uint64_t)(kind - pattern), .timestamp_ms = 1000};
    if (*kind == 's') {
      entry.callback = sync_send_marker;
      entry.user = sync_sends == NULL ? user : *sync_sends++;
    } else if (*kind == 'c') {
      entry.callback = settled_batch_callback;
      entry.user = user;
    }
    ck_assert(batch_append(batch, &record, record_bound(&record), &entry));
  }
  list_init(&batch->queue_node);
  batch->topic = &topic;
  batch->partition = &partition;
  batch_settle(batch, OUTCOME_DELIVERED, STATUS_OK, 100, -1, 5);
}
