/* Record batch v2 (magic 2).
 *
 *   header, 61 bytes:
 *     0 base_offset:INT64  8 batch_length:INT32 (all after it)  12 partition_leader_epoch:INT32  16
 * magic:INT8=2 17 crc:UINT32 (CRC-32C of everything from byte 21)  21 attributes:INT16 (bits 0-2 codec, 3
 * timestamp type, 4 transactional, 5 control)  23 last_offset_delta:INT32  27 base_timestamp:INT64  35
 * max_timestamp:INT64 43 producer_id:INT64  51 producer_epoch:INT16  53 base_sequence:INT32  57
 * record_count:INT32 record, uncompressed form: length:VARINT (of what follows)  attributes:INT8=0
 * timestamp_delta:VARLONG  offset_delta:VARINT key_length:VARINT (-1 null) key  value_length:VARINT (-1 null)
 * value header_count:VARINT [key_length:VARINT key  value_length:VARINT (-1 null) value] records are
 * compressed as a whole, the header never is. */
#ifndef PROTOCOL_RECORD_BATCH_H
#define PROTOCOL_RECORD_BATCH_H

#include "base/bytes.h"
#include "protocol/wire.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  RECORD_BATCH_HEADER_BYTES = 61,
  RECORD_BATCH_MAGIC = 2,
  RECORD_BATCH_CRC_FROM = 21, /* first byte that the checksum covers */
  RECORD_BATCH_CODEC_MASK = 0x07,
  RECORD_BATCH_LOG_APPEND_TIME = 0x08,
  RECORD_BATCH_TRANSACTIONAL = 0x10,
  RECORD_BATCH_CONTROL = 0x20,
};

struct record_batch_header {
  int64_t base_offset;
  int32_t batch_length;
  int32_t partition_leader_epoch;
  int8_t magic;
  uint32_t crc;
  int16_t attributes;
  int32_t last_offset_delta;
  int64_t base_timestamp_ms;
  int64_t max_timestamp_ms;
  int64_t producer_id;
  int16_t producer_epoch;
  int32_t base_sequence;
  int32_t record_count;
};

/* Writes the 61 bytes, computing batch_length and crc over the header and `records` (what follows it on the
 * wire); the fields of those names are ignored. */
void record_batch_header_write(uint8_t to[RECORD_BATCH_HEADER_BYTES],
                               const struct record_batch_header *header, struct bytes records);

enum record_batch_verdict {
  RECORD_BATCH_VALID,
  RECORD_BATCH_TRUNCATED, /* fewer bytes than batch_length says */
  RECORD_BATCH_BAD_MAGIC,
  RECORD_BATCH_BAD_CRC,
  RECORD_BATCH_BAD_COUNTS, /* record_count and last_offset_delta disagree or are negative */
};

/* Reads and checks the batch at the start of input; *batch_bytes receives its whole size (header included).
 */
enum record_batch_verdict record_batch_read(struct bytes input, struct record_batch_header *header,
                                            size_t *batch_bytes);

/* Fills in base_offset and partition_leader_epoch of a batch in place: neither is covered by the checksum. */
void record_batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t partition_leader_epoch);

/* ---- records ---- */

struct record_header {
  struct bytes key;   /* never null */
  struct bytes value; /* may be null */
};

struct record {
  struct bytes key, value; /* may be null */
  const struct record_header *headers;
  uint32_t header_count;
};

/* The most bytes that record_write can need. */
size_t record_bound(const struct record *record);
/* The exact size of a record on the wire. */
size_t record_size(const struct record *record, int64_t timestamp_delta, int32_t offset_delta);
/* Writes a record and returns the byte behind it. The caller has made sure that record_size bytes are free.
 */
uint8_t *record_write(uint8_t *to, const struct record *record, int64_t timestamp_delta,
                      int32_t offset_delta);

/* A record as it was read; views into the input. `headers` is walked with record_read_header, header_count
 * times. */
struct record_view {
  int64_t timestamp_delta;
  int32_t offset_delta;
  struct bytes key, value;
  int32_t header_count;
  struct wire_reader headers;
  size_t size; /* on the wire, its length field included */
};

/* Reads the next record of an uncompressed batch; sets the reader's error on malformed input. */
void record_read(struct wire_reader *reader, struct record_view *record);
void record_read_header(struct wire_reader *headers, struct record_header *header);

/* Copies a record under new deltas: same key, value and header bytes. `to` may overlap the view's source when
 * it lies before it (a copy towards lower addresses whose deltas do not grow). Returns the byte behind it. */
uint8_t *record_rewrite(uint8_t *to, const struct record_view *record, int64_t timestamp_delta,
                        int32_t offset_delta);

#endif
