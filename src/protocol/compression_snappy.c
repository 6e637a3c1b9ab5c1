/* Snappy in the stream framing of xerial's snappy-java, which is what Kafka's Java client writes and reads.
 *
 *   stream := 82 'SNAPPY' 00, [version:INT32] 1, [oldest compatible version:INT32] 1, chunk...
 *   chunk  := [size:INT32] one snappy block
 *
 * Java's writer makes chunks of 32 KiB, its reader takes any size. Larger ones pack better, as copies do not
 * reach from one into another. Other clients write one block without framing, and readers accept it: so does
 * this one. */
#include "protocol/compression_codec.h"

#ifdef SENDOFF_WITH_SNAPPY
#include "protocol/snappy_encoder.h"
#include <snappy-c.h>

enum { STREAM_HEADER_SIZE = 16, CHUNK_HEADER_SIZE = 4, CHUNK_SIZE = 256 << 10 };

static const uint8_t stream_header[STREAM_HEADER_SIZE] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                                          0,    0,   0,   1,   0,   0,   0,   1};
enum { MAGIC_SIZE = 8 };

static bool block_decompress(struct bytes input, uint8_t *output, size_t capacity, size_t *output_size);

static void snappy_deinit(void *memory) {
  (void)memory;
}

static size_t snappy_bound(size_t size) {
  const size_t whole_chunk_count = size / CHUNK_SIZE;
  return STREAM_HEADER_SIZE + whole_chunk_count * (CHUNK_HEADER_SIZE + snappy_encoder_bound(CHUNK_SIZE)) +
         CHUNK_HEADER_SIZE + snappy_encoder_bound(size % CHUNK_SIZE);
}

static size_t snappy_stream_compress(void *memory, int32_t level, struct bytes input, uint8_t *output,
                                     size_t capacity) {
  (void)level;
  if (capacity < STREAM_HEADER_SIZE) return 0;
  memcpy(output, stream_header, STREAM_HEADER_SIZE);
  size_t produced = STREAM_HEADER_SIZE;
  for (size_t consumed = 0; consumed < input.size; consumed += CHUNK_SIZE) {
    if (capacity - produced < CHUNK_HEADER_SIZE) return 0;
    uint8_t *header = output + produced;
    produced += CHUNK_HEADER_SIZE;
    const size_t left = input.size - consumed;
    const struct bytes chunk = bytes_of(input.data + consumed, left < CHUNK_SIZE ? left : CHUNK_SIZE);
    const size_t size = snappy_encoder_encode(memory, chunk, output + produced, capacity - produced);
    if (size == 0) return 0;
    bytes_store_u32(header, (uint32_t)size);
    produced += size;
  }
  return produced;
}

static bool snappy_stream_decompress(void *memory, struct bytes input, uint8_t *output, size_t capacity,
                                     size_t *output_size) {
  (void)memory;
  if (input.size < STREAM_HEADER_SIZE || memcmp(input.data, stream_header, MAGIC_SIZE) != 0) {
    return block_decompress(input, output, capacity, output_size);
  }
  size_t consumed = STREAM_HEADER_SIZE, produced = 0;
  while (consumed < input.size) {
    if (input.size - consumed < CHUNK_HEADER_SIZE) return false;
    const size_t chunk_size = bytes_load_u32(input.data + consumed);
    consumed += CHUNK_HEADER_SIZE;
    size_t size;
    if (chunk_size > input.size - consumed ||
        !block_decompress(bytes_of(input.data + consumed, chunk_size), output + produced, capacity - produced,
                          &size)) {
      return false;
    }
    consumed += chunk_size;
    produced += size;
  }
  *output_size = produced;
  return true;
}

static bool block_decompress(struct bytes input, uint8_t *output, size_t capacity, size_t *output_size) {
  const char *from = (const char *)input.data;
  size_t size;
  if (snappy_uncompressed_length(from, input.size, &size) != SNAPPY_OK || size > capacity) return false;
  if (snappy_uncompress(from, input.size, (char *)output, &size) != SNAPPY_OK) return false;
  *output_size = size;
  return true;
}

const struct compression_implementation compression_snappy = {
    .context_size = sizeof(struct snappy_encoder),
    .deinit = snappy_deinit,
    .bound = snappy_bound,
    .compress = snappy_stream_compress,
    .decompress = snappy_stream_decompress,
};
#endif
