/* Answers FindCoordinator: there is none. The API is offered because librdkafka takes a broker without it to
 * be too old for lz4. BROKER_ANSWER_CUT for a request that cannot be read. */
#ifndef BROKER_FIND_COORDINATOR_HANDLER_H
#define BROKER_FIND_COORDINATOR_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer find_coordinator_handle(struct broker_model *model, struct broker_call *call);

#endif
