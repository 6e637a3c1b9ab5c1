#include "epochs.h"

#include <ruby.h>

enum { FIRST_CAPACITY = 4 };

void epochs_init(epochs *epochs) {
  epochs->unfinished = ALLOC_N(uint64_t, FIRST_CAPACITY);
  epochs->unfinished[0] = 0;
  epochs->capacity = FIRST_CAPACITY;
  epochs->count = 1;
}

void epochs_free(epochs *epochs) {
  xfree(epochs->unfinished);
}

void epochs_advance(epochs *epochs) {
  uint32_t finished = 0;
  while (finished + 1 < epochs->count && epochs->unfinished[finished] == 0)
    finished++;
  epochs->count -= finished;
  epochs->first += finished;
  MEMMOVE(epochs->unfinished, epochs->unfinished + finished, uint64_t, epochs->count);
}

/* An epoch without records is not worth ending: what is before it decides. */
uint32_t epochs_end(epochs *epochs) {
  uint32_t current = epochs->first + epochs->count - 1;
  if (epochs->unfinished[epochs->count - 1] == 0) return current - 1;
  if (epochs->count == epochs->capacity) {
    REALLOC_N(epochs->unfinished, uint64_t, (size_t)epochs->capacity * 2);
    epochs->capacity *= 2;
  }
  epochs->unfinished[epochs->count++] = 0;
  return current;
}

bool epochs_is_finished(const epochs *epochs, uint32_t epoch) {
  return epoch - epochs->first >= epochs->count;
}
