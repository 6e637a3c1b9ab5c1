/* Which records were accepted before a flush. A flush ends an epoch; it is done when no record of that epoch
 * or an earlier one is unfinished, whatever is sent meanwhile. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_EPOCHS_H
#define BINDINGS_RUBY_EXT_SENDOFF_EPOCHS_H

#include <stdbool.h>
#include <stdint.h>

/* Counts per epoch, from the first that has unfinished records to the current one. Belongs to the GVL's
 * holder. */
typedef struct epochs {
  uint64_t *unfinished; /* of first, first + 1, ... */
  uint32_t first;       /* goes round, as differences do */
  uint32_t count;       /* at least 1 after epochs_init */
  uint32_t capacity;
  uint64_t total;
} epochs;

void epochs_init(epochs *epochs);
void epochs_free(epochs *epochs);

/* Counts a record to the current epoch, which it returns. */
static inline uint32_t epochs_enter(epochs *epochs) {
  epochs->unfinished[epochs->count - 1]++;
  epochs->total++;
  return epochs->first + epochs->count - 1;
}

/* Leaves out the epochs at the beginning that are finished. */
void epochs_advance(epochs *epochs);

/* The record of that epoch is finished. */
static inline void epochs_leave(epochs *epochs, uint32_t epoch) {
  epochs->total--;
  if (--epochs->unfinished[epoch - epochs->first] == 0 && epochs->count > 1) epochs_advance(epochs);
}

/* Ends the current epoch and returns it. */
uint32_t epochs_end(epochs *epochs);
/* Whether everything up to that epoch is finished. */
bool epochs_is_finished(const epochs *epochs, uint32_t epoch);

#endif
