#include "protocol/features.h"

#ifdef SENDOFF_WITH_GZIP
#define GZIP ",gzip"
#else
#define GZIP ""
#endif
#ifdef SENDOFF_WITH_ISAL
#define ISAL ",isal"
#else
#define ISAL ""
#endif
#ifdef SENDOFF_WITH_LZ4
#define LZ4 ",lz4"
#else
#define LZ4 ""
#endif
#ifdef SENDOFF_WITH_SNAPPY
#define SNAPPY ",snappy"
#else
#define SNAPPY ""
#endif
#ifdef SENDOFF_WITH_TLS
#define SASL ",sasl"
#define TLS  ",tls"
#else
#define SASL ""
#define TLS  ""
#endif
#ifdef SENDOFF_WITH_ZSTD
#define ZSTD ",zstd"
#else
#define ZSTD ""
#endif

const char *features_text(void) {
  static const char words[] = GZIP ISAL LZ4 SASL SNAPPY TLS ZSTD;
  return words[0] == ',' ? words + 1 : words;
}
