/* How many of the library's allocations are alive, for programs that are linked with allocation_count.c and
 * its options (sendoff_count_allocations in tests/unit/CMakeLists.txt). */
#ifndef SUPPORT_ALLOCATION_COUNT_H
#define SUPPORT_ALLOCATION_COUNT_H

#include <stdint.h>

/* Blocks and mapped arenas that were not given back. */
int64_t allocation_count_live(void);

#endif
