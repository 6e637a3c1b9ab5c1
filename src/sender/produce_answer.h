/* Turns the answer to a produce request, or its loss, into what it means for each batch. Sender thread. */
#ifndef SENDER_PRODUCE_ANSWER_H
#define SENDER_PRODUCE_ANSWER_H

#include "network/network_client.h"

/* request->context is the struct produce_call. */
void produce_answer_complete(struct request *request, const struct request_result *result);

#endif
