#include "broker/init_producer_id_handler.h"
#include "base/status.h"
#include "protocol/init_producer_id.h"

enum broker_answer init_producer_id_handle(struct broker_model *model, struct broker_call *call) {
  int16_t version = call->header.api_version;
  struct init_producer_id_request request;
  init_producer_id_request_read(&call->reader, version, &request);
  if (call->reader.failed) return BROKER_ANSWER_CUT;
  struct broker_fault hit = {0};
  broker_call_fault(model, call, bytes_of(NULL, 0), -1, &hit);
  struct init_producer_id_response response = {.throttle_ms = call->throttle_ms,
                                               .error_code = hit.error_code,
                                               .producer_id = -1,
                                               .producer_epoch = -1};
  /* There is no transaction coordinator here. */
  if (response.error_code == 0 && request.transactional_id.data != NULL)
    response.error_code = STATUS_INVALID_REQUEST;
  if (response.error_code == 0) {
    /* Without a transactional id a broker ignores the id and epoch that the client names: always a new id. */
    response.producer_id = model->next_producer_id++;
    response.producer_epoch = 0;
  }
  init_producer_id_response_write(call->writer, version, &response);
  return BROKER_ANSWER_SEND;
}
