#include "broker/batch_contents.h"
#include "base/allocator.h"
#include "base/status.h"
#include "protocol/compression.h"

enum {
  FIRST_CAPACITY = 256 * 1024,
  KEPT_CAPACITY = 16 * 1024 * 1024, /* a larger buffer is given back by the next batch that does without */
  MAXIMUM_CAPACITY = 256 * 1024 * 1024,
};

static int32_t contents_reserve(struct batch_contents *contents, size_t capacity);

void batch_contents_deinit(struct batch_contents *contents) {
  if (contents->compressor != NULL) compressor_destroy(contents->compressor);
  allocator_free(contents->buffer);
  *contents = (struct batch_contents){0};
}

int32_t batch_contents_open(struct batch_contents *contents, struct bytes batch,
                            const struct record_batch_header *header, struct wire_reader *records) {
  struct bytes packed =
      bytes_of(batch.data + RECORD_BATCH_HEADER_BYTES, batch.size - RECORD_BATCH_HEADER_BYTES);
  enum compression_codec codec = (enum compression_codec)(header->attributes & RECORD_BATCH_CODEC_MASK);
  if (codec == COMPRESSION_NONE) {
    *records = wire_reader_of(packed);
    return STATUS_OK;
  }
  if (codec >= COMPRESSION_CODEC_COUNT || !compression_is_available(codec))
    return STATUS_UNSUPPORTED_COMPRESSION_TYPE;
  if (contents->compressor == NULL) contents->compressor = compressor_create();
  if (contents->compressor == NULL) return STATUS_OUT_OF_MEMORY;
  /* The format does not say how much comes out: try ever larger buffers, powers of two. */
  size_t wanted = contents->capacity <= KEPT_CAPACITY ? contents->capacity : 0;
  if (wanted < FIRST_CAPACITY) wanted = FIRST_CAPACITY;
  for (; wanted <= MAXIMUM_CAPACITY; wanted *= 2) {
    size_t size = 0;
    int32_t status = contents_reserve(contents, wanted);
    if (status != STATUS_OK) return status;
    if (!compressor_decompress(contents->compressor, codec, packed, contents->buffer, wanted, &size))
      continue;
    *records = wire_reader_of(bytes_of(contents->buffer, size));
    return STATUS_OK;
  }
  return STATUS_CORRUPT_MESSAGE;
}

static int32_t contents_reserve(struct batch_contents *contents, size_t capacity) {
  if (contents->capacity == capacity) return STATUS_OK;
  allocator_free(contents->buffer);
  contents->capacity = 0;
  contents->buffer = allocator_allocate(capacity);
  if (contents->buffer == NULL) return STATUS_OUT_OF_MEMORY;
  contents->capacity = capacity;
  return STATUS_OK;
}
