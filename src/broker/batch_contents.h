/* The records of a batch, uncompressed. Keeps the codecs' state and one buffer between batches; one owner, no
 * lock. */
#ifndef BROKER_BATCH_CONTENTS_H
#define BROKER_BATCH_CONTENTS_H

#include "protocol/record_batch.h"
#include <stddef.h>
#include <stdint.h>

struct compressor;

/* Zero-initialised is valid and empty. */
struct batch_contents {
  struct compressor *compressor; /* made for the first compressed batch */
  uint8_t *buffer;
  size_t capacity;
};

void batch_contents_deinit(struct batch_contents *contents);

/* Puts *records in front of the first record of a batch that record_batch_read has found valid; read them
 * with record_read. They lie in the batch or in the buffer: valid until the next open. CORRUPT_MESSAGE when
 * the codec refuses the data (or it would take more than 256 MiB), UNSUPPORTED_COMPRESSION_TYPE,
 * OUT_OF_MEMORY. */
int32_t batch_contents_open(struct batch_contents *contents, struct bytes batch,
                            const struct record_batch_header *header, struct wire_reader *records);

#endif
