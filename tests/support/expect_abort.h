/* Tests of assertions: what must end the process ends a child of it, silently and without a core file. */
#ifndef SUPPORT_EXPECT_ABORT_H
#define SUPPORT_EXPECT_ABORT_H

/* Fails the test unless run(context), in a process of its own, ends by an assertion whose text has `what`. */
void expect_abort(void (*run)(void *context), void *context, const char *what);

#endif
