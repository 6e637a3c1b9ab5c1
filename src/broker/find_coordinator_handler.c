#include "broker/find_coordinator_handler.h"
#include "base/status.h"
#include "protocol/find_coordinator.h"

enum broker_answer find_coordinator_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct find_coordinator_request request;
  find_coordinator_request_read(&call->reader, version, &request);
  if (call->reader.failed) return BROKER_ANSWER_CUT;
  struct broker_fault hit = {0};
  broker_call_fault(model, call, bytes_of(NULL, 0), -1, &hit);
  /* An error that clients do not retry, so that their users learn of it at once. */
  struct find_coordinator_response response = {
      .error_code = hit.error_code != 0 ? hit.error_code : STATUS_INVALID_REQUEST,
      .error_message = bytes_of_string("This broker has no consumer groups and no transactions"),
      .node_id = -1,
      .host = bytes_of_string(""),
      .port = -1};
  find_coordinator_response_write(call->writer, version, &response);
  return BROKER_ANSWER_SEND;
}
