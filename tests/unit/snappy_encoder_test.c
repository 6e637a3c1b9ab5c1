#include "protocol/snappy_encoder.h"

#include "base/random.h"
#include "support/snappy_block.h"
#include <check.h>
#include <stdlib.h>
#ifdef SENDOFF_WITH_SNAPPY
#include <snappy-c.h>
#endif

enum { GUARD_SIZE = 64 };

static struct snappy_encoder encoder;
static struct random chance;

static void set_up(void) {
  /* What earlier inputs left behind must not matter. */
  memset(&encoder, 0xee, sizeof(encoder));
  random_seed(&chance, 1977);
}

#ifdef SENDOFF_WITH_SNAPPY
/* Plain ifs: ck_assert writes to a pipe each time. */
static void assert_library_reads(struct bytes block, struct bytes content) {
  char *read_back = malloc(content.size + 1);
  size_t read_size = content.size + 1;
  if (snappy_uncompress((const char *)block.data, block.size, read_back, &read_size) != SNAPPY_OK)
    ck_abort_msg("%zu bytes made a block that cannot be read", content.size);
  if (!bytes_equal(bytes_of(read_back, read_size), content))
    ck_abort_msg("%zu bytes came back as %zu others", content.size, read_size);
  free(read_back);
}
#else
static void assert_library_reads(struct bytes block, struct bytes content) {
  (void)block;
  (void)content;
}
#endif

/* Encodes into memory of exactly this capacity, in which nothing may be written beyond it; the block has to
 * be what the library, if the build has it, and another reader read as the input. 0 if it did not fit. */
static size_t encode(struct bytes input, size_t capacity) {
  uint8_t *copy = malloc(input.size + 1), *output = malloc(capacity + GUARD_SIZE);
  memcpy(copy, input.data, input.size);
  memset(output, 0xa5, capacity + GUARD_SIZE);
  const size_t size = snappy_encoder_encode(&encoder, bytes_of(copy, input.size), output, capacity);
  if (size > capacity) ck_abort_msg("%zu bytes in %zu", size, capacity);
  for (size_t index = 0; index < GUARD_SIZE; index++)
    if (output[capacity + index] != 0xa5) ck_abort_msg("wrote at %zu of %zu", capacity + index, capacity);
  if (size > 0) {
    assert_library_reads(bytes_of(output, size), input);
    if (!snappy_block_holds(bytes_of(output, size), input))
      ck_abort_msg("%zu bytes made a wrong block", input.size);
  }
  free(output);
  free(copy);
  return size;
}

static size_t encode_whole(struct bytes input) {
  const size_t size = encode(input, snappy_encoder_bound(input.size));
  if (size == 0) ck_abort_msg("%zu bytes exceed their bound", input.size);
  return size;
}

/* Noise, runs of one byte and copies from somewhere before, of lengths and distances around the limits of
 * elements. */
static void fill_with_mixture(uint8_t *data, size_t size) {
  static const uint32_t lengths[] = {1,  3,  4,  5,  11, 12,  59,  60,  61,  63,  64,
                                     65, 66, 67, 68, 69, 128, 132, 255, 256, 257, 1000};
  static const uint32_t distances[] = {1, 2, 7, 8, 9, 2047, 2048, 2049, 65534, 65535, 65536, 65537};
  size_t filled = 0;
  while (filled < size) {
    uint32_t length = lengths[random_below(&chance, sizeof(lengths) / sizeof(lengths[0]))];
    const uint32_t distance = distances[random_below(&chance, sizeof(distances) / sizeof(distances[0]))];
    const bool is_copy = random_below(&chance, 3) > 0 && distance <= filled;
    for (; length > 0 && filled < size; length--, filled++)
      data[filled] = is_copy ? data[filled - distance] : (uint8_t)random_next(&chance);
  }
}

START_TEST(mixtures_of_all_sizes_come_back) {
  enum { SIZE = 200000 };
  static uint8_t data[SIZE];
  for (size_t size = 0; size < 400; size++) {
    for (int round = 0; round < 5; round++) {
      fill_with_mixture(data, size);
      encode_whole(bytes_of(data, size));
    }
  }
  for (int round = 0; round < 100; round++) {
    fill_with_mixture(data, SIZE);
    encode_whole(bytes_of(data, SIZE / 2 + random_below(&chance, SIZE / 2)));
  }
}
END_TEST

START_TEST(noise_grows_by_little_more_than_its_tags) {
  enum { SIZE = 300000 };
  static uint8_t data[SIZE];
  for (size_t index = 0; index < SIZE; index++)
    data[index] = (uint8_t)random_next(&chance);
  ck_assert_uint_le(encode_whole(bytes_of(data, SIZE)), SIZE + SIZE / 1000);
  ck_assert_uint_eq(encode_whole(bytes_of(data, 10)), 1 + 1 + 10);
}
END_TEST

START_TEST(literals_are_tagged_by_their_size) {
  static const struct {
    size_t size;
    uint8_t tag[5];
    size_t tag_size;
  } literals[] = {
      {1, {0}, 1},
      {60, {59 << 2}, 1},
      {61, {60 << 2, 60}, 2},
      {256, {60 << 2, 255}, 2},
      {257, {61 << 2, 0, 1}, 3},
      {65536, {61 << 2, 0xff, 0xff}, 3},
      {65537, {62 << 2, 0, 0, 1}, 4},
  };
  static uint8_t data[65537], output[100000];
  for (size_t index = 0; index < sizeof(data); index++)
    data[index] = (uint8_t)random_next(&chance);
  for (size_t index = 0; index < sizeof(literals) / sizeof(literals[0]); index++) {
    const size_t size = literals[index].size;
    const size_t varint_size = size < 128 ? 1 : size < 16384 ? 2 : 3;
    ck_assert_uint_eq(encode_whole(bytes_of(data, size)), varint_size + literals[index].tag_size + size);
    snappy_encoder_encode(&encoder, bytes_of(data, size), output, sizeof(output));
    ck_assert_mem_eq(output + varint_size, literals[index].tag, literals[index].tag_size);
  }
}
END_TEST

/* A run is a literal of one byte and copies from one byte back. */
START_TEST(runs_become_copies_of_at_most_64_bytes) {
  static const struct {
    size_t size, block_size;
  } runs[] = {
      {1 + 64, 1 + 2 + 3},      {1 + 65, 1 + 2 + 3 + 2},      {1 + 67, 1 + 2 + 3 + 2},
      {1 + 68, 1 + 2 + 3 + 2},  {1 + 75, 1 + 2 + 3 + 2},      {1 + 76, 1 + 2 + 3 + 3},
      {1 + 128, 2 + 2 + 3 + 3}, {1 + 129, 2 + 2 + 3 + 3 + 2},
  };
  static uint8_t data[200];
  memset(data, 'x', sizeof(data));
  for (size_t index = 0; index < sizeof(runs) / sizeof(runs[0]); index++)
    ck_assert_uint_eq(encode_whole(bytes_of(data, runs[index].size)), runs[index].block_size);
}
END_TEST

/* Two times the same 40 bytes of noise, so far apart. */
static size_t size_of_repetition(size_t distance) {
  static uint8_t data[70000];
  for (size_t index = 0; index < 40; index++)
    data[index] = (uint8_t)random_next(&chance);
  /* In between, bytes that repeat at every distance alike. */
  memset(data + 40, 0, distance - 40);
  memcpy(data + distance, data, 40);
  memset(data + distance + 40, 0, 40);
  return encode_whole(bytes_of(data, distance + 80));
}

START_TEST(repetitions_are_found_up_to_64_kib_back) {
  const size_t near = size_of_repetition(65535), far = size_of_repetition(65536);
  ck_assert_uint_ge(far, near + 30);
  ck_assert_uint_ge(near, size_of_repetition(3000));
}
END_TEST

START_TEST(every_capacity_is_kept_to) {
  enum { SIZE = 700 };
  uint8_t data[SIZE];
  for (int round = 0; round < 10; round++) {
    fill_with_mixture(data, SIZE);
    const size_t size = encode_whole(bytes_of(data, SIZE));
    for (size_t capacity = 0; capacity < snappy_encoder_bound(SIZE); capacity++) {
      const size_t fitted = encode(bytes_of(data, SIZE), capacity);
      if (capacity < size) ck_assert_uint_eq(fitted, 0);
      if (capacity >= size + 32) ck_assert_uint_eq(fitted, size);
    }
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("snappy_encoder");
  TCase *blocks = tcase_create("blocks");
  tcase_set_timeout(blocks, 60);
  tcase_add_checked_fixture(blocks, set_up, NULL);
  tcase_add_test(blocks, mixtures_of_all_sizes_come_back);
  tcase_add_test(blocks, noise_grows_by_little_more_than_its_tags);
  tcase_add_test(blocks, literals_are_tagged_by_their_size);
  tcase_add_test(blocks, runs_become_copies_of_at_most_64_bytes);
  tcase_add_test(blocks, repetitions_are_found_up_to_64_kib_back);
  tcase_add_test(blocks, every_capacity_is_kept_to);
  suite_add_tcase(suite, blocks);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
