/* Answers DescribeProducers: what a partition that this node leads remembers of those who write to it.
 * BROKER_ANSWER_CUT for a request that cannot be read. */
#ifndef BROKER_DESCRIBE_PRODUCERS_HANDLER_H
#define BROKER_DESCRIBE_PRODUCERS_HANDLER_H

#include "broker/broker_state.h"

enum broker_answer describe_producers_handle(struct broker_model *model, struct broker_call *call);

#endif
