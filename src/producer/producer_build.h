/* Puts a producer together from its settings, and takes it apart. */
#ifndef PRODUCER_PRODUCER_BUILD_H
#define PRODUCER_PRODUCER_BUILD_H

#include "producer/producer.h"

/* Everything but handle and threads. On failure the parts that exist are left for producer_tear_down. */
int32_t producer_build(struct producer *producer, const struct config *config,
                       struct config_error *error) NO_THREAD_SAFETY_ANALYSIS;

/* Frees a producer in which nobody is, built whole or in part, and tells the host so (callbacks.release). */
void producer_tear_down(struct producer *producer) EXCLUDES(producer_lock) NO_THREAD_SAFETY_ANALYSIS;

#endif
