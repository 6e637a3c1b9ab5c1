/* The codecs: the first byte chooses one, and whether the rest is to be packed and unpacked, or is what a
 * stranger has packed. The second chooses a level, and the room that there is. */
#include "protocol/compression.h"

#include "base/assertion.h"
#include "support/snappy_block.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNPACKED_MAX_BYTES = 256 << 10 };

static struct compressor *compressor;

static void check_round_trip(enum compression_codec codec, uint8_t choice, struct bytes input);
static int32_t level_of(enum compression_codec codec, uint8_t choice);
static void check_stranger(enum compression_codec codec, uint8_t choice, struct bytes input);
static bool unpack(enum compression_codec codec, struct bytes input, size_t room, uint8_t **output,
                   size_t *size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  if (compressor == NULL) compressor = compressor_create();
  ASSERT(compressor != NULL);
  enum compression_codec codec = (enum compression_codec)(data[0] % COMPRESSION_CODEC_COUNT);
  if (!compression_is_available(codec)) return 0;
  struct bytes input = bytes_of(data + 2, size - 2);
  if (data[0] / COMPRESSION_CODEC_COUNT % 2 == 0)
    check_round_trip(codec, data[1], input);
  else
    check_stranger(codec, data[1], input);
  return 0;
}

static void check_round_trip(enum compression_codec codec, uint8_t choice, struct bytes input) {
  size_t bound = compression_bound(codec, input.size);
  size_t room = choice % 2 == 0 ? bound : input.size;
  uint8_t *packed = malloc(room + 1);
  ASSERT(packed != NULL);
  size_t packed_bytes = compressor_compress(compressor, codec, level_of(codec, choice), input, packed, room);
  ASSERT(packed_bytes <= room);
  ASSERT(packed_bytes > 0 || room < bound || codec == COMPRESSION_NONE);
  if (packed_bytes > 0) {
    uint8_t *unpacked;
    size_t size;
    bool is_unpacked = unpack(codec, bytes_of(packed, packed_bytes), input.size, &unpacked, &size);
    ASSERT(is_unpacked && bytes_equal(input, bytes_of(unpacked, size)));
    free(unpacked);
    if (input.size > 0) {
      is_unpacked = unpack(codec, bytes_of(packed, packed_bytes), input.size - 1, &unpacked, &size);
      ASSERT(!is_unpacked);
    }
  }
  free(packed);
}

/* The default, or one of those that take little memory. */
static int32_t level_of(enum compression_codec codec, uint8_t choice) {
  const struct compression_levels levels = compression_levels(codec);
  int32_t level = choice / 2 % 8;
  return level >= levels.minimum && level <= levels.maximum ? level : levels.normal;
}

static void check_stranger(enum compression_codec codec, uint8_t choice, struct bytes input) {
  size_t room = choice == 0 ? UNPACKED_MAX_BYTES : choice, size, again_size;
  uint8_t *unpacked, *again;
  if (!unpack(codec, input, room, &unpacked, &size)) return;
  ASSERT(size <= room);
  /* It says the same in just the room that it needs. */
  bool is_unpacked = unpack(codec, input, size, &again, &again_size);
  ASSERT(is_unpacked && bytes_equal(bytes_of(unpacked, size), bytes_of(again, again_size)));
  /* The library takes a literal of 2^32 bytes for one of none; our reader of blocks refuses it. */
  bool has_huge = memmem(input.data, input.size, "\xfc\xff\xff\xff\xff", 5) != NULL;
  if (codec == COMPRESSION_SNAPPY && input.data[0] != 0x82 && !has_huge)
    ASSERT(snappy_block_holds(input, bytes_of(unpacked, size)));
  free(unpacked);
  free(again);
}

/* *output is the caller's to free if it is true. */
static bool unpack(enum compression_codec codec, struct bytes input, size_t room, uint8_t **output,
                   size_t *size) {
  uint8_t *memory = malloc(room == 0 ? 1 : room);
  ASSERT(memory != NULL);
  bool is_unpacked = compressor_decompress(compressor, codec, input, memory, room, size);
  if (is_unpacked)
    *output = memory;
  else
    free(memory);
  return is_unpacked;
}
