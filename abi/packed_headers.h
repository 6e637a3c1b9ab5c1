/* The pointer-free forms of records: see sendoff_packed_record. What a host packs is checked like any other
 * input. */
#ifndef ABI_PACKED_HEADERS_H
#define ABI_PACKED_HEADERS_H

#include "sendoff/sendoff.h"

#include "base/bytes.h"
#include "protocol/record_batch.h"
#include <stdint.h>

enum { PACKED_HEADERS_INLINE = 16 };

/* Headers as views into the packed bytes; more than fit here are on the heap. */
struct packed_headers {
  const struct record_header *headers;
  uint32_t count;
  struct record_header *heap;
  struct record_header few[PACKED_HEADERS_INLINE];
};

/* Each header: name_bytes:int32 name value_bytes:int32 (-1 null) value, host byte order. STATUS_OK,
 * INVALID_ARGUMENT, OUT_OF_MEMORY. Freed with packed_headers_free after STATUS_OK. The struct must not move.
 */
int32_t packed_headers_read(struct packed_headers *headers, struct bytes packed);
void packed_headers_free(struct packed_headers *headers);

/* Walks the records of sendoff_send_batch. */
struct packed_reader {
  struct bytes rest;
};

/* One of them; key and value lie in the buffer. */
struct packed_record {
  const sendoff_packed_record *fixed;
  struct bytes key, value;
  struct packed_headers headers; /* freed by the caller */
};

/* STATUS_OK, INVALID_ARGUMENT (the buffer ends early, or a length is impossible), OUT_OF_MEMORY. */
int32_t packed_reader_next(struct packed_reader *reader, struct packed_record *record);

#endif
