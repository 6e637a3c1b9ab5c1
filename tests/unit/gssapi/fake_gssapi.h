/* A library that is called as MIT's GSS-API is, does as told, and tells what it was asked. Tokens are texts:
 * "token-1", "token-2"; what is wrapped has "W:" in front. */
#ifndef UNIT_GSSAPI_FAKE_GSSAPI_H
#define UNIT_GSSAPI_FAKE_GSSAPI_H

#include <stdbool.h>
#include <stdint.h>

struct fake_gssapi {
  /* What to do. */
  const char *failing; /* the function that fails, with these statuses; NULL: none */
  uint32_t major, minor;
  uint32_t rounds;        /* how many tokens of the broker's the context takes */
  bool is_silent;         /* has no token where it wants an answer */
  bool ends_with_a_token; /* has one for the broker in the last round, too */
  uint32_t flags;         /* of the context */

  /* What was asked. */
  char service[128], principal[128], keytab[128], cache[128], heard[128];
  uint32_t wanted_flags;
  int32_t live; /* names, contexts and buffers that were not given back */
  uint32_t destroyed_caches;
};

extern struct fake_gssapi fake_gssapi;

#endif
