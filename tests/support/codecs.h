/* For tests of codecs, which a build may be without. */
#ifndef SUPPORT_CODECS_H
#define SUPPORT_CODECS_H

#include "protocol/compression.h"

/* True if the build has the codec. If not, fails the test unless the library refuses it everywhere: a
 * compressor neither writes nor reads it, and compression.type says what is missing. */
bool codec_is_built_in(enum compression_codec codec);

/* codec_is_built_in of all of them. */
bool every_codec_is_built_in(void);

/* The codec, or COMPRESSION_NONE if codec_is_built_in says no: for tests to which it does not matter. */
enum compression_codec codec_or_none(enum compression_codec codec);

#endif
