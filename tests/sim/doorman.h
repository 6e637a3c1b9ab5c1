/* The side of logins that the broker's model does not have: names the two APIs among its versions, takes any
 * password, and refuses some logins in each way that there is. */
#ifndef SIM_DOORMAN_H
#define SIM_DOORMAN_H

#include "base/bytes.h"
#include "base/random.h"
#include "protocol/wire.h"
#include <stdbool.h>

struct doorman {
  struct random random;
  bool refuses; /* some, and ends sessions after some seconds; else neither */
};

/* As model_cluster's stand_in: answers ApiVersions, SaslHandshake and SaslAuthenticate. */
bool doorman_answer(struct doorman *doorman, struct bytes request, struct wire_writer *frame);

#endif
