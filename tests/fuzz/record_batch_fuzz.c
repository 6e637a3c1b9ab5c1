/* Record batches. An even first byte: records made of the input are appended, split, compressed and stamped
 * as the sender does it, and an independent reader has to find them. An odd one: the input is a batch of a
 * stranger, under its true checksum, for the broker's validator. */
#include "accumulator/batch.h"

#include "base/assertion.h"
#include "base/status.h"
#include "broker/batch_validator.h"
#include "fuzz/plain_batch.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  RECORDS_MAX = 64,
  HEADERS_MAX = 3,
  CHOICES = 5, /* bytes that say what is to be done */
  SCRATCH_BYTES = 64 << 10,
  CONTENT_MAX_BYTES = 1 << 20,
};

static const int64_t NOW_MS = 1700000000000;

/* What was sent, to compare with. */
struct sample {
  struct record record;
  struct record_header headers[HEADERS_MAX];
  int64_t timestamp_ms;
};

static void check_encoding(struct bytes input);
static uint32_t append_all(struct batch *batch, struct bytes input, struct sample *samples);
static void send_batch(struct batch *batch, const uint8_t *choices, const struct sample *samples);
static void check_wire(const struct batch *batch, struct bytes wire, const struct sample *samples);
static void check_record(const struct plain_record *record, const struct sample *sample);
static void check_stranger(struct bytes input, int16_t version);
static void compare_contents(struct batch_contents *contents, struct bytes input,
                             const struct record_batch_header *header);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < CHOICES) return 0;
  if (data[0] % 2 == 0)
    check_encoding(bytes_of(data, size));
  else
    check_stranger(bytes_of(data + 2, size - 2), (int16_t)(3 + data[1] % 10));
  return 0;
}

/* ---- what the library writes ---- */

static void check_encoding(struct bytes input) {
  const uint8_t *choices = input.data;
  size_t block_bytes = (size_t)(1 + choices[1] % 32) * 256;
  uint8_t *block = malloc(block_bytes);
  ASSERT(block != NULL);
  struct batch batch, tail = {.state = BATCH_OPEN};
  batch_init(&batch, block, block_bytes, RECORD_BATCH_HEADER_BYTES + 4096, RECORDS_MAX, false, 0);
  static struct sample samples[RECORDS_MAX];
  uint32_t count = append_all(&batch, bytes_of(input.data + CHOICES, input.size - CHOICES), samples);
  if (count > 0) {
    batch_set_state(&batch, BATCH_SEALED);
    uint32_t at = choices[3] % count;
    if (at > 0) batch_split(&batch, at, &tail);
    send_batch(&batch, choices, samples);
    if (at > 0) send_batch(&tail, choices, samples + at);
  }
  free(block);
}

/* The next bytes as a field: null, empty or some of them. */
static struct bytes take_field(struct bytes *input) {
  if (input->size == 0) return bytes_of(NULL, 0);
  size_t size = *input->data;
  *input = bytes_of(input->data + 1, input->size - 1);
  if (size == UINT8_MAX) return bytes_of(NULL, 0);
  if (size > input->size) size = input->size;
  struct bytes field = bytes_of(input->data, size);
  *input = bytes_of(input->data + size, input->size - size);
  return field;
}

static void take_sample(struct bytes *input, struct sample *sample) {
  uint8_t shape = *input->data;
  *input = bytes_of(input->data + 1, input->size - 1);
  *sample = (struct sample){.timestamp_ms = (int64_t)((uint64_t)shape << shape % 55)};
  sample->record.key = take_field(input);
  sample->record.value = take_field(input);
  sample->record.headers = sample->headers;
  sample->record.header_count = shape % (HEADERS_MAX + 1);
  for (uint32_t i = 0; i < sample->record.header_count; i++) {
    struct bytes key = take_field(input);
    sample->headers[i].key = key.data == NULL ? bytes_of_string("") : key;
    sample->headers[i].value = take_field(input);
  }
}

/* Until one does not fit. */
static uint32_t append_all(struct batch *batch, struct bytes input, struct sample *samples) {
  uint32_t count = 0;
  while (input.size > 0 && count < RECORDS_MAX) {
    struct sample *sample = &samples[count];
    take_sample(&input, sample);
    const struct batch_entry entry = {.opaque = count, .timestamp_ms = sample->timestamp_ms};
    size_t before = batch->records_bytes;
    if (!batch_append(batch, &sample->record, record_bound(&sample->record), &entry)) break;
    ASSERT(batch_used_bytes(batch) <= batch->block_bytes);
    ASSERT(batch->records_bytes - before <= record_bound(&sample->record));
    count++;
  }
  ASSERT(count == batch->record_count);
  return count;
}

static void send_batch(struct batch *batch, const uint8_t *choices, const struct sample *samples) {
  static struct compressor *compressor;
  static uint8_t scratch[SCRATCH_BYTES];
  if (compressor == NULL) compressor = compressor_create();
  ASSERT(compressor != NULL);
  enum compression_codec codec = (enum compression_codec)(choices[2] % COMPRESSION_CODEC_COUNT);
  size_t plain_bytes = batch->records_bytes;
  batch_compress(batch, compressor, codec, compression_levels(codec).normal, scratch, sizeof scratch);
  ASSERT(batch->records_bytes <= plain_bytes);
  batch_stamp(batch, choices[4], 3, 5);
  batch_finish(batch);
  size_t size = batch_wire_bytes(batch);
  uint8_t *wire = malloc(size);
  ASSERT(wire != NULL);
  memcpy(wire, batch->header, RECORD_BATCH_HEADER_BYTES);
  memcpy(wire + RECORD_BATCH_HEADER_BYTES, batch->records, batch->records_bytes);
  check_wire(batch, bytes_of(wire, size), samples);
  bool is_plain = batch_decompress(batch, compressor, scratch, sizeof scratch);
  ASSERT(is_plain && batch->records_bytes == plain_bytes);
  free(wire);
}

static void check_wire(const struct batch *batch, struct bytes wire, const struct sample *samples) {
  static uint8_t plain[SCRATCH_BYTES];
  struct plain_batch found;
  bool is_read = plain_batch_read(wire, &found);
  ASSERT(is_read && (uint32_t)found.record_count == batch->record_count);
  ASSERT(found.producer_epoch == 3 && found.base_sequence == 5 && found.base_offset == 0);
  if (batch->codec != COMPRESSION_NONE) {
    struct compressor *compressor = compressor_create();
    size_t size = 0;
    bool is_unpacked =
        compressor_decompress(compressor, batch->codec, found.records, plain, sizeof plain, &size);
    ASSERT(is_unpacked && found.attributes == (int16_t)batch->codec);
    found.records = bytes_of(plain, size);
    compressor_destroy(compressor);
  }
  int64_t newest_ms = 0;
  for (int32_t i = 0; i < found.record_count; i++) {
    struct plain_record record;
    is_read = plain_next_record(&found.records, found.base_timestamp_ms, &record);
    ASSERT(is_read && record.offset_delta == i);
    check_record(&record, &samples[i]);
    if (record.timestamp_ms > newest_ms) newest_ms = record.timestamp_ms;
  }
  ASSERT(found.records.size == 0 && found.max_timestamp_ms == newest_ms);
}

static bool is_same(struct bytes a, struct bytes b) {
  return (a.data == NULL) == (b.data == NULL) && bytes_equal(a, b);
}

static void check_record(const struct plain_record *record, const struct sample *sample) {
  ASSERT(record->timestamp_ms == sample->timestamp_ms);
  ASSERT(is_same(record->key, sample->record.key) && is_same(record->value, sample->record.value));
  ASSERT(record->header_count == sample->record.header_count);
  struct bytes headers = record->headers;
  for (uint32_t i = 0; i < sample->record.header_count; i++) {
    struct bytes key, value;
    bool is_read = plain_next_header(&headers, &key, &value);
    ASSERT(is_read && is_same(key, sample->headers[i].key) && is_same(value, sample->headers[i].value));
  }
}

/* ---- what strangers write ---- */

static void check_stranger(struct bytes input, int16_t version) {
  static struct batch_validator validator;
  const struct batch_rules rules = {.message_max_bytes = CONTENT_MAX_BYTES,
                                    .check_records = true,
                                    .timestamp_ahead_max_ms = 3600000,
                                    .refused_value = bytes_of_string("refuse")};
  uint8_t *batch = malloc(input.size == 0 ? 1 : input.size);
  ASSERT(batch != NULL);
  memcpy(batch, input.data, input.size);
  if (input.size > PLAIN_CRC_FROM) {
    struct bytes covered = bytes_of(batch + PLAIN_CRC_FROM, input.size - PLAIN_CRC_FROM);
    bytes_store_u32(batch + PLAIN_CRC_FROM - 4, plain_crc(covered));
  }
  struct batch_judgement judgement =
      batch_validator_check(&validator, &rules, bytes_of(batch, input.size), version, NOW_MS);
  ASSERT((judgement.error_code == 0) == (judgement.message == NULL));
  ASSERT(judgement.error_code != 0 || validator.error_count == 0);
  for (int32_t i = 0; i < validator.error_count; i++)
    ASSERT(validator.errors[i].message.size > 0 && validator.errors[i].batch_index >= 0);
  if (judgement.error_code == 0)
    compare_contents(&validator.contents, bytes_of(batch, input.size), &judgement.header);
  free(batch);
}

/* What the broker has found valid, the independent reader reads, as the same. */
static void compare_contents(struct batch_contents *contents, struct bytes input,
                             const struct record_batch_header *header) {
  struct wire_reader reader;
  struct plain_batch batch;
  int32_t status = batch_contents_open(contents, input, header, &reader);
  bool is_read = plain_batch_read(input, &batch);
  ASSERT(status == STATUS_OK && is_read && batch.record_count == header->record_count);
  struct bytes records = bytes_of(reader.at, wire_reader_left(&reader));
  for (int32_t i = 0; i < batch.record_count; i++) {
    struct record_view view;
    struct plain_record record;
    record_read(&reader, &view);
    is_read = plain_next_record(&records, batch.base_timestamp_ms, &record);
    ASSERT(!reader.failed && is_read);
    ASSERT(is_same(view.key, record.key) && is_same(view.value, record.value));
    ASSERT(view.offset_delta == record.offset_delta && view.header_count == record.header_count);
  }
  ASSERT(records.size == 0 && wire_reader_left(&reader) == 0);
}
