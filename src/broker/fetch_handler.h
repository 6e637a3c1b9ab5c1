/* Answers Fetch, always as a whole fetch without a session. BROKER_ANSWER_WAIT while there are fewer bytes
 * than the request wants and nothing else to tell; BROKER_ANSWER_CUT for a request that cannot be read. */
#ifndef BROKER_FETCH_HANDLER_H
#define BROKER_FETCH_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer fetch_handle(struct broker_model *model, struct broker_call *call);

#endif
