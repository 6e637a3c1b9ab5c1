/* A thousand inputs through each codec, at several levels: what we compress comes back, from us and from a
 * reader that we did not write, or not for this. It is also built against the static archives that a
 * self-contained library has inside (compression_archives_test), and both run on every architecture. */
#include "base/random.h"
#include "protocol/compression.h"
#include "support/snappy_block.h"
#include <check.h>
#include <stdlib.h>
#ifdef SENDOFF_WITH_GZIP
#include <libdeflate.h>
#endif
#ifdef SENDOFF_WITH_LZ4
#include <lz4frame.h>
#endif
#ifdef SENDOFF_WITH_ZSTD
#include <zstd.h>
#endif

enum { INPUT_COUNT = 1000, SIZE_BITS_MAXIMUM = 17, SIZE_MAXIMUM = 1 << SIZE_BITS_MAXIMUM };

static uint8_t input_memory[SIZE_MAXIMUM], output_memory[SIZE_MAXIMUM];
static uint8_t packed_memory[2 * SIZE_MAXIMUM];
static struct random chance;

/* ---- inputs ---- */

static void fill_with_noise(uint8_t *data, size_t size) {
  for (size_t index = 0; index < size; index++)
    data[index] = (uint8_t)random_next(&chance);
}

/* One short pattern again and again. */
static void fill_with_repetition(uint8_t *data, size_t size) {
  const size_t period = 1 + random_below(&chance, 40);
  fill_with_noise(data, size < period ? size : period);
  for (size_t index = period; index < size; index++)
    data[index] = data[index - period];
}

static void fill_with_text(uint8_t *data, size_t size) {
  static const char *const words[] = {"{\"user\":", "\"price\":", " retry", "GET /orders/",
                                      "},",         "id=",        "\n",     "the "};
  size_t filled = 0;
  while (filled < size) {
    for (const char *word = words[random_below(&chance, 8)]; *word != '\0' && filled < size; word++)
      data[filled++] = (uint8_t)*word;
    if (filled < size && random_below(&chance, 3) == 0)
      data[filled++] = (uint8_t)('0' + random_below(&chance, 10));
  }
}

/* Pieces of the other kinds and copies from far back. */
static void fill_with_mixture(uint8_t *data, size_t size) {
  static void (*const kinds[])(uint8_t *, size_t) = {fill_with_noise, fill_with_repetition, fill_with_text};
  size_t filled = 0;
  while (filled < size) {
    size_t piece = 1 + random_below(&chance, 600);
    if (piece > size - filled) piece = size - filled;
    const uint32_t kind = random_below(&chance, 4);
    if (kind < 3) {
      kinds[kind](data + filled, piece);
    } else if (filled >= piece) {
      memcpy(data + filled, data + random_below(&chance, (uint32_t)(filled - piece) + 1), piece);
    } else {
      memset(data + filled, 0, piece);
    }
    filled += piece;
  }
}

/* Empty, one byte, and then of any order of magnitude alike, so that most are small and some of 100 KB. */
static struct bytes make_input(uint32_t number) {
  static void (*const kinds[])(uint8_t *, size_t) = {fill_with_noise, fill_with_repetition, fill_with_text,
                                                     fill_with_mixture};
  random_seed(&chance, 20240 + number);
  const uint32_t bits = random_below(&chance, SIZE_BITS_MAXIMUM);
  size_t size = (1u << bits) + random_below(&chance, 1u << bits);
  if (number < 8) size = number / 4;
  kinds[number % 4](input_memory, size);
  return bytes_of(input_memory, size);
}

/* ---- other readers ---- */

#ifdef SENDOFF_WITH_GZIP
static size_t gzip_read(struct bytes packed, uint8_t *output, size_t capacity) {
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
  size_t size = SIZE_MAX;
  if (libdeflate_gzip_decompress(decompressor, packed.data, packed.size, output, capacity, &size) !=
      LIBDEFLATE_SUCCESS)
    size = SIZE_MAX;
  libdeflate_free_decompressor(decompressor);
  return size;
}
#endif

#ifdef SENDOFF_WITH_LZ4
static size_t lz4_read(struct bytes packed, uint8_t *output, size_t capacity) {
  LZ4F_dctx *decoder;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&decoder, LZ4F_VERSION))) return SIZE_MAX;
  size_t produced = 0, consumed = 0, hint = 1;
  /* In small steps: the library takes another way than for a whole frame at once. */
  while (hint != 0 && consumed < packed.size) {
    size_t step = packed.size - consumed < 1000 ? packed.size - consumed : 1000, room = capacity - produced;
    hint = LZ4F_decompress(decoder, output + produced, &room, packed.data + consumed, &step, NULL);
    if (LZ4F_isError(hint) || (step == 0 && room == 0)) break;
    consumed += step;
    produced += room;
  }
  LZ4F_freeDecompressionContext(decoder);
  return hint == 0 && consumed == packed.size ? produced : SIZE_MAX;
}
#endif

#ifdef SENDOFF_WITH_ZSTD
static size_t zstd_read(struct bytes packed, uint8_t *output, size_t capacity) {
  ZSTD_DStream *stream = ZSTD_createDStream();
  ZSTD_inBuffer in = {.src = packed.data, .size = packed.size};
  ZSTD_outBuffer out = {.dst = output, .size = capacity};
  size_t hint = 1;
  while (hint != 0 && !ZSTD_isError(hint)) {
    const size_t before = in.pos + out.pos;
    hint = ZSTD_decompressStream(stream, &out, &in);
    if (in.pos + out.pos == before) break;
  }
  ZSTD_freeDStream(stream);
  return hint == 0 && in.pos == packed.size ? out.pos : SIZE_MAX;
}
#endif

/* Xerial's framing has been read by nobody else yet: one chunk, as no input is larger. */
static bool snappy_holds(struct bytes packed, struct bytes content) {
  enum { HEADERS_SIZE = 16 + 4 };
  if (content.size == 0) return packed.size == 16;
  return packed.size > HEADERS_SIZE && bytes_load_u32(packed.data + 16) == packed.size - HEADERS_SIZE &&
         snappy_block_holds(bytes_of(packed.data + HEADERS_SIZE, packed.size - HEADERS_SIZE), content);
}

static bool another_reads(enum compression_codec codec, struct bytes packed, struct bytes content) {
  size_t size = SIZE_MAX;
  memset(output_memory, 0x3c, content.size);
  switch (codec) {
#ifdef SENDOFF_WITH_GZIP
  case COMPRESSION_GZIP: size = gzip_read(packed, output_memory, sizeof output_memory); break;
#endif
#ifdef SENDOFF_WITH_LZ4
  case COMPRESSION_LZ4: size = lz4_read(packed, output_memory, sizeof output_memory); break;
#endif
#ifdef SENDOFF_WITH_ZSTD
  case COMPRESSION_ZSTD: size = zstd_read(packed, output_memory, sizeof output_memory); break;
#endif
  case COMPRESSION_SNAPPY: return snappy_holds(packed, content);
  default: break;
  }
  return size != SIZE_MAX && bytes_equal(bytes_of(output_memory, size), content);
}

/* ---- the test ---- */

/* The highest levels are slow, and rare therefore. */
static int32_t level_for(enum compression_codec codec, uint32_t number) {
  const struct compression_levels levels = compression_levels(codec);
  const int32_t gzip[] = {1, levels.normal, 4, 9}, lz4[] = {levels.normal, 1, 4, 12},
                zstd[] = {levels.normal, -20, 1, 6};
  const bool is_extreme = number % 50 == 49;
  switch (codec) {
  case COMPRESSION_GZIP: return is_extreme ? levels.maximum : gzip[number / 4 % 4];
  case COMPRESSION_LZ4: return is_extreme ? levels.maximum : lz4[number / 4 % 4];
  case COMPRESSION_ZSTD: return is_extreme ? levels.maximum : zstd[number / 4 % 4];
  default: return levels.normal;
  }
}

START_TEST(a_thousand_inputs_come_back) {
  const enum compression_codec codec = (enum compression_codec)_i;
  struct compressor *compressor = compressor_create();
  for (uint32_t number = 0; number < INPUT_COUNT; number++) {
    const struct bytes input = make_input(number);
    const int32_t level = level_for(codec, number);
    const size_t bound = compression_bound(codec, input.size);
    ck_assert_msg(bound <= sizeof packed_memory, "%zu bytes may become %zu", input.size, bound);
    const size_t size = compressor_compress(compressor, codec, level, input, packed_memory, bound);
    const struct bytes packed = bytes_of(packed_memory, size);
    if (size == 0) ck_abort_msg("input %u of %zu bytes, level %d: refused", number, input.size, level);
    size_t output_size = SIZE_MAX;
    memset(output_memory, 0xc3, input.size);
    if (!compressor_decompress(compressor, codec, packed, output_memory, input.size, &output_size) ||
        !bytes_equal(bytes_of(output_memory, output_size), input))
      ck_abort_msg("input %u of %zu bytes, level %d: we read something else", number, input.size, level);
    if (!another_reads(codec, packed, input))
      ck_abort_msg("input %u of %zu bytes, level %d: others read something else", number, input.size, level);
  }
  compressor_destroy(compressor);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("compression, round trips");
  TCase *test_case = tcase_create("all");
  tcase_set_timeout(test_case, 60);
  /* What a build is without has no round trip, and is not counted. */
  for (int codec = COMPRESSION_GZIP; codec < COMPRESSION_CODEC_COUNT; codec++)
    if (compression_is_available((enum compression_codec)codec))
      tcase_add_loop_test(test_case, a_thousand_inputs_come_back, codec, codec + 1);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
