#include "delivery_pool.h"

/* 64 KiB at a time. They are kept: what was needed once will be needed again. */
enum { PLACES_AT_ONCE = 1023, CACHE_LINE_BYTES = 64 };

_Static_assert(sizeof(delivery_place) == CACHE_LINE_BYTES, "a delivery fills a line of the cache");

delivery_place *delivery_pool_free;

void delivery_pool_grow(void) {
  char *memory = ALLOC_N(char, (PLACES_AT_ONCE + 1) * sizeof(delivery_place));
  delivery_place *places =
      (delivery_place *)(memory + CACHE_LINE_BYTES - (uintptr_t)memory % CACHE_LINE_BYTES);
  for (size_t index = 0; index < PLACES_AT_ONCE; index++) {
    places[index].next_free = delivery_pool_free;
    delivery_pool_free = &places[index];
  }
}
