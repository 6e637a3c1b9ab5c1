/* The faults that tests have injected into a broker, in the order in which they came. One owner, no lock. */
#ifndef BROKER_BROKER_FAULTS_H
#define BROKER_BROKER_FAULTS_H

#include "base/bytes.h"
#include "base/list.h"
#include "broker/broker_model.h"

struct broker_faults {
  struct list entries;
};

void broker_faults_init(struct broker_faults *faults);
/* Forgets all faults; the list stays usable. */
void broker_faults_clear(struct broker_faults *faults);
/* Copies the fault. STATUS_OUT_OF_MEMORY. */
int32_t broker_faults_add(struct broker_faults *faults, const struct broker_fault *fault);

/* Whether a fault waits for requests of this API. */
bool broker_faults_any(const struct broker_faults *faults, int16_t api_key);

/* Takes one count from the first fault of the wanted kind (those that drop the request, or all others) that
 * matches and whose skips are used up; each matching fault before it that still skips loses one skip. topic
 * null or partition -1 match only a fault that names none. Returns false when none hits. hit->topic is NULL.
 */
bool broker_faults_take(struct broker_faults *faults, bool drops_request, int16_t api_key, struct bytes topic,
                        int32_t partition, struct broker_fault *hit);

#endif
