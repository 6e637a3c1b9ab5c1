#include "support/codecs.h"

#include "base/status.h"
#include "producer/settings.h"
#include <check.h>
#include <stdio.h>

static void assert_compressor_refuses(enum compression_codec codec) {
  struct compressor *compressor = compressor_create();
  ck_assert_ptr_nonnull(compressor);
  uint8_t output[64];
  size_t size = 77;
  const struct bytes input = bytes_of_string("anything");
  ck_assert_uint_eq(
      compressor_compress(compressor, codec, compression_levels(codec).normal, input, output, sizeof output),
      0);
  ck_assert(!compressor_decompress(compressor, codec, input, output, sizeof output, &size));
  ck_assert_uint_eq(size, 77);
  compressor_destroy(compressor);
}

static void assert_setting_refuses(enum compression_codec codec) {
  const char *name = compression_name(codec);
  struct config_error error = {0};
  struct config *config;
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  ck_assert_int_eq(config_set(config, "bootstrap.servers", "localhost:9092", &error), STATUS_OK);
  ck_assert_int_eq(config_set(config, "compression.type", name, &error), STATUS_OK);
  struct settings settings;
  ck_assert_int_eq(settings_resolve(config, &settings, &error), STATUS_INVALID_SETTING);
  char expected[100];
  snprintf(expected, sizeof expected, "compression.type=%s: this library was built without %s", name, name);
  ck_assert_str_eq(error.text, expected);
  config_destroy(config);
}

bool codec_is_built_in(enum compression_codec codec) {
  if (compression_is_available(codec)) return true;
  assert_compressor_refuses(codec);
  assert_setting_refuses(codec);
  return false;
}

bool every_codec_is_built_in(void) {
  bool result = true;
  for (int codec = COMPRESSION_GZIP; codec < COMPRESSION_CODEC_COUNT; codec++)
    result = codec_is_built_in((enum compression_codec)codec) && result;
  return result;
}

enum compression_codec codec_or_none(enum compression_codec codec) {
  return codec_is_built_in(codec) ? codec : COMPRESSION_NONE;
}
