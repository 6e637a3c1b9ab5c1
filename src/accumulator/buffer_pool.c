#include "accumulator/buffer_pool.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"

/* A complete binary tree over the blocks, root 1, children of i at 2i and 2i+1. free_order[i] is 1 + the
 * order of the largest free block below node i, 0 if there is none; a node that is handed out whole has 0
 * while its descendants keep the values of free memory, which is how buffer_pool_free finds the block's size
 * again. Invariant: used_bytes is the sum of the blocks handed out. */
struct buffer_pool {
  uint8_t *arena;
  size_t total_bytes, used_bytes;
  size_t leaf_bytes;
  size_t leaf_count;     /* a power of two; leaves beyond the arena are never free */
  uint32_t root_order;   /* leaf_count == 1 << root_order */
  uint8_t largest_order; /* 1 + order of the largest block of the untouched pool */
  uint8_t *free_order;
};

enum { MAXIMUM_LEAVES = 1 << 21 };

static void build_tree(struct buffer_pool *pool, size_t usable_leaves);
static uint32_t order_of(const struct buffer_pool *pool, size_t bytes);
static void update_parents(struct buffer_pool *pool, size_t node, uint32_t order);

int32_t buffer_pool_create(size_t bytes, struct buffer_pool **out) {
  if (bytes < BUFFER_POOL_MINIMUM_BLOCK_BYTES) return STATUS_INVALID_ARGUMENT;
  struct buffer_pool *pool = allocator_allocate_zeroed(1, sizeof *pool);
  if (pool == NULL) return STATUS_OUT_OF_MEMORY;
  pool->leaf_bytes = BUFFER_POOL_MINIMUM_BLOCK_BYTES;
  while (bytes / pool->leaf_bytes > MAXIMUM_LEAVES)
    pool->leaf_bytes *= 2;
  size_t usable_leaves = bytes / pool->leaf_bytes;
  pool->total_bytes = usable_leaves * pool->leaf_bytes;
  pool->leaf_count = 1;
  while (pool->leaf_count < usable_leaves) {
    pool->leaf_count *= 2;
    pool->root_order++;
  }
  pool->free_order = allocator_allocate_zeroed(2 * pool->leaf_count, 1);
  pool->arena = allocator_map(pool->total_bytes);
  if (pool->free_order == NULL || pool->arena == NULL) {
    buffer_pool_destroy(pool);
    return STATUS_OUT_OF_MEMORY;
  }
  build_tree(pool, usable_leaves);
  *out = pool;
  return STATUS_OK;
}

void buffer_pool_destroy(struct buffer_pool *pool) {
  if (pool == NULL) return;
  if (pool->arena != NULL) allocator_unmap(pool->arena, pool->total_bytes);
  allocator_free(pool->free_order);
  allocator_free(pool);
}

size_t buffer_pool_block_bytes(const struct buffer_pool *pool, size_t bytes) {
  return pool->leaf_bytes << order_of(pool, bytes);
}

uint8_t *buffer_pool_allocate(struct buffer_pool *pool, size_t bytes) {
  uint32_t wanted = order_of(pool, bytes);
  if (pool->free_order[1] <= wanted) return NULL;
  size_t node = 1;
  uint32_t order = pool->root_order;
  for (; order > wanted; order--)
    node = pool->free_order[2 * node] > wanted ? 2 * node : 2 * node + 1;
  pool->free_order[node] = 0;
  update_parents(pool, node, order);
  size_t block_bytes = pool->leaf_bytes << order;
  pool->used_bytes += block_bytes;
  return pool->arena + (node - (pool->leaf_count >> order)) * block_bytes;
}

void buffer_pool_free(struct buffer_pool *pool, uint8_t *block) {
  size_t offset = (size_t)(block - pool->arena);
  ASSERT(offset < pool->total_bytes && offset % pool->leaf_bytes == 0);
  size_t node = pool->leaf_count + offset / pool->leaf_bytes;
  uint32_t order = 0;
  for (; pool->free_order[node] != 0; order++) {
    ASSERT(node > 1);
    node /= 2;
  }
  size_t block_bytes = pool->leaf_bytes << order;
  ASSERT(offset % block_bytes == 0);
  ASSERT(pool->used_bytes >= block_bytes);
  pool->used_bytes -= block_bytes;
  pool->free_order[node] = (uint8_t)(order + 1);
  update_parents(pool, node, order);
}

bool buffer_pool_has(const struct buffer_pool *pool, size_t bytes) {
  return pool->free_order[1] > order_of(pool, bytes);
}

size_t buffer_pool_total_bytes(const struct buffer_pool *pool) {
  return pool->total_bytes;
}

size_t buffer_pool_used_bytes(const struct buffer_pool *pool) {
  return pool->used_bytes;
}

size_t buffer_pool_largest_bytes(const struct buffer_pool *pool) {
  return pool->leaf_bytes << (pool->largest_order - 1);
}

static void build_tree(struct buffer_pool *pool, size_t usable_leaves) {
  for (size_t leaf = 0; leaf < usable_leaves; leaf++)
    pool->free_order[pool->leaf_count + leaf] = 1;
  uint32_t order = 1;
  for (size_t first = pool->leaf_count / 2; first > 0; first /= 2, order++)
    for (size_t node = first; node < 2 * first; node++) {
      uint8_t left = pool->free_order[2 * node], right = pool->free_order[2 * node + 1];
      bool whole = left == order && right == order;
      pool->free_order[node] = whole ? (uint8_t)(order + 1) : left > right ? left : right;
    }
  pool->largest_order = pool->free_order[1];
}

static uint32_t order_of(const struct buffer_pool *pool, size_t bytes) {
  uint32_t order = 0;
  while (order < pool->root_order + 1 && pool->leaf_bytes << order < bytes)
    order++;
  return order;
}

static void update_parents(struct buffer_pool *pool, size_t node, uint32_t order) {
  while (node > 1) {
    node /= 2;
    order++;
    uint8_t left = pool->free_order[2 * node], right = pool->free_order[2 * node + 1];
    bool whole = left == order && right == order;
    uint8_t updated = whole ? (uint8_t)(order + 1) : left > right ? left : right;
    if (pool->free_order[node] == updated) return;
    pool->free_order[node] = updated;
  }
}
