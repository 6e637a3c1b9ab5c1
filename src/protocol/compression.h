/* The codecs of record batch v2 attributes, whole buffer to whole buffer. No state is kept between calls,
 * except in a compressor, which belongs to one thread and keeps the codecs' working memory.
 *
 * Formats as Kafka's Java reader expects them: gzip (RFC 1952, libdeflate); snappy in the xerial stream
 * framing (magic 82 'SNAPPY' 0, version 1, compatible 1, then [size:INT32 block]); lz4 as an LZ4 frame with
 * independent blocks and without checksums (Java refuses linked blocks); zstd as one frame. Levels other than
 * the default mean what they mean to Java; the default is the setting that packs text at least as well as
 * Java's for the least work. */
#ifndef PROTOCOL_COMPRESSION_H
#define PROTOCOL_COMPRESSION_H

#include "base/bytes.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum compression_codec {
  COMPRESSION_NONE = 0,
  COMPRESSION_GZIP = 1,
  COMPRESSION_SNAPPY = 2,
  COMPRESSION_LZ4 = 3,
  COMPRESSION_ZSTD = 4,
  COMPRESSION_CODEC_COUNT = 5,
};

/* "none", "gzip", ... ; NULL for an unknown number. */
const char *compression_name(enum compression_codec codec);
/* False for an unknown name. */
bool compression_from_name(struct bytes name, enum compression_codec *codec);
/* Java's ranges and defaults: gzip 1-9 or -1 (default -1 = 6; normal is outside the range), lz4 1-17 (9: the
 * fast compressor, every other number is a level of the high one), zstd -131072-22 (3). Snappy and none have
 * no level: minimum = maximum = normal = 0. */
struct compression_levels {
  int32_t minimum, maximum, normal;
};
struct compression_levels compression_levels(enum compression_codec codec);
/* False when the build was made without the codec's library. */
bool compression_is_available(enum compression_codec codec);

/* Owns the codecs' contexts, each made at its first use. */
struct compressor;
struct compressor *compressor_create(void);
void compressor_destroy(struct compressor *compressor);

/* The most that size bytes can become. */
size_t compression_bound(enum compression_codec codec, size_t size);

/* Compresses input into output of the given capacity. Returns the compressed size; 0 if it did not fit,
 * memory was missing or the codec failed (the caller then sends the batch uncompressed); always 0 for
 * COMPRESSION_NONE. The level must be one that compression_levels allows. */
size_t compressor_compress(struct compressor *compressor, enum compression_codec codec, int32_t level,
                           struct bytes input, uint8_t *output, size_t capacity);

/* Decompresses input into output. Returns true and the size if input is one whole, well-formed stream (for
 * lz4 also with linked blocks, content size and checksums; for snappy also without the xerial framing;
 * concatenated gzip members are accepted) that fits capacity. */
bool compressor_decompress(struct compressor *compressor, enum compression_codec codec, struct bytes input,
                           uint8_t *output, size_t capacity, size_t *output_size);

#endif
