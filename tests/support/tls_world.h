/* An authority, a broker's certificate by it, and contexts that trust it: what most tests of TLS begin with.
 */
#ifndef SUPPORT_TLS_WORLD_H
#define SUPPORT_TLS_WORLD_H

#include "security/tls_context.h"
#include "support/tls_peer.h"

/* Owns all in it. */
struct tls_world {
  struct tls_certificate authority;
  struct tls_certificate broker; /* for broker.example, *.wild.example, 127.0.0.1 and ::1 */
  struct tls_certificate client;
  char *authority_text, *client_text, *client_key_text;
};

void tls_world_open(struct tls_world *world);
void tls_world_close(struct tls_world *world);

/* As users have it: TLS 1.2 and 1.3, everything verified, the world's authority trusted. */
struct tls_settings tls_world_settings(const struct tls_world *world);

/* Fails the test if the context cannot be made. */
struct tls_context *tls_world_context(const struct tls_settings *settings);

#endif
