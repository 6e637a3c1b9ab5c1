/* A broker's two messages of SCRAM through the client: a byte of choices, the first message, a zero byte, the
 * second one, in which each '@' stands for the message that proves that the broker knows the password. */
#include "security/scram.h"

#include "base/assertion.h"
#include "base/status.h"
#include "support/scram_server.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NONCE "fyko+d2lbbFgONRv9qkxdawL"

enum { CHOICE_SHA_512 = 1, CHOICE_TOKEN = 2, TEXT_BYTES = 9000 };

static bool takes_long(struct bytes message);
static struct bytes proof_of(struct scram_server *server, struct bytes first, const struct secret *answer);
static struct bytes splice(struct bytes text, struct bytes proof, char to[static 2 * TEXT_BYTES]);
static void check_refusal(int32_t status, const char *reason);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct scram_keys *keys[2];
  if (size < 1 || size > TEXT_BYTES) return 0;
  enum scram_hash hash = (data[0] & CHOICE_SHA_512) != 0 ? SCRAM_SHA_512 : SCRAM_SHA_256;
  if (keys[hash] == NULL) {
    struct secret *password = secret_create(bytes_of_string("pencil"));
    keys[hash] = scram_keys_create(hash, password);
    secret_destroy(password);
  }
  const uint8_t *zero = memchr(data + 1, 0, size - 1);
  struct bytes first = bytes_of(data + 1, zero == NULL ? size - 1 : (size_t)(zero - data - 1));
  struct bytes last = zero == NULL ? bytes_of("", 0) : bytes_of(zero + 1, size - first.size - 2);
  if (takes_long(first)) return 0;

  struct scram *scram = scram_create(keys[hash]);
  struct secret *message = NULL, *answer = NULL;
  char reason[256] = "";
  int32_t status =
      scram_begin(scram, "us=er", (data[0] & CHOICE_TOKEN) != 0, bytes_of_string(NONCE), &message);
  ASSERT(status == STATUS_OK);
  status = scram_answer(scram, first, &answer, reason, sizeof reason);
  if (status == STATUS_OK) {
    struct scram_server server;
    scram_server_init(&server, hash == SCRAM_SHA_512 ? "SHA512" : "SHA256", "pencil");
    ASSERT(scram_server_begin(&server, secret_bytes(message)));
    bool is_proved = last.size > 0 && memchr(last.data, '@', last.size) != NULL;
    struct bytes proof = is_proved ? proof_of(&server, first, answer) : bytes_of("", 0);
    char spliced[2 * TEXT_BYTES];
    status = scram_finish(scram, splice(last, proof, spliced), reason, sizeof reason);
    if (status == STATUS_OK) ASSERT(proof.size > 0 && strstr(spliced, (const char *)proof.data) == spliced);
  }
  check_refusal(status, reason);
  secret_destroy(message);
  secret_destroy(answer);
  scram_destroy(scram);
  return 0;
}

/* More iterations than the fewest are no other path, and cost all the time. */
static bool takes_long(struct bytes message) {
  char text[TEXT_BYTES + 1];
  memcpy(text, message.data, message.size);
  text[message.size] = '\0';
  for (const char *at = text; (at = strstr(at, ",i=")) != NULL; at++) {
    unsigned long iterations = strtoul(at + 3, NULL, 10);
    if (iterations > SCRAM_ITERATIONS_MIN && iterations <= SCRAM_ITERATIONS_MAX) return true;
  }
  return false;
}

/* What the server would answer, if it had sent this first message; empty where our server has no room. */
static struct bytes proof_of(struct scram_server *server, struct bytes first, const struct secret *answer) {
  char salt[sizeof server->first];
  if (first.size >= sizeof server->first) return bytes_of("", 0);
  memcpy(server->first, first.data, first.size);
  server->first[first.size] = '\0';
  const char *begin = strstr(server->first, ",s=") + 3;
  size_t size = strcspn(begin, ",");
  if (size > 120) return bytes_of("", 0); /* more than scram_server decodes */
  (void)snprintf(salt, sizeof salt, "%.*s", (int)size, begin);
  server->salt = salt;
  ASSERT(scram_server_finish(server, secret_bytes(answer)));
  server->salt = NULL;
  return bytes_of_string(server->final);
}

static struct bytes splice(struct bytes text, struct bytes proof, char to[static 2 * TEXT_BYTES]) {
  size_t size = 0;
  for (size_t i = 0; i < text.size; i++) {
    bool fits = size + proof.size < 2 * TEXT_BYTES - 1;
    if (text.data[i] == '@' && fits && proof.size > 0) {
      memcpy(to + size, proof.data, proof.size);
      size += proof.size;
    } else if (size < 2 * TEXT_BYTES - 1) {
      to[size++] = (char)text.data[i];
    }
  }
  to[size] = '\0';
  return bytes_of(to, size);
}

static void check_refusal(int32_t status, const char *reason) {
  if (status == STATUS_OK) return;
  ASSERT(status == STATUS_LOGIN_FAILED || status == STATUS_SASL_AUTHENTICATION_FAILED);
  ASSERT(reason[0] != '\0');
  for (const char *at = reason; *at != '\0'; at++)
    ASSERT(*at >= 0x20 && *at < 0x7f);
}
