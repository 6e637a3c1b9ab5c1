/* Which callbacks of the host the calling thread is in, so that calls made there can be refused or do not
 * wait. Scopes nest: a callback of one producer may use another, whose log callback then runs inside it. */
#ifndef PRODUCER_CALLBACK_SCOPE_H
#define PRODUCER_CALLBACK_SCOPE_H

#include "base/lock.h"
#include <stdbool.h>

struct producer;

/* On the stack of the thread that calls the host. */
struct callback_scope {
  const struct producer *producer;
  const struct lock *held; /* the lock that is held meanwhile (around a partitioner), or NULL */
  const struct callback_scope *outer;
};

void callback_scope_enter(struct callback_scope *scope, const struct producer *producer,
                          const struct lock *held);
/* Scopes are left in the reverse order. */
void callback_scope_leave(const struct callback_scope *scope);

/* Whether the calling thread is in a callback of the producer. */
bool callback_scope_is_in(const struct producer *producer);
/* Whether it is in a callback around which the lock is held. */
bool callback_scope_holds(const struct lock *lock);

#endif
