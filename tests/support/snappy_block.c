#include "support/snappy_block.h"

#include <stdlib.h>

enum element { LITERAL, COPY_WITH_1_BYTE, COPY_WITH_2_BYTES, COPY_WITH_4_BYTES };

struct reader {
  struct bytes input;
  size_t at;
  bool failed;
};

static size_t read_number(struct reader *reader, size_t byte_count) {
  size_t number = 0;
  if (reader->input.size - reader->at < byte_count) {
    reader->failed = true;
    return 0;
  }
  for (size_t index = 0; index < byte_count; index++)
    number |= (size_t)reader->input.data[reader->at++] << 8 * index;
  return number;
}

static size_t read_size(struct reader *reader) {
  size_t size = 0;
  for (unsigned shift = 0; shift < 35 && !reader->failed; shift += 7) {
    const size_t byte = read_number(reader, 1);
    size |= (byte & 0x7f) << shift;
    if (byte < 0x80) return size;
  }
  reader->failed = true;
  return 0;
}

/* One element, behind what is there already; the bytes that it adds, 0 if it is not one that fits. */
static size_t read_element(struct reader *reader, uint8_t *output, size_t produced, size_t capacity) {
  const size_t tag = read_number(reader, 1);
  size_t size = (tag >> 2) + 1, offset = 0;
  switch ((enum element)(tag & 3)) {
  case LITERAL:
    if (size > 60) size = read_number(reader, size - 60) + 1;
    if (reader->failed || size > capacity - produced || size > reader->input.size - reader->at) return 0;
    memcpy(output + produced, reader->input.data + reader->at, size);
    reader->at += size;
    return size;
  case COPY_WITH_1_BYTE:
    size = (tag >> 2 & 7) + 4;
    offset = tag >> 5 << 8 | read_number(reader, 1);
    break;
  case COPY_WITH_2_BYTES: offset = read_number(reader, 2); break;
  case COPY_WITH_4_BYTES: offset = read_number(reader, 4); break;
  }
  if (reader->failed || offset == 0 || offset > produced || size > capacity - produced) return 0;
  for (size_t index = produced; index < produced + size; index++)
    output[index] = output[index - offset];
  return size;
}

bool snappy_block_holds(struct bytes block, struct bytes content) {
  struct reader reader = {.input = block};
  if (read_size(&reader) != content.size || reader.failed) return false;
  uint8_t *output = malloc(content.size + 1);
  if (output == NULL) return false;
  size_t produced = 0;
  while (reader.at < block.size) {
    const size_t size = read_element(&reader, output, produced, content.size);
    if (size == 0) break;
    produced += size;
  }
  const bool is_same = reader.at == block.size && bytes_equal(bytes_of(output, produced), content);
  free(output);
  return is_same;
}
