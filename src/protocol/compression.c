#include "protocol/compression.h"
#include "base/allocator.h"
#include "base/assertion.h"
#include "protocol/compression_codec.h"

struct codec {
  const char *name;
  struct compression_levels levels;
  const struct compression_implementation *implementation; /* NULL: not in this build */
};

static const struct codec codecs[COMPRESSION_CODEC_COUNT] = {
    [COMPRESSION_NONE] = {.name = "none"},
    [COMPRESSION_GZIP] = {.name = "gzip",
                          .levels = {.minimum = 1, .maximum = 9, .normal = -1},
#ifdef SENDOFF_WITH_GZIP
                          .implementation = &compression_gzip
#endif
    },
    [COMPRESSION_SNAPPY] = {.name = "snappy",
#ifdef SENDOFF_WITH_SNAPPY
                            .implementation = &compression_snappy
#endif
    },
    [COMPRESSION_LZ4] = {.name = "lz4",
                         .levels = {.minimum = 1, .maximum = 17, .normal = 9},
#ifdef SENDOFF_WITH_LZ4
                         .implementation = &compression_lz4
#endif
    },
    [COMPRESSION_ZSTD] = {.name = "zstd",
                          .levels = {.minimum = -131072, .maximum = 22, .normal = 3},
#ifdef SENDOFF_WITH_ZSTD
                          .implementation = &compression_zstd
#endif
    },
};

struct compressor {
  void *contexts[COMPRESSION_CODEC_COUNT]; /* NULL until the codec's first use */
};

static bool codec_is_known(enum compression_codec codec);
static const struct compression_implementation *compressor_prepare(struct compressor *compressor,
                                                                   enum compression_codec codec);
static bool level_is_allowed(enum compression_codec codec, int32_t level);

const char *compression_name(enum compression_codec codec) {
  return codec_is_known(codec) ? codecs[codec].name : NULL;
}

bool compression_from_name(struct bytes name, enum compression_codec *codec) {
  for (size_t index = 0; index < COMPRESSION_CODEC_COUNT; index++) {
    if (bytes_equal(name, bytes_of_string(codecs[index].name))) {
      *codec = (enum compression_codec)index;
      return true;
    }
  }
  return false;
}

struct compression_levels compression_levels(enum compression_codec codec) {
  return codec_is_known(codec) ? codecs[codec].levels : (struct compression_levels){0};
}

bool compression_is_available(enum compression_codec codec) {
  if (!codec_is_known(codec)) return false;
  return codec == COMPRESSION_NONE || codecs[codec].implementation != NULL;
}

struct compressor *compressor_create(void) {
  return allocator_allocate_zeroed(1, sizeof(struct compressor));
}

void compressor_destroy(struct compressor *compressor) {
  if (compressor == NULL) return;
  for (size_t index = 0; index < COMPRESSION_CODEC_COUNT; index++) {
    if (compressor->contexts[index] == NULL) continue;
    codecs[index].implementation->deinit(compressor->contexts[index]);
    allocator_free(compressor->contexts[index]);
  }
  allocator_free(compressor);
}

size_t compression_bound(enum compression_codec codec, size_t size) {
  if (codec == COMPRESSION_NONE || !compression_is_available(codec)) return size;
  return codecs[codec].implementation->bound(size);
}

size_t compressor_compress(struct compressor *compressor, enum compression_codec codec, int32_t level,
                           struct bytes input, uint8_t *output, size_t capacity) {
  ASSERT(level_is_allowed(codec, level));
  const struct compression_implementation *implementation = compressor_prepare(compressor, codec);
  if (implementation == NULL) return 0;
  /* The libraries do not all take NULL for nothing. */
  if (input.size == 0) input = bytes_of("", 0);
  return implementation->compress(compressor->contexts[codec], level, input, output, capacity);
}

bool compressor_decompress(struct compressor *compressor, enum compression_codec codec, struct bytes input,
                           uint8_t *output, size_t capacity, size_t *output_size) {
  const struct compression_implementation *implementation = compressor_prepare(compressor, codec);
  if (implementation == NULL || input.size == 0) return false;
  size_t size = 0;
  if (!implementation->decompress(compressor->contexts[codec], input, output, capacity, &size)) return false;
  *output_size = size;
  return true;
}

static bool codec_is_known(enum compression_codec codec) {
  return (unsigned)codec < COMPRESSION_CODEC_COUNT;
}

/* NULL if the codec is not in this build or memory is missing. */
static const struct compression_implementation *compressor_prepare(struct compressor *compressor,
                                                                   enum compression_codec codec) {
  if (codec == COMPRESSION_NONE || !compression_is_available(codec)) return NULL;
  const struct compression_implementation *implementation = codecs[codec].implementation;
  if (compressor->contexts[codec] == NULL) {
    compressor->contexts[codec] = allocator_allocate_zeroed(1, implementation->context_size);
  }
  return compressor->contexts[codec] == NULL ? NULL : implementation;
}

static bool level_is_allowed(enum compression_codec codec, int32_t level) {
  const struct compression_levels levels = compression_levels(codec);
  return level == levels.normal || (level >= levels.minimum && level <= levels.maximum);
}
