/* The server's side of SCRAM (RFC 5802), for tests: written apart from the client, straight on OpenSSL. */
#ifndef SUPPORT_SCRAM_SERVER_H
#define SUPPORT_SCRAM_SERVER_H

#include "base/bytes.h"
#include <stddef.h>
#include <stdint.h>

/* What the server knows, and where the login is. Messages are C strings. */
struct scram_server {
  const char *hash; /* "SHA256", "SHA512" */
  const char *password;
  const char *salt; /* Base64 */
  uint32_t iterations;
  char nonce_more[64];     /* what it appends to the client's nonce */
  char client_first[1024]; /* without its GS2 header */
  char first[1024], final[256];
};

void scram_server_init(struct scram_server *server, const char *hash, const char *password);
/* Takes the client's first message; server->first is the answer. False: not a message of SCRAM. */
bool scram_server_begin(struct scram_server *server, struct bytes client_first);
/* Takes the client's final message; server->final has the server's signature. False: the proof is wrong. */
bool scram_server_finish(struct scram_server *server, struct bytes client_final);

#endif
