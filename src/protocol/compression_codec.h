/* What compression.c asks of each codec; for compression.c and compression_*.c only. A codec whose library
 * the build does not have is absent from the table.
 *
 * A context is the codec's working memory: context_size zeroed bytes from our allocator, made at the codec's
 * first use and filled by the codec as its calls need it. It belongs to one compressor and therefore to one
 * thread. The libraries' own contexts come from malloc where their stable interface takes no allocator
 * (libdeflate, LZ4F, zstd). */
#ifndef PROTOCOL_COMPRESSION_CODEC_H
#define PROTOCOL_COMPRESSION_CODEC_H

#include "base/bytes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compression_implementation {
  size_t context_size;
  void (*deinit)(void *context);
  size_t (*bound)(size_t size);
  /* input.data is never NULL; level is within the codec's levels. 0 when it did not work out. */
  size_t (*compress)(void *context, int32_t level, struct bytes input, uint8_t *output, size_t capacity);
  /* input is hostile. */
  bool (*decompress)(void *context, struct bytes input, uint8_t *output, size_t capacity,
                     size_t *output_size);
};

extern const struct compression_implementation compression_gzip;
extern const struct compression_implementation compression_snappy;
extern const struct compression_implementation compression_lz4;
extern const struct compression_implementation compression_zstd;

#endif
