/* What a producer owes while nothing is wrong: after the healing, when all that was accepted has its outcome,
 * the application sends again. */
#ifndef SIM_CALM_H
#define SIM_CALM_H

struct simulation;

/* Each partition gets a record, which has to be delivered. Then so much is sent to some of them that requests
 * are full: none may be passed over (I15). Then leaders change, and a topic comes into being, as they do
 * where all is well: a record for it has to be delivered before any backoff would end. */
void calm_run(struct simulation *simulation);

#endif
