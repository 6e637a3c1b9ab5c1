/* Ruby's true and false. */
#ifndef BINDINGS_RUBY_EXT_SENDOFF_TRUTH_H
#define BINDINGS_RUBY_EXT_SENDOFF_TRUTH_H

#include <ruby.h>
#include <stdbool.h>

static inline VALUE truth(bool value) {
  return value ? Qtrue : Qfalse;
}

#endif
