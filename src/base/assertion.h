/* Assertions are for our own mistakes, one condition each, and stay on in release builds: a producer that has
 * lost track of its own state must stop before it writes a record twice. Bytes from brokers and arguments
 * from callers are validated and refused with a status; they are never asserted. */
#ifndef BASE_ASSERTION_H
#define BASE_ASSERTION_H

_Noreturn void assertion_failed(const char *condition, const char *file, int line);

#define ASSERT(condition)                                                                                    \
  do {                                                                                                       \
    if (__builtin_expect(!(condition), 0)) assertion_failed(#condition, __FILE__, __LINE__);                 \
  } while (0)

#endif
