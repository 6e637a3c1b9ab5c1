#include "protocol/compression.h"

#include "base/allocator.h"
#include "base/random.h"
#include "support/codecs.h"
#include <check.h>
#include <stdlib.h>
#ifdef SENDOFF_WITH_LZ4
#include <lz4frame.h>
#endif
#ifdef SENDOFF_WITH_ZSTD
#include <zstd.h>
#endif

enum { GUARD_SIZE = 64, MEBIBYTE = 1 << 20 };

static const enum compression_codec codecs[] = {COMPRESSION_GZIP, COMPRESSION_SNAPPY, COMPRESSION_LZ4,
                                                COMPRESSION_ZSTD};
enum { CODEC_COUNT = sizeof(codecs) / sizeof(codecs[0]) };

/* Memory of an exact size with known bytes behind it. */
struct guarded {
  uint8_t *data;
  size_t capacity;
};

static struct guarded guarded_create(size_t capacity) {
  struct guarded guarded = {.data = malloc(capacity + GUARD_SIZE), .capacity = capacity};
  ck_assert_ptr_nonnull(guarded.data);
  memset(guarded.data, 0xa5, capacity + GUARD_SIZE);
  return guarded;
}

static void guarded_destroy(struct guarded guarded) {
  for (size_t index = 0; index < GUARD_SIZE; index++) {
    if (guarded.data[guarded.capacity + index] != 0xa5)
      ck_abort_msg("wrote behind %zu bytes", guarded.capacity);
  }
  free(guarded.data);
}

/* Made-up log lines: some of it repeats, some does not. */
static void fill_with_text(uint8_t *data, size_t size) {
  static const char *const words[] = {"\"user\":", "\"price\":", "retry ", "GET /orders/",
                                      "{",         "},",         "id=",    "\n"};
  struct random random;
  random_seed(&random, 7);
  size_t filled = 0;
  while (filled < size) {
    const char *word = words[random_below(&random, 8)];
    for (; *word != '\0' && filled < size; word++) {
      data[filled++] = (uint8_t)*word;
    }
    for (int digit = 0; digit < 4 && filled < size; digit++) {
      data[filled++] = (uint8_t)('0' + random_below(&random, 10));
    }
  }
}

static void fill_with_noise(uint8_t *data, size_t size) {
  struct random random;
  random_seed(&random, 11);
  for (size_t index = 0; index < size; index++) {
    data[index] = (uint8_t)random_next(&random);
  }
}

static void assert_round_trip(struct compressor *compressor, enum compression_codec codec, int32_t level,
                              struct bytes input) {
  const size_t bound = compression_bound(codec, input.size);
  struct guarded compressed = guarded_create(bound);
  const size_t size = compressor_compress(compressor, codec, level, input, compressed.data, bound);
  ck_assert_uint_gt(size, 0);
  ck_assert_uint_le(size, bound);
  struct guarded output = guarded_create(input.size);
  size_t output_size = SIZE_MAX;
  ck_assert(compressor_decompress(compressor, codec, bytes_of(compressed.data, size), output.data, input.size,
                                  &output_size));
  ck_assert_uint_eq(output_size, input.size);
  ck_assert(bytes_equal(input, bytes_of(output.data, output_size)));
  guarded_destroy(output);
  guarded_destroy(compressed);
}

START_TEST(names_are_kafkas_and_are_found_again) {
  static const char *const names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  for (int number = 0; number < COMPRESSION_CODEC_COUNT; number++) {
    const enum compression_codec codec = (enum compression_codec)number;
    ck_assert_str_eq(compression_name(codec), names[number]);
    enum compression_codec found = COMPRESSION_CODEC_COUNT;
    ck_assert(compression_from_name(bytes_of_string(names[number]), &found));
    ck_assert_int_eq(found, number);
  }
}
END_TEST

START_TEST(the_codecs_that_were_chosen_are_there_and_the_others_are_refused) {
  bool chosen[COMPRESSION_CODEC_COUNT] = {[COMPRESSION_NONE] = true};
#ifdef SENDOFF_WITH_GZIP
  chosen[COMPRESSION_GZIP] = true;
#endif
#ifdef SENDOFF_WITH_SNAPPY
  chosen[COMPRESSION_SNAPPY] = true;
#endif
#ifdef SENDOFF_WITH_LZ4
  chosen[COMPRESSION_LZ4] = true;
#endif
#ifdef SENDOFF_WITH_ZSTD
  chosen[COMPRESSION_ZSTD] = true;
#endif
  for (int number = 0; number < COMPRESSION_CODEC_COUNT; number++)
    ck_assert_int_eq(codec_is_built_in((enum compression_codec)number), chosen[number]);
}
END_TEST

START_TEST(unknown_names_and_numbers_are_refused) {
  enum compression_codec codec = COMPRESSION_LZ4;
  ck_assert(!compression_from_name(bytes_of_string("brotli"), &codec));
  ck_assert(!compression_from_name(bytes_of_string("GZIP"), &codec));
  ck_assert(!compression_from_name(bytes_of_string(""), &codec));
  ck_assert(!compression_from_name(bytes_of_string(NULL), &codec));
  ck_assert_int_eq(codec, COMPRESSION_LZ4);
  for (int number = 5; number < 8; number++) {
    ck_assert_ptr_null(compression_name((enum compression_codec)number));
    ck_assert(!compression_is_available((enum compression_codec)number));
  }
}
END_TEST

START_TEST(levels_are_those_of_kafka) {
  const struct compression_levels gzip = compression_levels(COMPRESSION_GZIP);
  ck_assert_int_eq(gzip.minimum, 1);
  ck_assert_int_eq(gzip.maximum, 9);
  ck_assert_int_eq(gzip.normal, -1);
  const struct compression_levels lz4 = compression_levels(COMPRESSION_LZ4);
  ck_assert_int_eq(lz4.minimum, 1);
  ck_assert_int_eq(lz4.maximum, 17);
  ck_assert_int_eq(lz4.normal, 9);
  const struct compression_levels zstd = compression_levels(COMPRESSION_ZSTD);
  ck_assert_int_eq(zstd.minimum, -131072);
  ck_assert_int_eq(zstd.maximum, 22);
  ck_assert_int_eq(zstd.normal, 3);
  const struct compression_levels snappy = compression_levels(COMPRESSION_SNAPPY);
  ck_assert(snappy.minimum == 0 && snappy.maximum == 0 && snappy.normal == 0);
}
END_TEST

START_TEST(content_of_any_size_comes_back) {
  static const size_t sizes[] = {0,      1,      2,      15,     100,          4096,     65535,
                                 65536,  65537,  196607, 196608, 262143,       262144,   262145,
                                 524287, 524288, 524289, 900001, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1};
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  const int32_t level = compression_levels(codec).normal;
  struct compressor *compressor = compressor_create();
  uint8_t *text = malloc(MEBIBYTE + 1);
  uint8_t *noise = malloc(MEBIBYTE + 1);
  fill_with_text(text, MEBIBYTE + 1);
  fill_with_noise(noise, MEBIBYTE + 1);
  for (size_t index = 0; index < sizeof(sizes) / sizeof(sizes[0]); index++) {
    assert_round_trip(compressor, codec, level, bytes_of(text, sizes[index]));
    assert_round_trip(compressor, codec, level, bytes_of(noise, sizes[index]));
  }
  assert_round_trip(compressor, codec, level, bytes_of(NULL, 0));
  free(noise);
  free(text);
  compressor_destroy(compressor);
}
END_TEST

START_TEST(every_level_comes_back_and_shrinks_text) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  const struct compression_levels levels = compression_levels(codec);
  enum { SIZE = 70000 };
  static uint8_t text[SIZE], output[2 * SIZE];
  fill_with_text(text, SIZE);
  struct compressor *compressor = compressor_create();
  const int32_t first = levels.minimum < -2 ? -2 : levels.minimum;
  for (int32_t level = first; level <= levels.maximum; level++) {
    assert_round_trip(compressor, codec, level, bytes_of(text, SIZE));
    ck_assert_uint_lt(
        compressor_compress(compressor, codec, level, bytes_of(text, SIZE), output, sizeof(output)),
        SIZE * 3 / 4);
  }
  assert_round_trip(compressor, codec, levels.minimum, bytes_of(text, SIZE));
  assert_round_trip(compressor, codec, levels.normal, bytes_of(text, SIZE));
  compressor_destroy(compressor);
}
END_TEST

START_TEST(higher_levels_pack_better) {
  if (!every_codec_is_built_in()) return;
  static const struct {
    enum compression_codec codec;
    int32_t low, high;
  } pairs[] = {{COMPRESSION_GZIP, 1, -1}, {COMPRESSION_GZIP, -1, 9}, {COMPRESSION_LZ4, 9, 4},
               {COMPRESSION_LZ4, 4, 17},  {COMPRESSION_ZSTD, -5, 1}, {COMPRESSION_ZSTD, 3, 19}};
  enum { SIZE = 150000 };
  static uint8_t text[SIZE], output[2 * SIZE];
  fill_with_text(text, SIZE);
  struct compressor *compressor = compressor_create();
  for (size_t index = 0; index < sizeof(pairs) / sizeof(pairs[0]); index++) {
    const struct bytes input = bytes_of(text, SIZE);
    ck_assert_uint_gt(
        compressor_compress(compressor, pairs[index].codec, pairs[index].low, input, output, sizeof(output)),
        compressor_compress(compressor, pairs[index].codec, pairs[index].high, input, output,
                            sizeof(output)));
  }
  compressor_destroy(compressor);
}
END_TEST

START_TEST(output_that_does_not_fit_gives_zero_and_stays_inside) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  const int32_t level = compression_levels(codec).normal;
  enum { SIZE = 3000 };
  static uint8_t content[SIZE];
  struct compressor *compressor = compressor_create();
  for (int is_noise = 0; is_noise < 2; is_noise++) {
    (is_noise ? fill_with_noise : fill_with_text)(content, SIZE);
    const size_t bound = compression_bound(codec, SIZE);
    struct guarded whole = guarded_create(bound);
    const size_t needed =
        compressor_compress(compressor, codec, level, bytes_of(content, SIZE), whole.data, bound);
    ck_assert_uint_gt(needed, 0);
    for (size_t capacity = 0; capacity < needed; capacity += 1 + capacity / 64) {
      struct guarded output = guarded_create(capacity);
      ck_assert_uint_eq(
          compressor_compress(compressor, codec, level, bytes_of(content, SIZE), output.data, capacity), 0);
      guarded_destroy(output);
    }
    guarded_destroy(whole);
  }
  compressor_destroy(compressor);
}
END_TEST

START_TEST(decompression_refuses_what_does_not_fit) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  enum { SIZE = 5000 };
  static uint8_t text[SIZE], compressed[2 * SIZE];
  fill_with_text(text, SIZE);
  struct compressor *compressor = compressor_create();
  const size_t size = compressor_compress(compressor, codec, compression_levels(codec).normal,
                                          bytes_of(text, SIZE), compressed, sizeof(compressed));
  for (size_t capacity = 0; capacity < SIZE; capacity += 1 + capacity / 64) {
    struct guarded output = guarded_create(capacity);
    size_t output_size = 77;
    ck_assert(!compressor_decompress(compressor, codec, bytes_of(compressed, size), output.data, capacity,
                                     &output_size));
    ck_assert_uint_eq(output_size, 77);
    guarded_destroy(output);
  }
  compressor_destroy(compressor);
}
END_TEST

/* What is left of a stream is copied to memory of its own size, so that a sanitizer sees a read behind its
 * end. */
static bool decompress_copy(struct compressor *compressor, enum compression_codec codec, struct bytes input,
                            struct guarded output, size_t *output_size) {
  uint8_t *copy = malloc(input.size > 0 ? input.size : 1);
  memcpy(copy, input.data, input.size);
  const bool is_whole = compressor_decompress(compressor, codec, bytes_of(copy, input.size), output.data,
                                              output.capacity, output_size);
  free(copy);
  return is_whole;
}

START_TEST(streams_cut_anywhere_are_refused) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  enum { SIZE = 1500 };
  static uint8_t text[SIZE], compressed[2 * SIZE];
  fill_with_text(text, SIZE);
  struct compressor *compressor = compressor_create();
  const size_t size = compressor_compress(compressor, codec, compression_levels(codec).normal,
                                          bytes_of(text, SIZE), compressed, sizeof(compressed));
  struct guarded output = guarded_create(SIZE);
  for (size_t left = 0; left < size; left++) {
    /* A snappy stream of no chunks is whole: the format has no end mark. */
    if (codec == COMPRESSION_SNAPPY && left == 16) continue;
    size_t output_size;
    ck_assert_msg(!decompress_copy(compressor, codec, bytes_of(compressed, left), output, &output_size),
                  "%zu bytes", left);
  }
  guarded_destroy(output);
  compressor_destroy(compressor);
}
END_TEST

START_TEST(bytes_behind_a_stream_are_refused) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  static uint8_t compressed[400];
  struct compressor *compressor = compressor_create();
  const size_t size = compressor_compress(compressor, codec, compression_levels(codec).normal,
                                          bytes_of_string("offset"), compressed, sizeof(compressed));
  struct guarded output = guarded_create(100);
  size_t output_size;
  ck_assert(decompress_copy(compressor, codec, bytes_of(compressed, size), output, &output_size));
  for (size_t extra = 1; extra < 20; extra++) {
    ck_assert(!decompress_copy(compressor, codec, bytes_of(compressed, size + extra), output, &output_size));
  }
  guarded_destroy(output);
  compressor_destroy(compressor);
}
END_TEST

START_TEST(damaged_streams_never_write_outside) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  enum { SIZE = 2000, ROUND_COUNT = 20000 };
  static uint8_t text[SIZE], compressed[2 * SIZE], damaged[2 * SIZE];
  fill_with_text(text, SIZE);
  struct compressor *compressor = compressor_create();
  const size_t size = compressor_compress(compressor, codec, compression_levels(codec).normal,
                                          bytes_of(text, SIZE), compressed, sizeof(compressed));
  struct guarded output = guarded_create(SIZE);
  struct random random;
  random_seed(&random, 42);
  int refused_count = 0;
  for (int round = 0; round < ROUND_COUNT; round++) {
    memcpy(damaged, compressed, size);
    for (uint32_t flip = random_below(&random, 4) + 1; flip > 0; flip--) {
      /* Half of the damage goes to the headers, where lengths are. */
      const uint32_t reach = random_below(&random, 2) == 0 ? 32 : (uint32_t)size;
      damaged[random_below(&random, reach)] ^= (uint8_t)(1 + random_below(&random, 255));
    }
    size_t output_size = 0;
    if (!decompress_copy(compressor, codec, bytes_of(damaged, size), output, &output_size)) refused_count++;
    if (output_size > SIZE) ck_abort_msg("%zu bytes in %d", output_size, SIZE);
  }
  ck_assert_int_gt(refused_count, ROUND_COUNT / 4);
  guarded_destroy(output);
  /* Nothing of it sticks to the contexts. */
  assert_round_trip(compressor, codec, compression_levels(codec).normal, bytes_of(text, SIZE));
  compressor_destroy(compressor);
}
END_TEST

START_TEST(noise_is_refused) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  struct compressor *compressor = compressor_create();
  struct guarded output = guarded_create(4096);
  struct random random;
  random_seed(&random, 3);
  for (int round = 0; round < 5000; round++) {
    uint8_t noise[200];
    for (size_t index = 0; index < sizeof(noise); index++) {
      noise[index] = (uint8_t)random_next(&random);
    }
    size_t output_size = 0;
    decompress_copy(compressor, codec, bytes_of(noise, 1 + random_below(&random, 199)), output, &output_size);
    ck_assert_uint_le(output_size, 4096);
  }
  ck_assert(!compressor_decompress(compressor, codec, bytes_of("", 0), output.data, 4096, &(size_t){0}));
  ck_assert(!compressor_decompress(compressor, codec, bytes_of(NULL, 0), output.data, 4096, &(size_t){0}));
  guarded_destroy(output);
  compressor_destroy(compressor);
}
END_TEST

START_TEST(gzip_members_follow_each_other) {
  if (!codec_is_built_in(COMPRESSION_GZIP)) return;
  uint8_t stream[200], output[20];
  struct compressor *compressor = compressor_create();
  size_t size = compressor_compress(compressor, COMPRESSION_GZIP, -1, bytes_of_string("first,"), stream, 100);
  size += compressor_compress(compressor, COMPRESSION_GZIP, 9, bytes_of_string("second"), stream + size, 100);
  size_t output_size = 0;
  ck_assert(
      compressor_decompress(compressor, COMPRESSION_GZIP, bytes_of(stream, size), output, 12, &output_size));
  ck_assert(bytes_equal(bytes_of(output, output_size), bytes_of_string("first,second")));
  ck_assert(
      !compressor_decompress(compressor, COMPRESSION_GZIP, bytes_of(stream, size), output, 11, &output_size));
  compressor_destroy(compressor);
}
END_TEST

#ifdef SENDOFF_WITH_LZ4
/* A frame by liblz4's own writer with everything switched on that a frame can have. */
START_TEST(lz4_frames_of_every_kind_are_read) {
  enum { SIZE = 300000 };
  static uint8_t text[SIZE], frame[2 * SIZE], output[SIZE];
  fill_with_text(text, SIZE);
  struct compressor *compressor = compressor_create();
  for (int kind = 0; kind < 16; kind++) {
    const LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = kind & 8 ? LZ4F_max4MB : LZ4F_max64KB,
                      .blockMode = kind & 1 ? LZ4F_blockLinked : LZ4F_blockIndependent,
                      .contentChecksumFlag = kind & 2 ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum,
                      .blockChecksumFlag = kind & 2 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum,
                      .contentSize = kind & 4 ? SIZE : 0}};
    const size_t size = LZ4F_compressFrame(frame, sizeof(frame), text, SIZE, &preferences);
    ck_assert(!LZ4F_isError(size));
    size_t output_size = 0;
    ck_assert(compressor_decompress(compressor, COMPRESSION_LZ4, bytes_of(frame, size), output, SIZE,
                                    &output_size));
    ck_assert(bytes_equal(bytes_of(text, SIZE), bytes_of(output, output_size)));
  }
  compressor_destroy(compressor);
}
END_TEST
#endif

START_TEST(lz4_frames_are_as_java_reads_them) {
  if (!codec_is_built_in(COMPRESSION_LZ4)) return;
  enum { SIZE = 300000 };
  static uint8_t content[SIZE], frame[2 * SIZE];
  static const uint8_t small[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82};
  static const uint8_t large[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x50, 0xfb};
  struct compressor *compressor = compressor_create();
  fill_with_noise(content, SIZE);
  size_t size =
      compressor_compress(compressor, COMPRESSION_LZ4, 9, bytes_of(content, 65536), frame, sizeof(frame));
  ck_assert_mem_eq(frame, small, 7);
  /* Noise is stored: 64 KiB with the top bit set. */
  ck_assert_mem_eq(frame + 7, "\x00\x00\x01\x80", 4);
  ck_assert_uint_eq(size, 7 + 4 + 65536 + 4);
  ck_assert_mem_eq(frame + size - 4, "\0\0\0\0", 4);
  size = compressor_compress(compressor, COMPRESSION_LZ4, 9, bytes_of(content, SIZE), frame, sizeof(frame));
  ck_assert_mem_eq(frame, large, 7);
  ck_assert_mem_eq(frame + 7, "\x00\x00\x04\x80", 4);
  ck_assert_uint_eq(size, 7 + 4 + 262144 + 4 + (SIZE - 262144) + 4);
  compressor_destroy(compressor);
}
END_TEST

START_TEST(snappy_chunks_carry_the_xerial_header) {
  if (!codec_is_built_in(COMPRESSION_SNAPPY)) return;
  static const uint8_t header[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
  uint8_t stream[200];
  struct compressor *compressor = compressor_create();
  const size_t size =
      compressor_compress(compressor, COMPRESSION_SNAPPY, 0,
                          bytes_of_string("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), stream, sizeof(stream));
  ck_assert_mem_eq(stream, header, 16);
  ck_assert_uint_eq(bytes_load_u32(stream + 16), size - 20);
  ck_assert_uint_eq(stream[20], 32); /* the block's varint: its uncompressed size */
  compressor_destroy(compressor);
}
END_TEST

START_TEST(snappy_without_framing_is_read) {
  if (!codec_is_built_in(COMPRESSION_SNAPPY)) return;
  /* 11 bytes: literal "abc", a copy of 8 bytes from 3 back (snappy's format_description.txt). */
  static const uint8_t block[] = {11, 2 << 2, 'a', 'b', 'c', (8 - 4) << 2 | 1, 3};
  uint8_t output[11];
  size_t output_size = 0;
  struct compressor *compressor = compressor_create();
  ck_assert(compressor_decompress(compressor, COMPRESSION_SNAPPY, bytes_of(block, sizeof(block)), output, 11,
                                  &output_size));
  ck_assert(bytes_equal(bytes_of(output, output_size), bytes_of_string("abcabcabcab")));
  compressor_destroy(compressor);
}
END_TEST

START_TEST(snappy_lengths_that_lie_are_refused) {
  if (!codec_is_built_in(COMPRESSION_SNAPPY)) return;
  static const struct {
    uint8_t bytes[24];
    size_t size;
  } streams[] = {
      /* chunk sizes: behind the end, all ones, three bytes of four */
      {{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 2, 4, 'a'}, 23},
      {{0x82, 'S', 'N', 'A', 'P',  'P',  'Y',  0,    0, 0, 0,   1,
        0,    0,   0,   1,   0xff, 0xff, 0xff, 0xff, 2, 4, 'a', 'b'},
       24},
      {{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, 19},
      /* a chunk of no bytes; content of 4 GiB - 1 */
      {{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, 20},
      {{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 'a'}, 7},
  };
  struct compressor *compressor = compressor_create();
  struct guarded output = guarded_create(100);
  for (size_t index = 0; index < sizeof(streams) / sizeof(streams[0]); index++) {
    size_t output_size;
    ck_assert(!decompress_copy(compressor, COMPRESSION_SNAPPY,
                               bytes_of(streams[index].bytes, streams[index].size), output, &output_size));
  }
  guarded_destroy(output);
  compressor_destroy(compressor);
}
END_TEST

#ifdef SENDOFF_WITH_ZSTD
/* As Kafka's Java client and librdkafka use zstd: a stream, whose size is not known before its end. */
static size_t streamed_size(const uint8_t *data, size_t size) {
  static uint8_t output[MEBIBYTE];
  ZSTD_CCtx *stream = ZSTD_createCCtx();
  ZSTD_inBuffer in = {data, size - 1, 0}, last = {data + size - 1, 1, 0};
  ZSTD_outBuffer out = {output, sizeof(output), 0};
  ck_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, 3)));
  ck_assert(!ZSTD_isError(ZSTD_compressStream2(stream, &out, &in, ZSTD_e_continue)));
  ck_assert_uint_eq(ZSTD_compressStream2(stream, &out, &last, ZSTD_e_end), 0);
  ZSTD_freeCCtx(stream);
  return out.pos;
}

/* Words of some bytes out of a small vocabulary, with noise between them. */
static void fill_with_words(uint8_t *data, size_t size, uint32_t word_count, size_t word_size) {
  uint8_t words[256][8];
  fill_with_noise(words[0], sizeof(words));
  struct random random;
  random_seed(&random, 5);
  for (size_t at = 0; at + 16 < size; at += word_size) {
    memcpy(data + at, words[random_below(&random, word_count)], word_size);
    for (int noise = 0; noise < 3; noise++, at++)
      data[at + word_size] = (uint8_t)random_next(&random);
  }
}

START_TEST(zstd_is_as_small_by_default_as_a_stream_of_its_level) {
  enum { SIZE = 100000, INPUT_COUNT = 150, INPUTS_UNTIL_TRIAL = 64 };
  static uint8_t long_words[SIZE], short_words[SIZE], output[2 * SIZE];
  fill_with_words(long_words, SIZE, 64, 7);
  fill_with_words(short_words, SIZE, 256, 5);
  const size_t long_limit = streamed_size(long_words, SIZE), short_limit = streamed_size(short_words, SIZE);
  struct compressor *compressor = compressor_create();
  for (int input = 0; input < INPUT_COUNT; input++) {
    /* Here the light parameters find no less. */
    ck_assert_uint_lt(compressor_compress(compressor, COMPRESSION_ZSTD, 3, bytes_of(long_words, SIZE), output,
                                          sizeof(output)),
                      long_limit);
  }
  for (int input = 0; input < INPUT_COUNT; input++) {
    const size_t size = compressor_compress(compressor, COMPRESSION_ZSTD, 3, bytes_of(short_words, SIZE),
                                            output, sizeof(output));
    /* Here they find nothing, which the next trial notices. */
    if (input >= INPUTS_UNTIL_TRIAL) ck_assert_uint_le(size, short_limit + short_limit / 100);
  }
  for (int input = 0; input < INPUT_COUNT; input++) {
    const size_t size = compressor_compress(compressor, COMPRESSION_ZSTD, 3, bytes_of(long_words, SIZE),
                                            output, sizeof(output));
    if (input >= INPUTS_UNTIL_TRIAL) ck_assert_uint_lt(size, long_limit);
  }
  compressor_destroy(compressor);
}
END_TEST
#endif

START_TEST(no_codec_means_no_call) {
  uint8_t output[10];
  struct compressor *compressor = compressor_create();
  size_t output_size = 5;
  ck_assert_uint_eq(compressor_compress(compressor, COMPRESSION_NONE, 0, bytes_of_string("abc"), output, 10),
                    0);
  ck_assert(
      !compressor_decompress(compressor, COMPRESSION_NONE, bytes_of_string("abc"), output, 10, &output_size));
  ck_assert(!compressor_decompress(compressor, (enum compression_codec)6, bytes_of_string("abc"), output, 10,
                                   &output_size));
  ck_assert_uint_eq(output_size, 5);
  ck_assert_uint_eq(compression_bound(COMPRESSION_NONE, 10), 10);
  compressor_destroy(compressor);
  compressor_destroy(NULL);
}
END_TEST

static bool refuse_allocation_after(void *context) {
  int *left = context;
  return (*left)-- > 0;
}

START_TEST(missing_memory_gives_zero_and_the_next_call_works) {
  const enum compression_codec codec = codecs[_i];
  if (!codec_is_built_in(codec)) return;
  const int32_t level = compression_levels(codec).normal;
  uint8_t output[300];
  const struct bytes input = bytes_of_string("some content, some content");
  int left = 0;
  allocator_set_hook(refuse_allocation_after, &left);
  ck_assert_ptr_null(compressor_create());
  for (int allowed = 1;; allowed++) {
    ck_assert_int_lt(allowed, 10);
    left = allowed;
    struct compressor *compressor = compressor_create();
    ck_assert_ptr_nonnull(compressor);
    const bool worked = compressor_compress(compressor, codec, level, input, output, sizeof(output)) > 0;
    left = 100;
    ck_assert_uint_gt(compressor_compress(compressor, codec, level, input, output, sizeof(output)), 0);
    compressor_destroy(compressor);
    if (worked) break;
  }
  allocator_set_hook(NULL, NULL);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("compression");
  TCase *names = tcase_create("names");
  tcase_add_test(names, names_are_kafkas_and_are_found_again);
  tcase_add_test(names, the_codecs_that_were_chosen_are_there_and_the_others_are_refused);
  tcase_add_test(names, unknown_names_and_numbers_are_refused);
  tcase_add_test(names, levels_are_those_of_kafka);
  suite_add_tcase(suite, names);
  TCase *every = tcase_create("every codec");
  tcase_set_timeout(every, 120);
  tcase_add_loop_test(every, content_of_any_size_comes_back, 0, CODEC_COUNT);
  tcase_add_loop_test(every, every_level_comes_back_and_shrinks_text, 0, CODEC_COUNT);
  tcase_add_loop_test(every, output_that_does_not_fit_gives_zero_and_stays_inside, 0, CODEC_COUNT);
  tcase_add_loop_test(every, decompression_refuses_what_does_not_fit, 0, CODEC_COUNT);
  tcase_add_loop_test(every, streams_cut_anywhere_are_refused, 0, CODEC_COUNT);
  tcase_add_loop_test(every, bytes_behind_a_stream_are_refused, 0, CODEC_COUNT);
  tcase_add_loop_test(every, damaged_streams_never_write_outside, 0, CODEC_COUNT);
  tcase_add_loop_test(every, noise_is_refused, 0, CODEC_COUNT);
  tcase_add_loop_test(every, missing_memory_gives_zero_and_the_next_call_works, 0, CODEC_COUNT);
  suite_add_tcase(suite, every);
  TCase *single = tcase_create("single codecs");
  tcase_add_test(single, higher_levels_pack_better);
  tcase_add_test(single, gzip_members_follow_each_other);
#ifdef SENDOFF_WITH_LZ4
  tcase_add_test(single, lz4_frames_of_every_kind_are_read);
#endif
  tcase_add_test(single, lz4_frames_are_as_java_reads_them);
  tcase_add_test(single, snappy_chunks_carry_the_xerial_header);
  tcase_add_test(single, snappy_without_framing_is_read);
  tcase_add_test(single, snappy_lengths_that_lie_are_refused);
#ifdef SENDOFF_WITH_ZSTD
  tcase_add_test(single, zstd_is_as_small_by_default_as_a_stream_of_its_level);
#endif
  tcase_add_test(single, no_codec_means_no_call);
  suite_add_tcase(suite, single);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
