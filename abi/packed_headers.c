#include "packed_headers.h"

#include "base/allocator.h"
#include "base/status.h"

static bool take(struct bytes *rest, size_t size, struct bytes *taken);
static bool take_length(struct bytes *rest, int32_t *length);
static bool take_header(struct bytes *rest, struct record_header *header);

int32_t packed_headers_read(struct packed_headers *headers, struct bytes packed) {
  headers->headers = headers->few;
  headers->count = 0;
  headers->heap = NULL;
  if (packed.size == 0) return STATUS_OK;
  uint32_t count = 0;
  struct record_header header;
  for (struct bytes rest = packed; rest.size > 0; count++)
    if (!take_header(&rest, &header)) return STATUS_INVALID_ARGUMENT;
  struct record_header *to = headers->few;
  if (count > PACKED_HEADERS_INLINE) {
    headers->heap = allocator_allocate(count * sizeof *headers->heap);
    if (headers->heap == NULL) return STATUS_OUT_OF_MEMORY;
    to = headers->heap;
  }
  headers->headers = to;
  headers->count = count;
  for (uint32_t i = 0; i < count; i++)
    (void)take_header(&packed, &to[i]); /* has been checked */
  return STATUS_OK;
}

void packed_headers_free(struct packed_headers *headers) {
  allocator_free(headers->heap);
  headers->heap = NULL;
}

int32_t packed_reader_next(struct packed_reader *reader, struct packed_record *record) {
  struct bytes fixed, headers, padding, *rest = &reader->rest;
  if (!take(rest, sizeof *record->fixed, &fixed)) return STATUS_INVALID_ARGUMENT;
  record->fixed = (const sendoff_packed_record *)(const void *)fixed.data;
  int32_t key_bytes = record->fixed->key_bytes, value_bytes = record->fixed->value_bytes;
  if (key_bytes < -1 || value_bytes < -1) return STATUS_INVALID_ARGUMENT;
  if (!take(rest, key_bytes < 0 ? 0 : (size_t)key_bytes, &record->key)) return STATUS_INVALID_ARGUMENT;
  if (!take(rest, value_bytes < 0 ? 0 : (size_t)value_bytes, &record->value)) return STATUS_INVALID_ARGUMENT;
  if (key_bytes < 0) record->key = bytes_of(NULL, 0);
  if (value_bytes < 0) record->value = bytes_of(NULL, 0);
  if (!take(rest, record->fixed->headers_bytes, &headers)) return STATUS_INVALID_ARGUMENT;
  size_t odd = (size_t)(rest->data - fixed.data) % 8;
  if (odd != 0 && !take(rest, 8 - odd < rest->size ? 8 - odd : rest->size, &padding))
    return STATUS_INVALID_ARGUMENT;
  if ((record->fixed->set & SENDOFF_SET_PARTITION) != 0 && record->fixed->partition < 0)
    return STATUS_PARTITION_OUT_OF_RANGE;
  return packed_headers_read(&record->headers, headers);
}

static bool take(struct bytes *rest, size_t size, struct bytes *taken) {
  if (size > rest->size) return false;
  *taken = bytes_of(rest->data, size);
  *rest = bytes_of(rest->data + size, rest->size - size);
  return true;
}

static bool take_length(struct bytes *rest, int32_t *length) {
  struct bytes taken;
  if (!take(rest, sizeof *length, &taken)) return false;
  memcpy(length, taken.data, sizeof *length);
  return true;
}

static bool take_header(struct bytes *rest, struct record_header *header) {
  int32_t name_bytes, value_bytes;
  if (!take_length(rest, &name_bytes) || name_bytes < 0 || !take(rest, (size_t)name_bytes, &header->key))
    return false;
  if (!take_length(rest, &value_bytes) || value_bytes < -1) return false;
  if (value_bytes >= 0) return take(rest, (size_t)value_bytes, &header->value);
  header->value = bytes_of(NULL, 0);
  return true;
}
