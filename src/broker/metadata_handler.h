/* Answers Metadata: the nodes, and the topics asked for, made first where both sides want that.
 * BROKER_ANSWER_CUT for a request that cannot be read; nothing has been made then. */
#ifndef BROKER_METADATA_HANDLER_H
#define BROKER_METADATA_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer metadata_handle(struct broker_model *model, struct broker_call *call);

#endif
