#include "producer/sync_send.h"

#include "base/allocator.h"
#include "base/assertion.h"

struct sync_send *sync_send_create(void) {
  struct sync_send *sync_send = allocator_allocate_zeroed(1, sizeof *sync_send);
  if (sync_send != NULL) sync_send->references = 1;
  return sync_send;
}

void sync_send_release(struct sync_send *sync_send) {
  ASSERT(sync_send->references > 0);
  sync_send->references--;
  if (sync_send->references == 0) allocator_free(sync_send);
}

void sync_send_marker(void *user, const struct report *report) {
  (void)user, (void)report;
  ASSERT(user == NULL && "the marker is compared, never called");
}

uint32_t sync_send_answer(const struct batch *batch) {
  if (batch->entry_bytes != BATCH_WIDE_ENTRY_BYTES) return 0;
  uint32_t answered = 0;
  for (uint32_t i = 0; i < batch->record_count; i++) {
    const struct batch_entry *entry = batch_entry(batch, i);
    if (entry->callback != sync_send_marker) continue;
    struct sync_send *sync_send = entry->user;
    batch_report(batch, i, &sync_send->report);
    sync_send->done = true;
    sync_send_release(sync_send);
    answered++;
  }
  return answered;
}
