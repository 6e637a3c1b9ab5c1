/* Memory for deliveries: places of one size, used again and again. malloc and free for each record would cost
 * more than the rest of a delivery. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_POOL_H
#define BINDINGS_RUBY_EXT_SENDOFF_DELIVERY_POOL_H

#include "delivery.h"

/* A zeroed delivery. May collect garbage. */
delivery *delivery_pool_take(void);
/* Gives it back; also while garbage is collected. */
void delivery_pool_give(delivery *delivery);

#endif
