/* The memory of all batches: one arena of buffer.memory bytes, cut by the buddy method into blocks of powers
 * of two.
 *
 * One arena, so that the bound holds by construction and freed memory is whole again whatever sizes come
 * next. The block with the lowest address that fits is taken, which keeps the working set small and in the
 * processor's cache. Free blocks are never written to. Never waits: waiting is the producer's. This is the
 * one seam that batch memory comes through, so that the arena can be a mapped file. No lock of its own: the
 * owner's lock protects every call. */
#ifndef ACCUMULATOR_BUFFER_POOL_H
#define ACCUMULATOR_BUFFER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer_pool;

/* The smallest block; smaller requests get it whole. */
enum { BUFFER_POOL_MINIMUM_BLOCK_BYTES = 1024 };

/* An arena of `bytes` (rounded down to whole blocks). STATUS_OK, STATUS_OUT_OF_MEMORY,
 * STATUS_INVALID_ARGUMENT (less than one block). Memory is touched only where it is used. */
int32_t buffer_pool_create(size_t bytes, struct buffer_pool **pool);
void buffer_pool_destroy(struct buffer_pool *pool);

/* What a block for `bytes` really takes. */
size_t buffer_pool_block_bytes(const struct buffer_pool *pool, size_t bytes);

/* A block of buffer_pool_block_bytes(bytes), or NULL if none is free. */
uint8_t *buffer_pool_allocate(struct buffer_pool *pool, size_t bytes);

/* Gives a block back. */
void buffer_pool_free(struct buffer_pool *pool, uint8_t *block);

/* Whether an allocation of `bytes` would succeed now. */
bool buffer_pool_has(const struct buffer_pool *pool, size_t bytes);

size_t buffer_pool_total_bytes(const struct buffer_pool *pool);
size_t buffer_pool_used_bytes(const struct buffer_pool *pool);

/* The largest block that the pool can ever give. */
size_t buffer_pool_largest_bytes(const struct buffer_pool *pool);

#endif
