#include "support/allocation_count.h"

#include "base/allocator.h"
#include <stdatomic.h>

/* The linker sends calls of allocator_X from other sources to __wrap_allocator_X. */
void *__real_allocator_allocate(size_t size);
void *__real_allocator_allocate_zeroed(size_t count, size_t size);
void *__real_allocator_reallocate(void *memory, size_t size);
char *__real_allocator_copy_string(const char *text);
char *__real_allocator_copy_text(const void *data, size_t size);
void __real_allocator_free(void *memory);
void *__real_allocator_map(size_t size);
void __real_allocator_unmap(void *memory, size_t size);

void *__wrap_allocator_allocate(size_t size);
void *__wrap_allocator_allocate_zeroed(size_t count, size_t size);
void *__wrap_allocator_reallocate(void *memory, size_t size);
char *__wrap_allocator_copy_string(const char *text);
char *__wrap_allocator_copy_text(const void *data, size_t size);
void __wrap_allocator_free(void *memory);
void *__wrap_allocator_map(size_t size);
void __wrap_allocator_unmap(void *memory, size_t size);

static _Atomic int64_t live;

static void *count(void *memory) {
  if (memory != NULL) live++;
  return memory;
}

int64_t allocation_count_live(void) {
  return live;
}

void *__wrap_allocator_allocate(size_t size) {
  return count(__real_allocator_allocate(size));
}

void *__wrap_allocator_allocate_zeroed(size_t number, size_t size) {
  return count(__real_allocator_allocate_zeroed(number, size));
}

void *__wrap_allocator_reallocate(void *memory, size_t size) {
  void *moved = __real_allocator_reallocate(memory, size);
  return memory == NULL ? count(moved) : moved;
}

char *__wrap_allocator_copy_string(const char *text) {
  return count(__real_allocator_copy_string(text));
}

char *__wrap_allocator_copy_text(const void *data, size_t size) {
  return count(__real_allocator_copy_text(data, size));
}

void __wrap_allocator_free(void *memory) {
  if (memory != NULL) live--;
  __real_allocator_free(memory);
}

void *__wrap_allocator_map(size_t size) {
  return count(__real_allocator_map(size));
}

void __wrap_allocator_unmap(void *memory, size_t size) {
  if (memory != NULL) live--;
  __real_allocator_unmap(memory, size);
}
