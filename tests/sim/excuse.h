/* Which fault excuses which end of a record. Where none of those that are on does, it has to be delivered. */
#ifndef SIM_EXCUSE_H
#define SIM_EXCUSE_H

#include "sim/fault.h"

/* All faults that excuse anything but a delivery. */
fault_set excuse_faults(void);

/* Whether a record that was not delivered, or perhaps not, may have ended with this status. is_walk:
 * sequences of its identity were refused, and its end may be theirs. */
bool excuse_is_given(fault_set faults, int32_t status, bool is_walk);

#endif
