/* Answers InitProducerId: a new id at epoch 0 each time; there are no transactions.
 * BROKER_ANSWER_CUT for a request that cannot be read. */
#ifndef BROKER_INIT_PRODUCER_ID_HANDLER_H
#define BROKER_INIT_PRODUCER_ID_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer init_producer_id_handle(struct broker_model *model, struct broker_call *call);

#endif
