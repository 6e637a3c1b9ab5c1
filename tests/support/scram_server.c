#include "support/scram_server.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_MAX_BYTES = 64, TEXT_BYTES = 128 };

void scram_server_init(struct scram_server *server, const char *hash, const char *password) {
  *server = (struct scram_server){
      .hash = hash,
      .password = password,
      .salt = "W22ZaJ0SNY7soEsUEjb6gQ==",
      .iterations = 4096,
      .nonce_more = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  };
}

bool scram_server_begin(struct scram_server *server, struct bytes client_first) {
  char text[1024];
  if (client_first.size >= sizeof text) return false;
  memcpy(text, client_first.data, client_first.size);
  text[client_first.size] = '\0';
  const char *nonce = strstr(text, ",r=");
  if (strncmp(text, "n,,n=", 5) != 0 || nonce == NULL) return false;
  nonce += 3;
  (void)snprintf(server->client_first, sizeof server->client_first, "%s", text + 3);
  (void)snprintf(server->first, sizeof server->first, "r=%.*s%s,s=%s,i=%u", (int)strcspn(nonce, ","), nonce,
                 server->nonce_more, server->salt, server->iterations);
  return true;
}

/* Signatures of both sides, and the client's key. */
static void keys_compute(const struct scram_server *server, const char *message, uint8_t *client_key,
                         uint8_t *client_signature, uint8_t *server_signature) {
  const EVP_MD *hash = EVP_get_digestbyname(server->hash);
  unsigned size = 0;
  int key_size = EVP_MD_size(hash);
  uint8_t salt[TEXT_BYTES], salted[SIZE_MAX_BYTES], key[SIZE_MAX_BYTES];
  int salt_size = EVP_DecodeBlock(salt, (const uint8_t *)server->salt, (int)strlen(server->salt));
  for (size_t i = strlen(server->salt); i > 0 && server->salt[i - 1] == '='; i--)
    salt_size--;
  (void)PKCS5_PBKDF2_HMAC(server->password, -1, salt, salt_size, (int)server->iterations, hash, key_size,
                          salted);
  (void)HMAC(hash, salted, key_size, (const uint8_t *)"Client Key", 10, client_key, &size);
  (void)EVP_Digest(client_key, size, key, NULL, hash, NULL);
  (void)HMAC(hash, key, key_size, (const uint8_t *)message, strlen(message), client_signature, &size);
  (void)HMAC(hash, salted, key_size, (const uint8_t *)"Server Key", 10, key, &size);
  (void)HMAC(hash, key, key_size, (const uint8_t *)message, strlen(message), server_signature, &size);
}

bool scram_server_finish(struct scram_server *server, struct bytes client_final) {
  char text[1024], message[3200], expected[TEXT_BYTES], signature[TEXT_BYTES];
  uint8_t client_key[SIZE_MAX_BYTES], client_signature[SIZE_MAX_BYTES], server_signature[SIZE_MAX_BYTES];
  if (client_final.size >= sizeof text) return false;
  memcpy(text, client_final.data, client_final.size);
  text[client_final.size] = '\0';
  char *proof = strstr(text, ",p=");
  if (proof == NULL) return false;
  *proof = '\0';
  (void)snprintf(message, sizeof message, "%s,%s,%s", server->client_first, server->first, text);
  keys_compute(server, message, client_key, client_signature, server_signature);
  int size = EVP_MD_size(EVP_get_digestbyname(server->hash));
  for (int i = 0; i < size; i++)
    client_key[i] ^= client_signature[i];
  (void)EVP_EncodeBlock((uint8_t *)expected, client_key, size);
  (void)EVP_EncodeBlock((uint8_t *)signature, server_signature, size);
  (void)snprintf(server->final, sizeof server->final, "v=%s", signature);
  return strcmp(expected, proof + 3) == 0;
}
