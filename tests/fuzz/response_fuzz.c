/* Answers of strangers through the decoders: a byte chooses the API, a byte its version, then header and
 * body.
 */
#include "fuzz/message.h"

#include "base/assertion.h"
#include "protocol/request_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  uint32_t count;
  const struct api_range *range = api_ranges(&count);
  range += data[0] % count;
  int16_t version = (int16_t)(range->minimum + data[1] % (range->maximum - range->minimum + 1));
  struct wire_reader reader = wire_reader_of(bytes_of(data + 2, size - 2));
  int32_t correlation_id = response_header_read(&reader, range->key, version);
  if (reader.failed) return 0;
  ASSERT(correlation_id == (int32_t)bytes_load_u32(data + 2));
  message_check(message_copiers(range->key).response, bytes_of(reader.at, wire_reader_left(&reader)),
                version);
  return 0;
}
