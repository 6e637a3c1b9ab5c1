/* zstd: one frame that states its content size.
 *
 * All levels but the default, 3, are the library's own. For that there are two sets of parameters. The
 * thorough set is what the library takes when it is not told the size, which is how Kafka's Java client and
 * librdkafka call it: the size to be reached. (Told the size of a batch, it looks for matches of 4 bytes in
 * place of 5, which is slower and packs text worse.) The light set, with one hash table in place of two and
 * matches of 6 bytes, takes two thirds of the time. JSON becomes no larger by it, logs and binary records by
 * 2 to 5 %; so now and then an input is compressed by both, and the light set serves as long as it costs at
 * most a hundredth of the size. */
#include "protocol/compression_codec.h"

#ifdef SENDOFF_WITH_ZSTD
#include <zstd.h>

enum { LEVEL_TUNED = 3, TRIAL_INTERVAL = 64 };

/* The library's contexts, made at their first use, and which set the default level uses. */
struct zstd_context {
  ZSTD_CCtx *encoder;
  ZSTD_DCtx *decoder;
  uint32_t inputs_until_trial; /* of those at the tuned level */
  bool light_is_enough;
};

struct parameter {
  ZSTD_cParameter name;
  int value;
};

enum { SET_SIZE = 5 };
static const struct parameter thorough[SET_SIZE] = {{ZSTD_c_compressionLevel, LEVEL_TUNED},
                                                    {ZSTD_c_strategy, ZSTD_dfast},
                                                    {ZSTD_c_minMatch, 5},
                                                    {ZSTD_c_hashLog, 17},
                                                    {ZSTD_c_chainLog, 16}};
static const struct parameter light[SET_SIZE] = {{ZSTD_c_compressionLevel, LEVEL_TUNED},
                                                 {ZSTD_c_strategy, ZSTD_fast},
                                                 {ZSTD_c_minMatch, 6},
                                                 {ZSTD_c_hashLog, 16},
                                                 {ZSTD_c_chainLog, 16}};

static size_t compress_tuned(struct zstd_context *context, struct bytes input, uint8_t *output,
                             size_t capacity);
static bool is_enough(size_t light_size, size_t thorough_size);
static size_t compress_with(ZSTD_CCtx *encoder, const struct parameter *parameters, size_t parameter_count,
                            struct bytes input, uint8_t *output, size_t capacity);

static void zstd_deinit(void *memory) {
  struct zstd_context *context = memory;
  ZSTD_freeCCtx(context->encoder);
  ZSTD_freeDCtx(context->decoder);
}

static size_t zstd_bound(size_t size) {
  return ZSTD_compressBound(size);
}

static size_t zstd_compress(void *memory, int32_t level, struct bytes input, uint8_t *output,
                            size_t capacity) {
  struct zstd_context *context = memory;
  if (context->encoder == NULL) context->encoder = ZSTD_createCCtx();
  if (context->encoder == NULL) return 0;
  if (level == LEVEL_TUNED) return compress_tuned(context, input, output, capacity);
  const struct parameter only = {ZSTD_c_compressionLevel, level};
  return compress_with(context->encoder, &only, 1, input, output, capacity);
}

static size_t compress_tuned(struct zstd_context *context, struct bytes input, uint8_t *output,
                             size_t capacity) {
  const struct parameter *set = context->light_is_enough ? light : thorough;
  if (context->inputs_until_trial > 0) {
    context->inputs_until_trial--;
    return compress_with(context->encoder, set, SET_SIZE, input, output, capacity);
  }
  context->inputs_until_trial = TRIAL_INTERVAL - 1;
  /* The set in use comes last, as the output is to keep what it wrote in all likelihood. */
  const struct parameter *other = context->light_is_enough ? thorough : light;
  const size_t other_size = compress_with(context->encoder, other, SET_SIZE, input, output, capacity);
  const size_t size = compress_with(context->encoder, set, SET_SIZE, input, output, capacity);
  const bool was_enough = context->light_is_enough;
  context->light_is_enough = was_enough ? is_enough(size, other_size) : is_enough(other_size, size);
  if (context->light_is_enough == was_enough) return size;
  return compress_with(context->encoder, other, SET_SIZE, input, output, capacity);
}

/* A size of 0 stands for output that did not fit. */
static bool is_enough(size_t light_size, size_t thorough_size) {
  return light_size > 0 && (thorough_size == 0 || light_size <= thorough_size + thorough_size / 100);
}

/* 0 if it does not fit. */
static size_t compress_with(ZSTD_CCtx *encoder, const struct parameter *parameters, size_t parameter_count,
                            struct bytes input, uint8_t *output, size_t capacity) {
  if (ZSTD_isError(ZSTD_CCtx_reset(encoder, ZSTD_reset_session_and_parameters))) return 0;
  for (size_t index = 0; index < parameter_count; index++) {
    if (ZSTD_isError(ZSTD_CCtx_setParameter(encoder, parameters[index].name, parameters[index].value)))
      return 0;
  }
  const size_t size = ZSTD_compress2(encoder, output, capacity, input.data, input.size);
  return ZSTD_isError(size) ? 0 : size;
}

static bool zstd_decompress(void *memory, struct bytes input, uint8_t *output, size_t capacity,
                            size_t *output_size) {
  struct zstd_context *context = memory;
  if (context->decoder == NULL) context->decoder = ZSTD_createDCtx();
  if (context->decoder == NULL) return false;
  const size_t size = ZSTD_decompressDCtx(context->decoder, output, capacity, input.data, input.size);
  if (ZSTD_isError(size)) return false;
  *output_size = size;
  return true;
}

const struct compression_implementation compression_zstd = {
    .context_size = sizeof(struct zstd_context),
    .deinit = zstd_deinit,
    .bound = zstd_bound,
    .compress = zstd_compress,
    .decompress = zstd_decompress,
};
#endif
