#include "sim/fault.h"

#include <string.h>

static const char *const names[FAULT_COUNT] = {
#define SIM_FAULT_TEXT(name, text) [FAULT_##name] = (text),
    SIM_FAULTS(SIM_FAULT_TEXT)
#undef SIM_FAULT_TEXT
};

const char *fault_name(enum fault fault) {
  return names[fault];
}

bool fault_of_name(const char *name, enum fault *fault) {
  for (int i = 0; i < FAULT_COUNT; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *fault = (enum fault)i;
    return true;
  }
  return false;
}
