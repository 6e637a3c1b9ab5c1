/* Makes one allocation fail, so that a test can try each in turn:
 *   for (uint32_t i = 0, failed = 1; failed; i++) { failing_allocator_start(i); ...; failed =
 * failing_allocator_stop(); } */
#ifndef SUPPORT_FAILING_ALLOCATOR_H
#define SUPPORT_FAILING_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

/* From now on the allocation of this index, counted from 0, fails. */
void failing_allocator_start(uint32_t index);

/* The same where other threads allocate, too: only those of marked threads are counted, and fail. */
void failing_allocator_start_marked(uint32_t index);
void failing_allocator_mark_thread(bool marked);

/* All allocations succeed again. Whether one has failed. Disarm is for while threads run; stop comes in the
 * end nevertheless. */
bool failing_allocator_disarm(void);
bool failing_allocator_stop(void);

#endif
