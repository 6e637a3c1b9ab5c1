/* gzip (RFC 1952) by libdeflate, whole buffer to whole buffer.
 *
 * A level means "as small as zlib makes it at this level, with the least work". libdeflate's scale is another
 * one: on text its level 5 reaches zlib's 6 in a third of the time, and from there on it is one level ahead.
 */
#include "protocol/compression_codec.h"

#ifdef SENDOFF_WITH_GZIP
#include <libdeflate.h>

enum { GZIP_LEVEL_NORMAL = 6, GZIP_LEVEL_MAXIMUM = 9 };

static const int libdeflate_levels[GZIP_LEVEL_MAXIMUM + 1] = {
    [1] = 1, [2] = 2, [3] = 3, [4] = 4, [5] = 5, [6] = 5, [7] = 6, [8] = 7, [9] = 8,
};

/* One compressor per level: topics may differ in level, and a libdeflate compressor is made for one. */
struct gzip_context {
  struct libdeflate_compressor *compressors[GZIP_LEVEL_MAXIMUM + 1];
  struct libdeflate_decompressor *decompressor;
};

static void gzip_deinit(void *memory) {
  struct gzip_context *context = memory;
  for (size_t level = 0; level <= GZIP_LEVEL_MAXIMUM; level++) {
    libdeflate_free_compressor(context->compressors[level]);
  }
  libdeflate_free_decompressor(context->decompressor);
}

static size_t gzip_bound(size_t size) {
  return libdeflate_gzip_compress_bound(NULL, size);
}

static size_t gzip_compress(void *memory, int32_t level, struct bytes input, uint8_t *output,
                            size_t capacity) {
  struct gzip_context *context = memory;
  const int own_level = libdeflate_levels[level < 0 ? GZIP_LEVEL_NORMAL : level];
  struct libdeflate_compressor **compressor = &context->compressors[own_level];
  if (*compressor == NULL) *compressor = libdeflate_alloc_compressor(own_level);
  if (*compressor == NULL) return 0;
  return libdeflate_gzip_compress(*compressor, input.data, input.size, output, capacity);
}

/* RFC 1952 lets a stream have several members, whose contents follow each other. */
static bool gzip_decompress(void *memory, struct bytes input, uint8_t *output, size_t capacity,
                            size_t *output_size) {
  struct gzip_context *context = memory;
  if (context->decompressor == NULL) context->decompressor = libdeflate_alloc_decompressor();
  if (context->decompressor == NULL) return false;
  size_t consumed = 0, produced = 0;
  while (consumed < input.size) {
    size_t member_size, content_size;
    if (libdeflate_gzip_decompress_ex(context->decompressor, input.data + consumed, input.size - consumed,
                                      output + produced, capacity - produced, &member_size,
                                      &content_size) != LIBDEFLATE_SUCCESS) {
      return false;
    }
    consumed += member_size;
    produced += content_size;
  }
  *output_size = produced;
  return true;
}

const struct compression_implementation compression_gzip = {
    .context_size = sizeof(struct gzip_context),
    .deinit = gzip_deinit,
    .bound = gzip_bound,
    .compress = gzip_compress,
    .decompress = gzip_decompress,
};
#endif
