/* Requests of strangers, as the embedded broker reads them: header and body, without the frame's length. */
#include "fuzz/message.h"

#include "base/assertion.h"
#include "protocol/request_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct wire_reader reader = wire_reader_of(bytes_of(data, size));
  struct request_header header;
  request_header_read(&reader, &header);
  if (reader.failed) return 0;
  const struct api_range *range = api_range_of(header.api_key);
  ASSERT(range != NULL);
  bool is_known = header.api_version >= range->minimum && header.api_version <= range->maximum;
  ASSERT(is_known || header.api_key == API_API_VERSIONS);
  if (!is_known) return 0;
  message_check(message_copiers(header.api_key).request, bytes_of(reader.at, wire_reader_left(&reader)),
                header.api_version);
  return 0;
}
