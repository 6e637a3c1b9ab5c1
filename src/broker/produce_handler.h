/* Answers Produce: checks each batch, its place in its producer's sequence, and appends it.
 * BROKER_ANSWER_NONE with acks=0; BROKER_ANSWER_CUT for a request that cannot be read, of which nothing has
 * been done, and for an error with acks=0. */
#ifndef BROKER_PRODUCE_HANDLER_H
#define BROKER_PRODUCE_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer produce_handle(struct broker_model *model, struct broker_call *call);

#endif
