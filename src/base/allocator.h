/* All heap memory of the library comes through here, so that a test can make the n-th allocation fail.
 * Any thread. The hook is for tests and simulators and must be set while no other thread allocates. */
#ifndef BASE_ALLOCATOR_H
#define BASE_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

/* Uninitialised memory for size bytes (size > 0), or NULL. Freed with allocator_free. */
void *allocator_allocate(size_t size);

/* Zeroed memory for count elements of size bytes, or NULL (also when count * size overflows). */
void *allocator_allocate_zeroed(size_t count, size_t size);

/* As realloc; on failure the old memory stays valid. */
void *allocator_reallocate(void *memory, size_t size);

/* A copy of a C string, or NULL. */
char *allocator_copy_string(const char *text);

/* A terminated copy of size bytes, or NULL. */
char *allocator_copy_text(const void *data, size_t size);

/* NULL is allowed. */
void allocator_free(void *memory);

/* Address space for large arenas, page aligned, zeroed, resident only where touched, excluded from nothing.
 * Counts as an allocation for the hook. Released with allocator_unmap and the same size. */
void *allocator_map(size_t size);
void allocator_unmap(void *memory, size_t size);

/* Asks the hook, for arenas that hand out parts of what they have mapped: false makes that allocation fail.
 */
bool allocator_may_allocate(void);

/* may_allocate is asked before each allocation; false makes that allocation fail. NULL removes the hook. */
void allocator_set_hook(bool (*may_allocate)(void *context), void *context);

#endif
