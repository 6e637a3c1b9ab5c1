/* Memory for deliveries: places of one size, used again and again. malloc and free for each record would cost
 * more than the rest of a delivery. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_POOL_H
#define BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_POOL_H

#include "delivery.h"

typedef union delivery_place {
  delivery delivery;
  union delivery_place *next_free;
} delivery_place;

extern delivery_place *delivery_pool_free; /* belongs to the GVL's holder */

/* Makes room for more. May collect garbage. */
void delivery_pool_grow(void);

/* Memory of whatever content. */
static inline delivery *delivery_pool_take(void) {
  if (delivery_pool_free == NULL) delivery_pool_grow();
  delivery_place *taken = delivery_pool_free;
  delivery_pool_free = taken->next_free;
  return &taken->delivery;
}

/* Gives it back; also while garbage is collected. */
static inline void delivery_pool_give(delivery *delivery) {
  delivery_place *given = (delivery_place *)delivery;
  given->next_free = delivery_pool_free;
  delivery_pool_free = given;
}

#endif
