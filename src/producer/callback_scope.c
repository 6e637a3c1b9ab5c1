#include "producer/callback_scope.h"

#include "base/assertion.h"
#include "base/lock.h"
#include <stddef.h>

static _Thread_local const struct callback_scope *innermost;

void callback_scope_enter(struct callback_scope *scope, const struct producer *producer,
                          const struct lock *held) {
  *scope = (struct callback_scope){.producer = producer, .held = held, .outer = innermost};
  innermost = scope;
}

void callback_scope_leave(const struct callback_scope *scope) {
  ASSERT(innermost == scope);
  innermost = scope->outer;
}

bool callback_scope_is_in(const struct producer *producer) {
  for (const struct callback_scope *scope = innermost; scope != NULL; scope = scope->outer)
    if (scope->producer == producer) return true;
  return false;
}

bool callback_scope_holds(const struct lock *lock) {
  for (const struct callback_scope *scope = innermost; scope != NULL; scope = scope->outer)
    if (scope->held == lock) return true;
  return false;
}
