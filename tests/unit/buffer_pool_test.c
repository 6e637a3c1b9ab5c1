#include "accumulator/buffer_pool.h"

#include "base/random.h"
#include "base/status.h"
#include "support/expect_abort.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024, LEAVES_MAXIMUM = 1024 };

static struct buffer_pool *pool_of(size_t bytes) {
  struct buffer_pool *pool = NULL;
  ck_assert_int_eq(buffer_pool_create(bytes, &pool), STATUS_OK);
  ck_assert_ptr_nonnull(pool);
  return pool;
}

/* ---- the reference model: an arena as an array of leaves, searched from its lowest address ---- */

struct model {
  struct buffer_pool *pool;
  uint8_t *base;     /* the block of lowest address is the arena's begin */
  size_t leaf_count; /* of the arena */
  size_t used_leaves;
  bool used[LEAVES_MAXIMUM];
};

static size_t leaves_of(size_t bytes) {
  size_t leaves = 1;
  while (leaves * KIB < bytes)
    leaves *= 2;
  return leaves;
}

static struct model *model_create(size_t bytes) {
  struct model *model = calloc(1, sizeof *model);
  ck_assert_ptr_nonnull(model);
  model->pool = pool_of(bytes);
  model->leaf_count = bytes / KIB;
  model->base = buffer_pool_allocate(model->pool, 1);
  ck_assert_ptr_nonnull(model->base);
  buffer_pool_free(model->pool, model->base);
  return model;
}

static void model_destroy(struct model *model) {
  buffer_pool_destroy(model->pool);
  free(model);
}

/* The leaf at which the lowest free block of its size and alignment begins; leaf_count if there is none. */
static size_t model_find(const struct model *model, size_t leaves) {
  for (size_t at = 0; at + leaves <= model->leaf_count; at += leaves) {
    size_t free_leaves = 0;
    while (free_leaves < leaves && !model->used[at + free_leaves])
      free_leaves++;
    if (free_leaves == leaves) return at;
  }
  return model->leaf_count;
}

/* Allocates in both and compares. NULL if both have no room. */
static uint8_t *model_allocate(struct model *model, size_t bytes) {
  size_t leaves = leaves_of(bytes), at = model_find(model, leaves);
  bool has = at < model->leaf_count;
  ck_assert_int_eq(buffer_pool_has(model->pool, bytes), has);
  uint8_t *block = buffer_pool_allocate(model->pool, bytes);
  ck_assert_ptr_eq(block, has ? model->base + at * KIB : NULL);
  if (!has) return NULL;
  for (size_t i = 0; i < leaves; i++)
    model->used[at + i] = true;
  model->used_leaves += leaves;
  ck_assert_uint_eq(buffer_pool_used_bytes(model->pool), model->used_leaves * KIB);
  return block;
}

static void model_free(struct model *model, uint8_t *block, size_t bytes) {
  size_t leaves = leaves_of(bytes), at = (size_t)(block - model->base) / KIB;
  for (size_t i = 0; i < leaves; i++) {
    ck_assert(model->used[at + i]);
    model->used[at + i] = false;
  }
  model->used_leaves -= leaves;
  buffer_pool_free(model->pool, block);
  ck_assert_uint_eq(buffer_pool_used_bytes(model->pool), model->used_leaves * KIB);
}

struct allocation {
  uint8_t *block;
  size_t bytes;
};

/* Sizes over all orders, most of them small; around powers of two more often than elsewhere. */
static size_t random_bytes(struct random *random, size_t total_bytes) {
  uint32_t orders = 0;
  while ((size_t)KIB << orders < total_bytes)
    orders++;
  size_t bytes = (size_t)KIB << random_below(random, 1 + random_below(random, orders + 1));
  switch (random_below(random, 4)) {
  case 0: return bytes;
  case 1: return bytes + 1;
  case 2: return bytes - 1;
  default: return bytes / 2 + random_below(random, (uint32_t)(bytes / 2)) + 1;
  }
}

static void walk_randomly(size_t total_bytes, uint64_t seed, uint32_t steps) {
  struct model *model = model_create(total_bytes);
  struct allocation held[LEAVES_MAXIMUM];
  uint32_t held_count = 0;
  struct random random;
  random_seed(&random, seed);
  for (uint32_t step = 0; step < steps; step++) {
    /* Tides, so that the pool is both nearly full and nearly empty at times. */
    bool filling = (step / 200) % 2 == 0;
    if (held_count == 0 || random_below(&random, 10) < (filling ? 7 : 3)) {
      size_t bytes = random_bytes(&random, total_bytes);
      uint8_t *block = model_allocate(model, bytes);
      if (block != NULL) held[held_count++] = (struct allocation){block, bytes};
    } else {
      uint32_t index = random_below(&random, held_count);
      model_free(model, held[index].block, held[index].bytes);
      held[index] = held[--held_count];
    }
  }
  while (held_count > 0) {
    held_count--;
    model_free(model, held[held_count].block, held[held_count].bytes);
  }
  uint8_t *whole = model_allocate(model, buffer_pool_largest_bytes(model->pool));
  ck_assert_ptr_eq(whole, model->base);
  model_free(model, whole, buffer_pool_largest_bytes(model->pool));
  model_destroy(model);
}

START_TEST(random_walks_agree_with_the_model) {
  static const size_t totals[] = {KIB,       2 * KIB,   3 * KIB,   5 * KIB,   7 * KIB,    64 * KIB,
                                  100 * KIB, 127 * KIB, 129 * KIB, 768 * KIB, 1000 * KIB, 1024 * KIB};
  walk_randomly(totals[_i], 1000 + (uint64_t)_i, 6000);
}
END_TEST

/* ---- totals ---- */

START_TEST(less_than_a_block_is_refused) {
  struct buffer_pool *pool = (struct buffer_pool *)&pool;
  ck_assert_int_eq(buffer_pool_create(0, &pool), STATUS_INVALID_ARGUMENT);
  ck_assert_int_eq(buffer_pool_create(BUFFER_POOL_MINIMUM_BLOCK_BYTES - 1, &pool), STATUS_INVALID_ARGUMENT);
  ck_assert_ptr_eq(pool, (struct buffer_pool *)&pool);
}
END_TEST

START_TEST(totals_round_down_to_whole_blocks) {
  static const struct {
    size_t bytes, total, largest;
  } cases[] = {
      {KIB, KIB, KIB},
      {2 * KIB - 1, KIB, KIB},
      {3 * KIB, 3 * KIB, 2 * KIB},
      {100 * KIB + 1023, 100 * KIB, 64 * KIB},
      {(1024 + 512 + 1) * KIB, (1024 + 512 + 1) * KIB, 1024 * KIB},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct buffer_pool *pool = pool_of(cases[i].bytes);
    ck_assert_uint_eq(buffer_pool_total_bytes(pool), cases[i].total);
    ck_assert_uint_eq(buffer_pool_largest_bytes(pool), cases[i].largest);
    ck_assert_uint_eq(buffer_pool_used_bytes(pool), 0);
    ck_assert(buffer_pool_has(pool, cases[i].largest));
    ck_assert(!buffer_pool_has(pool, cases[i].largest + 1));
    buffer_pool_destroy(pool);
  }
}
END_TEST

START_TEST(blocks_of_huge_pools_are_larger_than_the_minimum) {
  size_t bytes = (size_t)5 << 30;
  struct buffer_pool *pool = pool_of(bytes);
  ck_assert_uint_eq(buffer_pool_total_bytes(pool), bytes);
  ck_assert_uint_eq(buffer_pool_largest_bytes(pool), (size_t)4 << 30);
  ck_assert_uint_eq(buffer_pool_block_bytes(pool, 1), 4 * KIB);
  uint8_t *first = buffer_pool_allocate(pool, (size_t)4 << 30), *last = buffer_pool_allocate(pool, 1 << 30);
  ck_assert_ptr_eq(last, first + ((size_t)4 << 30));
  ck_assert_ptr_null(buffer_pool_allocate(pool, 1));
  last[((size_t)1 << 30) - 1] = 1; /* the arena's last byte is there */
  buffer_pool_free(pool, first);
  buffer_pool_free(pool, last);
  buffer_pool_destroy(pool);
}
END_TEST

START_TEST(blocks_are_powers_of_two) {
  struct buffer_pool *pool = pool_of(64 * KIB);
  static const size_t sizes[][2] = {{0, KIB},           {1, KIB},           {KIB, KIB},
                                    {KIB + 1, 2 * KIB}, {2 * KIB, 2 * KIB}, {33 * KIB, 64 * KIB}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    ck_assert_uint_eq(buffer_pool_block_bytes(pool, sizes[i][0]), sizes[i][1]);
    uint8_t *block = buffer_pool_allocate(pool, sizes[i][0]);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq(buffer_pool_used_bytes(pool), sizes[i][1]);
    buffer_pool_free(pool, block);
  }
  buffer_pool_destroy(pool);
}
END_TEST

START_TEST(impossible_sizes_get_nothing) {
  struct buffer_pool *pool = pool_of(96 * KIB);
  static const size_t sizes[] = {64 * KIB + 1, 96 * KIB, 128 * KIB, 128 * KIB + 1, SIZE_MAX / 2, SIZE_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    ck_assert_ptr_null(buffer_pool_allocate(pool, sizes[i]));
    ck_assert(!buffer_pool_has(pool, sizes[i]));
  }
  ck_assert_uint_eq(buffer_pool_used_bytes(pool), 0);
  buffer_pool_destroy(pool);
}
END_TEST

/* ---- blocks ---- */

START_TEST(blocks_are_aligned_to_their_size_in_the_arena) {
  struct buffer_pool *pool = pool_of(64 * KIB);
  uint8_t *base = buffer_pool_allocate(pool, 1);
  for (size_t bytes = KIB; bytes <= 32 * KIB; bytes *= 2) {
    uint8_t *block = buffer_pool_allocate(pool, bytes);
    ck_assert_ptr_nonnull(block);
    ck_assert_uint_eq((size_t)(block - base) % bytes, 0);
    ck_assert_uint_eq((uintptr_t)block % KIB, 0);
  }
  buffer_pool_destroy(pool);
}
END_TEST

START_TEST(the_lowest_address_that_fits_is_reused_first) {
  struct buffer_pool *pool = pool_of(8 * KIB);
  uint8_t *blocks[8];
  for (size_t i = 0; i < 8; i++)
    blocks[i] = buffer_pool_allocate(pool, KIB);
  ck_assert_ptr_null(buffer_pool_allocate(pool, 1));
  buffer_pool_free(pool, blocks[6]);
  buffer_pool_free(pool, blocks[3]);
  ck_assert(!buffer_pool_has(pool, KIB + 1)); /* two free ones that are no buddies */
  ck_assert_ptr_eq(buffer_pool_allocate(pool, KIB), blocks[3]);
  ck_assert_ptr_eq(buffer_pool_allocate(pool, KIB), blocks[6]);
  buffer_pool_destroy(pool);
}
END_TEST

START_TEST(memory_that_was_used_before_can_be_written_whole) {
  struct buffer_pool *pool = pool_of(16 * KIB);
  for (uint8_t turn = 0; turn < 3; turn++) {
    uint8_t *blocks[4];
    for (uint8_t i = 0; i < 4; i++) {
      blocks[i] = buffer_pool_allocate(pool, 4 * KIB);
      memset(blocks[i], turn * 4 + i, 4 * KIB);
    }
    for (uint8_t i = 0; i < 4; i++) {
      for (size_t at = 0; at < 4 * KIB; at++)
        ck_assert_uint_eq(blocks[i][at], (uint8_t)(turn * 4 + i));
      buffer_pool_free(pool, blocks[i]);
    }
  }
  buffer_pool_destroy(pool);
}
END_TEST

START_TEST(free_in_every_order_makes_the_pool_whole_again) {
  static const size_t orders[24][4] = {{0, 1, 2, 3}, {0, 1, 3, 2}, {0, 2, 1, 3}, {0, 2, 3, 1}, {0, 3, 1, 2},
                                       {0, 3, 2, 1}, {1, 0, 2, 3}, {1, 0, 3, 2}, {1, 2, 0, 3}, {1, 2, 3, 0},
                                       {1, 3, 0, 2}, {1, 3, 2, 0}, {2, 0, 1, 3}, {2, 0, 3, 1}, {2, 1, 0, 3},
                                       {2, 1, 3, 0}, {2, 3, 0, 1}, {2, 3, 1, 0}, {3, 0, 1, 2}, {3, 0, 2, 1},
                                       {3, 1, 0, 2}, {3, 1, 2, 0}, {3, 2, 0, 1}, {3, 2, 1, 0}};
  struct buffer_pool *pool = pool_of(8 * KIB);
  for (size_t order = 0; order < 24; order++) {
    uint8_t *blocks[4];
    static const size_t sizes[4] = {4 * KIB, KIB, KIB, 2 * KIB};
    for (size_t i = 0; i < 4; i++)
      blocks[i] = buffer_pool_allocate(pool, sizes[i]);
    ck_assert(!buffer_pool_has(pool, 1));
    for (size_t i = 0; i < 4; i++)
      buffer_pool_free(pool, blocks[orders[order][i]]);
    ck_assert_uint_eq(buffer_pool_used_bytes(pool), 0);
    ck_assert(buffer_pool_has(pool, 8 * KIB));
  }
  buffer_pool_destroy(pool);
}
END_TEST

/* ---- our own mistakes, and missing memory ---- */

struct wrong_free {
  struct buffer_pool *pool;
  uint8_t *block;
  ptrdiff_t offset; /* 0: freed a second time */
};

static void free_wrongly(void *wrong) {
  const struct wrong_free *what = wrong;
  if (what->offset == 0) buffer_pool_free(what->pool, what->block);
  buffer_pool_free(what->pool, what->block + what->offset);
}

START_TEST(freeing_what_is_no_block_is_noticed) {
  static const struct {
    ptrdiff_t offset;
    const char *what;
  } cases[] = {{0, "node > 1"},
               {KIB, "offset % block_bytes == 0"},
               {1, "offset % pool->leaf_bytes == 0"},
               {8 * KIB, "offset < pool->total_bytes"},
               {-KIB, "offset < pool->total_bytes"}};
  struct buffer_pool *pool = pool_of(8 * KIB);
  uint8_t *block = buffer_pool_allocate(pool, 4 * KIB);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect_abort(free_wrongly, &(struct wrong_free){pool, block, cases[i].offset}, cases[i].what);
  buffer_pool_destroy(pool);
}
END_TEST

START_TEST(create_survives_each_missing_allocation) {
  uint32_t tries = 0;
  for (bool failed = true; failed; tries++) {
    struct buffer_pool *pool = NULL;
    failing_allocator_start(tries);
    int32_t status = buffer_pool_create(64 * KIB, &pool);
    failed = failing_allocator_stop();
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    ck_assert_int_eq(pool == NULL, failed);
    buffer_pool_destroy(pool);
  }
  ck_assert_uint_eq(tries, 4); /* the pool, its tree, its arena, and the run in which all succeed */
}
END_TEST

int main(void) {
  Suite *suite = suite_create("buffer_pool");
  TCase *test_case = tcase_create("all");
  tcase_add_loop_test(test_case, random_walks_agree_with_the_model, 0, 12);
  tcase_add_test(test_case, less_than_a_block_is_refused);
  tcase_add_test(test_case, totals_round_down_to_whole_blocks);
  tcase_add_test(test_case, blocks_of_huge_pools_are_larger_than_the_minimum);
  tcase_add_test(test_case, blocks_are_powers_of_two);
  tcase_add_test(test_case, impossible_sizes_get_nothing);
  tcase_add_test(test_case, blocks_are_aligned_to_their_size_in_the_arena);
  tcase_add_test(test_case, the_lowest_address_that_fits_is_reused_first);
  tcase_add_test(test_case, memory_that_was_used_before_can_be_written_whole);
  tcase_add_test(test_case, free_in_every_order_makes_the_pool_whole_again);
  tcase_add_test(test_case, freeing_what_is_no_block_is_noticed);
  tcase_add_test(test_case, create_survives_each_missing_allocation);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
