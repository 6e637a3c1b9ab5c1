/* LZ4 frames. The writer frames liblz4's block functions itself, so that their state is ours and kept; the
 * reader takes whatever a frame may hold.
 *
 *   frame := 04 22 4d 18, flags, block size code, header check, block..., 00 00 00 00
 *   block := [size:UINT32LE, top bit set: stored] bytes
 *
 * Java's reader refuses blocks that depend on their predecessors, so each is compressed alone. It takes any
 * of the four block sizes; its writer makes 64 KiB. At 256 KiB the fast compressor works a fifth to a third
 * faster and packs text better (fewer cold starts); at 4 MiB nothing more is won, as LZ4 looks back 64 KiB
 * only. */
#include "protocol/compression_codec.h"

#ifdef SENDOFF_WITH_LZ4
#include "base/allocator.h"
#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>

enum {
  FRAME_HEADER_SIZE = 7,
  BLOCK_HEADER_SIZE = 4,
  END_MARK_SIZE = 4,
  SMALL_BLOCK_SIZE = 64 << 10,
  LARGE_BLOCK_SIZE = 256 << 10,
  LEVEL_FAST = 9,
};
#define BLOCK_IS_STORED 0x80000000u

/* Flags 0x60: version 1, independent blocks, no checksums, no size. The last byte is the second of
 * XXH32(flags, block size code). */
static const uint8_t small_blocks_header[FRAME_HEADER_SIZE] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82};
static const uint8_t large_blocks_header[FRAME_HEADER_SIZE] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x50, 0xfb};

struct lz4_context {
  void *fast_state, *high_state;
  LZ4F_dctx *decoder;
};

static size_t block_compress(struct lz4_context *context, int32_t level, struct bytes input, uint8_t *output,
                             size_t capacity);
static bool lz4_prepare(struct lz4_context *context, int32_t level);
static void store_u32_little_endian(uint8_t *to, uint32_t value);

static void lz4_deinit(void *memory) {
  struct lz4_context *context = memory;
  allocator_free(context->fast_state);
  allocator_free(context->high_state);
  LZ4F_freeDecompressionContext(context->decoder);
}

/* A block never grows: it is stored if compressing does not help. */
static size_t lz4_bound(size_t size) {
  const size_t block_count = size / SMALL_BLOCK_SIZE + 1;
  return FRAME_HEADER_SIZE + block_count * BLOCK_HEADER_SIZE + size + END_MARK_SIZE;
}

static size_t lz4_compress(void *memory, int32_t level, struct bytes input, uint8_t *output,
                           size_t capacity) {
  struct lz4_context *context = memory;
  if (!lz4_prepare(context, level) || capacity < FRAME_HEADER_SIZE + END_MARK_SIZE) return 0;
  const bool is_small = input.size <= SMALL_BLOCK_SIZE;
  const size_t block_size = is_small ? SMALL_BLOCK_SIZE : LARGE_BLOCK_SIZE;
  memcpy(output, is_small ? small_blocks_header : large_blocks_header, FRAME_HEADER_SIZE);
  const size_t usable = capacity - END_MARK_SIZE;
  size_t produced = FRAME_HEADER_SIZE;
  for (size_t consumed = 0; consumed < input.size; consumed += block_size) {
    const size_t left = input.size - consumed;
    const struct bytes block = bytes_of(input.data + consumed, left < block_size ? left : block_size);
    const size_t size = block_compress(context, level, block, output + produced, usable - produced);
    if (size == 0) return 0;
    produced += size;
  }
  store_u32_little_endian(output + produced, 0);
  return produced + END_MARK_SIZE;
}

static size_t block_compress(struct lz4_context *context, int32_t level, struct bytes input, uint8_t *output,
                             size_t capacity) {
  if (capacity <= BLOCK_HEADER_SIZE) return 0;
  const size_t usable = capacity - BLOCK_HEADER_SIZE;
  /* One byte less than the input, so that what does not shrink fails and is stored. */
  const size_t limit = usable < input.size ? usable : input.size - 1;
  const char *from = (const char *)input.data;
  char *to = (char *)output + BLOCK_HEADER_SIZE;
  const int compressed =
      level == LEVEL_FAST
          ? LZ4_compress_fast_extState(context->fast_state, from, to, (int)input.size, (int)limit, 1)
          : LZ4_compress_HC_extStateHC(context->high_state, from, to, (int)input.size, (int)limit, level);
  if (compressed > 0) {
    store_u32_little_endian(output, (uint32_t)compressed);
    return BLOCK_HEADER_SIZE + (size_t)compressed;
  }
  if (usable < input.size) return 0;
  store_u32_little_endian(output, (uint32_t)input.size | BLOCK_IS_STORED);
  memcpy(to, input.data, input.size);
  return BLOCK_HEADER_SIZE + input.size;
}

/* As Java: the default level, 9, is the fast compressor, and every other number a level of the high one. */
static bool lz4_prepare(struct lz4_context *context, int32_t level) {
  void **state = level == LEVEL_FAST ? &context->fast_state : &context->high_state;
  if (*state != NULL) return true;
  *state = allocator_allocate((size_t)(level == LEVEL_FAST ? LZ4_sizeofState() : LZ4_sizeofStateHC()));
  return *state != NULL;
}

static void store_u32_little_endian(uint8_t *to, uint32_t value) {
  for (size_t index = 0; index < sizeof(value); index++) {
    to[index] = (uint8_t)(value >> (8 * index));
  }
}

static bool lz4_decompress(void *memory, struct bytes input, uint8_t *output, size_t capacity,
                           size_t *output_size) {
  struct lz4_context *context = memory;
  if (input.size < FRAME_HEADER_SIZE || memcmp(input.data, small_blocks_header, 4) != 0) return false;
  if (context->decoder == NULL &&
      LZ4F_isError(LZ4F_createDecompressionContext(&context->decoder, LZ4F_VERSION))) {
    context->decoder = NULL;
    return false;
  }
  LZ4F_resetDecompressionContext(context->decoder);
  size_t consumed = 0, produced = 0, hint = 1;
  while (hint != 0) {
    size_t taken = input.size - consumed, given = capacity - produced;
    hint = LZ4F_decompress(context->decoder, output + produced, &given, input.data + consumed, &taken, NULL);
    /* No progress: the frame is cut off, or it is larger than the output. */
    if (LZ4F_isError(hint) || (hint != 0 && taken == 0 && given == 0)) return false;
    consumed += taken;
    produced += given;
  }
  if (consumed != input.size) return false;
  *output_size = produced;
  return true;
}

const struct compression_implementation compression_lz4 = {
    .context_size = sizeof(struct lz4_context),
    .deinit = lz4_deinit,
    .bound = lz4_bound,
    .compress = lz4_compress,
    .decompress = lz4_decompress,
};
#endif
