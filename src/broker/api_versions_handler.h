/* Answers ApiVersions: in version 0 with UNSUPPORTED_VERSION where the version asked for is unknown
 * (KIP-511). BROKER_ANSWER_CUT for a request that cannot be read. */
#ifndef BROKER_API_VERSIONS_HANDLER_H
#define BROKER_API_VERSIONS_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer api_versions_handle(struct broker_model *model, struct broker_call *call);

#endif
