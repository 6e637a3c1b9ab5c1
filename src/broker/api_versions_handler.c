#include "broker/api_versions_handler.h"
#include "base/status.h"
#include "protocol/api_versions.h"

enum broker_answer api_versions_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  const struct api_range *range = api_range_of(API_API_VERSIONS);
  struct broker_fault hit = {0};
  broker_call_fault(model, call, bytes_of(NULL, 0), -1, &hit);
  if (version < range->minimum || version > range->maximum) {
    /* KIP-511: in version 0, so that a newer client can read which versions there are. */
    api_versions_response_write(call->writer, 0, STATUS_UNSUPPORTED_VERSION);
    return BROKER_ANSWER_SEND;
  }
  struct api_versions_request request;
  api_versions_request_read(&call->reader, version, &request);
  if (call->reader.failed) return BROKER_ANSWER_CUT;
  api_versions_response_write(call->writer, hit.error_code == STATUS_UNSUPPORTED_VERSION ? 0 : version,
                              hit.error_code);
  return BROKER_ANSWER_SEND;
}
