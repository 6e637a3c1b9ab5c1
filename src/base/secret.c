#include "base/secret.h"

#include "base/allocator.h"
#include "base/lock.h"
#include <stdalign.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ADDRESS_SANITIZER 1
#endif
#endif
#ifdef UNDER_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

/* Secrets lie one behind another in segments, which are mapped when the first comes and unmapped when the
 * last has gone. A segment has a page before and behind it that cannot be touched, so that what runs over the
 * end of other memory does not end here. */
enum { SEGMENT_BYTES = 32768 };

/* A piece of a segment: a secret, or room between secrets, of which no two touch. Pieces fill their segment.
 */
struct secret {
  size_t piece_bytes; /* this head included */
  size_t size;        /* of the value; PIECE_IS_FREE */
  uint8_t data[];
};

#define PIECE_IS_FREE SIZE_MAX

enum {
  PIECE_ALIGNMENT = alignof(max_align_t),
  PIECE_MIN_BYTES = 2 * PIECE_ALIGNMENT + sizeof(struct secret)
};

struct segment {
  struct segment *next;
  size_t mapped_bytes; /* with both guard pages */
  size_t usable_bytes; /* between them, of which this head is the first part */
  uint32_t count;      /* of secrets */
  bool locked, undumped;
};

static struct lock arena_lock = LOCK_INITIALIZER;
static struct {
  struct segment *segments;
  struct secret_usage usage;
} arena GUARDED_BY(arena_lock);

static size_t round_up(size_t size, size_t unit);
static struct secret *first_piece(const struct segment *segment);
static struct secret *next_piece(const struct segment *segment, struct secret *piece);
static struct secret *arena_take(size_t piece_bytes) REQUIRES(arena_lock);
static struct secret *segment_take(struct segment *segment, size_t piece_bytes);
static struct segment *segment_map(size_t piece_bytes) REQUIRES(arena_lock);
static void segment_unmap(struct segment **link) REQUIRES(arena_lock);
static struct segment **segment_of(const struct secret *secret) REQUIRES(arena_lock);
static void segment_give_back(struct segment *segment, struct secret *secret);

struct secret *secret_create(struct bytes value) {
  struct secret *secret = secret_allocate(value.size);
  if (secret != NULL && value.size > 0) memcpy(secret->data, value.data, value.size);
  return secret;
}

struct secret *secret_allocate(size_t size) {
  if (size > SIZE_MAX / 2 || !allocator_may_allocate()) return NULL;
  size_t piece_bytes = round_up(sizeof(struct secret) + size + 1, PIECE_ALIGNMENT);
  lock_acquire(&arena_lock);
  struct secret *secret = arena_take(piece_bytes);
  if (secret != NULL) {
    arena.usage.count++;
    secret->size = size;
    ASAN_UNPOISON_MEMORY_REGION(secret->data, size + 1);
    memset(secret->data, 0, size + 1);
  }
  lock_release(&arena_lock);
  return secret;
}

struct secret *secret_copy(const struct secret *secret) {
  return secret == NULL ? NULL : secret_create(secret_bytes(secret));
}

void secret_destroy(struct secret *secret) {
  if (secret == NULL) return;
  secret_wipe(secret->data, secret->size);
  lock_acquire(&arena_lock);
  struct segment **link = segment_of(secret);
  segment_give_back(*link, secret);
  arena.usage.count--;
  if ((*link)->count == 0) segment_unmap(link);
  lock_release(&arena_lock);
}

struct bytes secret_bytes(const struct secret *secret) {
  return secret == NULL ? bytes_of(NULL, 0) : bytes_of(secret->data, secret->size);
}

const char *secret_text(const struct secret *secret) {
  return secret == NULL ? NULL : (const char *)secret->data;
}

uint8_t *secret_data(struct secret *secret) {
  return secret->data;
}

bool secret_equal(struct bytes a, struct bytes b) {
  if (a.size != b.size) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size; i++)
    difference |= (uint8_t)(a.data[i] ^ b.data[i]);
  return difference == 0;
}

void secret_wipe(void *data, size_t size) {
  if (size > 0) explicit_bzero(data, size);
}

struct secret_usage secret_usage(void) {
  lock_acquire(&arena_lock);
  struct secret_usage usage = arena.usage;
  lock_release(&arena_lock);
  return usage;
}

void secret_before_fork(void) NO_THREAD_SAFETY_ANALYSIS {
  lock_acquire(&arena_lock);
}

void secret_after_fork(void) NO_THREAD_SAFETY_ANALYSIS {
  lock_release(&arena_lock);
}

static size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

static size_t page_bytes(void) {
  long size = sysconf(_SC_PAGESIZE);
  return size > 0 ? (size_t)size : 4096;
}

static struct secret *first_piece(const struct segment *segment) {
  uintptr_t start = (uintptr_t)segment;
  return (struct secret *)(start + round_up(sizeof(*segment), PIECE_ALIGNMENT));
}

/* NULL behind the last. */
static struct secret *next_piece(const struct segment *segment, struct secret *piece) {
  uintptr_t next = (uintptr_t)piece + piece->piece_bytes;
  return next < (uintptr_t)segment + segment->usable_bytes ? (struct secret *)next : NULL;
}

static struct secret *arena_take(size_t piece_bytes) {
  for (struct segment *segment = arena.segments; segment != NULL; segment = segment->next) {
    struct secret *taken = segment_take(segment, piece_bytes);
    if (taken != NULL) return taken;
  }
  struct segment *mapped = segment_map(piece_bytes);
  return mapped == NULL ? NULL : segment_take(mapped, piece_bytes);
}

/* The first room that is large enough, whose rest stays room if it is of use. */
static struct secret *segment_take(struct segment *segment, size_t piece_bytes) {
  struct secret *piece = first_piece(segment);
  while (piece != NULL && (piece->size != PIECE_IS_FREE || piece->piece_bytes < piece_bytes))
    piece = next_piece(segment, piece);
  if (piece == NULL) return NULL;
  if (piece->piece_bytes - piece_bytes >= PIECE_MIN_BYTES) {
    struct secret *rest = (struct secret *)((uintptr_t)piece + piece_bytes);
    ASAN_UNPOISON_MEMORY_REGION(rest, sizeof(*rest));
    *rest = (struct secret){.piece_bytes = piece->piece_bytes - piece_bytes, .size = PIECE_IS_FREE};
    piece->piece_bytes = piece_bytes;
  }
  segment->count++;
  return piece;
}

/* Whether the system did it. */
static bool keep_out_of_dumps(void *memory, size_t size) {
#ifdef MADV_DONTDUMP
  return madvise(memory, size, MADV_DONTDUMP) == 0;
#else
  (void)memory;
  (void)size;
  return false;
#endif
}

static struct segment *segment_map(size_t piece_bytes) {
  size_t page = page_bytes();
  size_t head_bytes = round_up(sizeof(struct segment), PIECE_ALIGNMENT);
  size_t wanted = head_bytes + piece_bytes;
  size_t usable_bytes = round_up(wanted > SEGMENT_BYTES ? wanted : SEGMENT_BYTES, page);
  size_t mapped_bytes = usable_bytes + 2 * page;
  uint8_t *memory = allocator_map(mapped_bytes);
  if (memory == NULL) return NULL;
  bool guarded =
      mprotect(memory, page, PROT_NONE) == 0 && mprotect(memory + page + usable_bytes, page, PROT_NONE) == 0;
  if (!guarded) {
    allocator_unmap(memory, mapped_bytes);
    return NULL;
  }
  struct segment *segment = (struct segment *)(void *)(memory + page);
  segment->next = arena.segments;
  segment->mapped_bytes = mapped_bytes;
  segment->usable_bytes = usable_bytes;
  segment->locked = mlock(segment, usable_bytes) == 0;
  segment->undumped = keep_out_of_dumps(segment, usable_bytes);
  *first_piece(segment) = (struct secret){.piece_bytes = usable_bytes - head_bytes, .size = PIECE_IS_FREE};
  ASAN_POISON_MEMORY_REGION(first_piece(segment)->data, usable_bytes - head_bytes - sizeof(struct secret));
  arena.segments = segment;
  arena.usage.mapped_bytes += usable_bytes;
  if (segment->locked) arena.usage.locked_bytes += usable_bytes;
  if (segment->undumped) arena.usage.undumped_bytes += usable_bytes;
  return segment;
}

/* munmap unlocks. */
static void segment_unmap(struct segment **link) {
  struct segment *segment = *link;
  *link = segment->next;
  arena.usage.mapped_bytes -= segment->usable_bytes;
  if (segment->locked) arena.usage.locked_bytes -= segment->usable_bytes;
  if (segment->undumped) arena.usage.undumped_bytes -= segment->usable_bytes;
  ASAN_UNPOISON_MEMORY_REGION(segment, segment->usable_bytes);
  allocator_unmap((uint8_t *)segment - page_bytes(), segment->mapped_bytes);
}

/* The link to the segment that a secret lies in. */
static struct segment **segment_of(const struct secret *secret) {
  struct segment **link = &arena.segments;
  while ((uintptr_t)secret - (uintptr_t)*link >= (*link)->usable_bytes)
    link = &(*link)->next;
  return link;
}

/* Becomes room, one with the rooms that touch it. */
static void segment_give_back(struct segment *segment, struct secret *secret) {
  segment->count--;
  secret->size = PIECE_IS_FREE;
  ASAN_POISON_MEMORY_REGION(secret->data, secret->piece_bytes - sizeof(*secret));
  struct secret *before = NULL;
  for (struct secret *piece = first_piece(segment); piece != secret; piece = next_piece(segment, piece))
    before = piece;
  struct secret *after = next_piece(segment, secret);
  if (after != NULL && after->size == PIECE_IS_FREE) {
    secret->piece_bytes += after->piece_bytes;
    ASAN_POISON_MEMORY_REGION(after, sizeof(*after));
  }
  if (before != NULL && before->size == PIECE_IS_FREE) {
    before->piece_bytes += secret->piece_bytes;
    ASAN_POISON_MEMORY_REGION(secret, sizeof(*secret));
  }
}
