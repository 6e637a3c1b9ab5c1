/* Answers ListOffsets: the first and the next offset, and the first record at or after a time or with the
 * newest timestamp. BROKER_ANSWER_CUT for a request that cannot be read. */
#ifndef BROKER_LIST_OFFSETS_HANDLER_H
#define BROKER_LIST_OFFSETS_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer list_offsets_handle(struct broker_model *model, struct broker_call *call);

#endif
