#include "base/allocator.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Read by every thread; the context is there before the function is, and stays. */
static struct {
  bool (*_Atomic may_allocate)(void *context);
  void *_Atomic context;
} hook;

bool allocator_may_allocate(void) {
  bool (*may_allocate)(void *) = atomic_load_explicit(&hook.may_allocate, memory_order_acquire);
  return may_allocate == NULL || may_allocate(atomic_load_explicit(&hook.context, memory_order_relaxed));
}

void *allocator_allocate(size_t size) {
  return allocator_may_allocate() ? malloc(size) : NULL;
}

void *allocator_allocate_zeroed(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  return allocator_may_allocate() ? calloc(1, total) : NULL;
}

void *allocator_reallocate(void *memory, size_t size) {
  return allocator_may_allocate() ? realloc(memory, size) : NULL;
}

char *allocator_copy_string(const char *text) {
  return allocator_copy_text(text, strlen(text));
}

char *allocator_copy_text(const void *data, size_t size) {
  if (size == SIZE_MAX) return NULL;
  char *copy = allocator_allocate(size + 1);
  if (copy == NULL) return NULL;
  if (size > 0) memcpy(copy, data, size);
  copy[size] = '\0';
  return copy;
}

void allocator_free(void *memory) {
  free(memory);
}

void *allocator_map(size_t size) {
  if (!allocator_may_allocate()) return NULL;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void allocator_unmap(void *memory, size_t size) {
  if (memory != NULL) munmap(memory, size);
}

void allocator_set_hook(bool (*may_allocate)(void *context), void *context) {
  if (may_allocate != NULL) atomic_store_explicit(&hook.context, context, memory_order_relaxed);
  atomic_store_explicit(&hook.may_allocate, may_allocate, memory_order_release);
}
