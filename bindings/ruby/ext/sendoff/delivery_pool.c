#include "delivery_pool.h"

/* 64 KiB at a time. They are kept: what was needed once will be needed again. */
enum { PLACES_AT_ONCE = 1023, CACHE_LINE_BYTES = 64 };

typedef union place {
  delivery delivery;
  union place *next_free;
} place;

_Static_assert(sizeof(place) == CACHE_LINE_BYTES, "a delivery fills a line of the cache");

static place *free_places; /* belongs to the GVL's holder */

static void grow(void) {
  char *memory = ALLOC_N(char, (PLACES_AT_ONCE + 1) * sizeof(place));
  place *places = (place *)(memory + CACHE_LINE_BYTES - (uintptr_t)memory % CACHE_LINE_BYTES);
  for (size_t index = 0; index < PLACES_AT_ONCE; index++) {
    places[index].next_free = free_places;
    free_places = &places[index];
  }
}

delivery *delivery_pool_take(void) {
  if (free_places == NULL) grow();
  place *taken = free_places;
  free_places = taken->next_free;
  memset(taken, 0, sizeof *taken);
  return &taken->delivery;
}

void delivery_pool_give(delivery *delivery) {
  place *given = (place *)delivery;
  given->next_free = free_places;
  free_places = given;
}
