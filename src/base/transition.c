#include "base/transition.h"

#include <stddef.h>

#ifdef SENDOFF_OBSERVE_TRANSITIONS
static struct {
  transition_observer observer;
  void *context;
} observed;

void transition_observe(transition_observer observer, void *context) {
  observed.observer = observer;
  observed.context = context;
}

void transition_note(const char *machine, uint32_t from, uint32_t to) {
  if (observed.observer != NULL) observed.observer(observed.context, machine, from, to);
}
#endif
