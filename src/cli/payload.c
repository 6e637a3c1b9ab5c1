#include "cli/payload.h"

#include "base/allocator.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A larger file is used as far as this. */
enum { FILE_BYTES_MAX = 64 << 20 };

static int allocate_block(struct payload *payload, size_t record_bytes);
static void take_block(struct payload *payload, char *block, size_t block_bytes, size_t record_bytes);
static void fill_text(char *block, size_t block_bytes);
static uint32_t next_15_bits(uint32_t *state);
static int read_file(const char *path, char *bytes, size_t capacity, size_t *count);

int payload_init_text(struct payload *payload, size_t record_bytes) {
  int error = allocate_block(payload, record_bytes);
  if (error == 0) fill_text(payload->block, payload->block_bytes);
  return error;
}

int payload_init_random(struct payload *payload, size_t record_bytes) {
  int error = allocate_block(payload, record_bytes);
  if (error != 0) return error;
  struct random random;
  random_seed(&random, 1);
  for (size_t i = 0; i < payload->block_bytes; i++)
    payload->block[i] = (char)(random_next(&random) >> 56);
  return 0;
}

int payload_init_file(struct payload *payload, size_t record_bytes, const char *path) {
  char *bytes = allocator_allocate(FILE_BYTES_MAX);
  if (bytes == NULL) return ENOMEM;
  size_t file_bytes = 0;
  int error = read_file(path, bytes, FILE_BYTES_MAX, &file_bytes);
  if (error == 0 && file_bytes == 0) error = ENODATA;
  if (error == 0 && file_bytes > record_bytes) {
    char *block = allocator_reallocate(bytes, file_bytes);
    take_block(payload, block != NULL ? block : bytes, file_bytes, record_bytes);
    return 0;
  }
  if (error == 0) error = allocate_block(payload, record_bytes);
  if (error == 0) {
    for (size_t i = 0; i < payload->block_bytes; i++)
      payload->block[i] = bytes[i % file_bytes];
  }
  allocator_free(bytes);
  return error;
}

void payload_deinit(struct payload *payload) {
  allocator_free(payload->block);
  *payload = (struct payload){0};
}

static int allocate_block(struct payload *payload, size_t record_bytes) {
  size_t block_bytes = PAYLOAD_BLOCK_BYTES;
  if (record_bytes >= block_bytes) block_bytes += record_bytes;
  char *block = allocator_allocate(block_bytes);
  if (block == NULL) return ENOMEM;
  take_block(payload, block, block_bytes, record_bytes);
  return 0;
}

static void take_block(struct payload *payload, char *block, size_t block_bytes, size_t record_bytes) {
  size_t position_count = block_bytes - record_bytes;
  *payload = (struct payload){.block = block,
                              .block_bytes = block_bytes,
                              .position_count = position_count,
                              .stride = PAYLOAD_STRIDE % position_count};
}

static void fill_text(char *block, size_t block_bytes) {
  static const char *const words[16] = {"\"user\":", "\"order\":",        "\"price\":", "\"status\":\"ok\"",
                                        "\"time\":", "\"region\":\"eu\"", "{",          "}",
                                        ",",         "\"id\":",           "\"trace\":", "null",
                                        "true",      "\"items\":[",       "]",          "\"note\":\"retry\""};
  uint32_t state = 1;
  size_t filled = 0;
  while (filled < block_bytes) {
    const char *word = words[next_15_bits(&state) & 15];
    while (*word != '\0' && filled < block_bytes)
      block[filled++] = *word++;
    uint32_t digits = next_15_bits(&state);
    for (int i = 0; i < 4 && filled < block_bytes; i++) {
      block[filled++] = (char)('0' + digits % 10);
      digits /= 10;
    }
  }
}

/* The linear congruential generator of ISO C's example of rand. */
static uint32_t next_15_bits(uint32_t *state) {
  *state = *state * 1103515245u + 12345u;
  return (*state >> 16) & 0x7fff;
}

static int read_file(const char *path, char *bytes, size_t capacity, size_t *count) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return errno;
  int error = 0;
  size_t filled = 0;
  while (filled < capacity && error == 0) {
    ssize_t got = read(descriptor, bytes + filled, capacity - filled);
    if (got == 0) break;
    if (got > 0) {
      filled += (size_t)got;
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  close(descriptor);
  if (error == 0) *count = filled;
  return error;
}
