#include "security/scram.h"

#include "base/allocator.h"
#include "base/status.h"
#include "security/base64.h"
#include "security/sasl_text.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

/* GS2 header "n,," in Base64: the channel is not bound. */
#define CHANNEL_BINDING "c=biws"

struct scram {
  struct scram_keys *keys;
  struct secret *nonce;        /* ours */
  struct secret *first_bare;   /* the client's first message without its GS2 header */
  struct secret *server_proof; /* the signature to expect */
};

/* The server's first message. All borrowed from it but the salt. */
struct server_first {
  struct bytes nonce;
  uint8_t salt[SCRAM_SALT_MAX_BYTES + 4];
  size_t salt_size;
  uint32_t iterations;
};

static const char *server_first_parse(struct bytes message, struct server_first *first);
static const char *server_first_check(const struct scram *scram, const struct server_first *first);
static const char *iterations_parse(struct bytes text, uint32_t *iterations);
static int32_t final_write(struct scram *scram, struct bytes server_message, const struct server_first *first,
                           struct secret **message, char *reason, size_t reason_size);
static bool proofs_make(struct scram *scram, const struct secret *pair, const struct secret *auth_message,
                        uint8_t *client_proof);

struct scram *scram_create(struct scram_keys *keys) {
  struct scram *scram = allocator_allocate_zeroed(1, sizeof *scram);
  if (scram != NULL) scram->keys = keys;
  return scram;
}

void scram_destroy(struct scram *scram) {
  if (scram == NULL) return;
  secret_destroy(scram->nonce);
  secret_destroy(scram->first_bare);
  secret_destroy(scram->server_proof);
  allocator_free(scram);
}

int32_t scram_make_nonce(struct secret **nonce) {
  uint8_t chance[SCRAM_NONCE_BYTES];
  char text[(SCRAM_NONCE_BYTES + 2) / 3 * 4];
  if (RAND_bytes(chance, sizeof chance) != 1) return STATUS_LOGIN_FAILED;
  size_t size = base64_encode(bytes_of(chance, sizeof chance), BASE64_STANDARD, text);
  struct secret *made = secret_create(bytes_of(text, size));
  secret_wipe(chance, sizeof chance);
  secret_wipe(text, sizeof text);
  if (made == NULL) return STATUS_OUT_OF_MEMORY;
  *nonce = made;
  return STATUS_OK;
}

/* The name with ',' as =2C and '=' as =3D. */
static struct secret *name_escape(const char *name) {
  size_t size = 0;
  for (const char *at = name; *at != '\0'; at++)
    size += *at == ',' || *at == '=' ? 3 : 1;
  struct secret *escaped = secret_allocate(size);
  if (escaped == NULL) return NULL;
  uint8_t *to = secret_data(escaped);
  for (const char *at = name; *at != '\0'; at++) {
    if (*at == ',' || *at == '=') {
      memcpy(to, *at == ',' ? "=2C" : "=3D", 3);
      to += 3;
    } else {
      *to++ = (uint8_t)*at;
    }
  }
  return escaped;
}

int32_t scram_begin(struct scram *scram, const char *username, bool delegation_token, struct bytes nonce,
                    struct secret **message) {
  struct secret *name = name_escape(username);
  struct secret *first = NULL;
  if (name != NULL) {
    struct bytes parts[] = {bytes_of_string("n="), secret_bytes(name), bytes_of_string(",r="), nonce,
                            bytes_of_string(delegation_token ? ",tokenauth=true" : "")};
    scram->nonce = secret_create(nonce);
    scram->first_bare = sasl_text_join(parts, sizeof parts / sizeof parts[0]);
    secret_destroy(name);
  }
  if (scram->nonce != NULL && scram->first_bare != NULL) {
    struct bytes parts[] = {bytes_of_string("n,,"), secret_bytes(scram->first_bare)};
    first = sasl_text_join(parts, 2);
  }
  if (first == NULL) return STATUS_OUT_OF_MEMORY;
  *message = first;
  return STATUS_OK;
}

int32_t scram_answer(struct scram *scram, struct bytes server_message, struct secret **message, char *reason,
                     size_t reason_size) {
  struct server_first first;
  const char *fault = server_first_parse(server_message, &first);
  if (fault == NULL) fault = server_first_check(scram, &first);
  if (fault != NULL) {
    (void)snprintf(reason, reason_size, "the broker's first SCRAM message is not valid: %s", fault);
    return STATUS_LOGIN_FAILED;
  }
  return final_write(scram, server_message, &first, message, reason, reason_size);
}

/* Takes "name=value" up to the next ',' or the end, and the ',' with it. False: there is none of that name.
 */
static bool attribute_take(struct bytes *rest, char name, struct bytes *value) {
  if (rest->size < 2 || rest->data[0] != name || rest->data[1] != '=') return false;
  const uint8_t *comma = memchr(rest->data, ',', rest->size);
  size_t size = comma == NULL ? rest->size : (size_t)(comma - rest->data);
  *value = bytes_of(rest->data + 2, size - 2);
  size_t taken = comma == NULL ? size : size + 1;
  *rest = bytes_of(rest->data + taken, rest->size - taken);
  return true;
}

static bool is_letter(uint8_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* ["," letters "=" value]...: what we need not know. Kafka's pattern for them allows names of several
 * letters. */
static bool extensions_are_valid(struct bytes rest, bool ended_by_comma) {
  if (rest.size == 0) return !ended_by_comma;
  for (;;) {
    size_t name = 0;
    while (name < rest.size && is_letter(rest.data[name]))
      name++;
    if (name == 0 || name == rest.size || rest.data[name] != '=') return false;
    if (name == 1 && rest.data[0] == 'm') return false;
    const uint8_t *comma = memchr(rest.data, ',', rest.size);
    size_t size = comma == NULL ? rest.size : (size_t)(comma - rest.data);
    if (size == name + 1) return false;
    if (comma == NULL) return true;
    rest = bytes_of(comma + 1, rest.size - size - 1);
  }
}

/* What is wrong, or NULL. */
static const char *server_first_parse(struct bytes message, struct server_first *first) {
  if (message.size == 0) return "it is empty";
  if (message.size > SCRAM_MESSAGE_MAX_BYTES) return "it is too long";
  if (memchr(message.data, '\0', message.size) != NULL) return "it has a zero byte";
  if (!sasl_text_is_utf8(message)) return "it is not UTF-8";
  struct bytes rest = message, salt, iterations;
  if (attribute_take(&rest, 'm', &salt)) return "it asks for an extension (m=) that is not known here";
  if (!attribute_take(&rest, 'r', &first->nonce)) return "the nonce (r=) is missing";
  if (!attribute_take(&rest, 's', &salt)) return "the salt (s=) is missing";
  if (salt.size == 0) return "the salt is empty";
  if (salt.size > base64_encoded_size(SCRAM_SALT_MAX_BYTES)) return "the salt is too long";
  if (!base64_decode(salt, BASE64_STANDARD, first->salt, &first->salt_size)) return "the salt is not Base64";
  if (first->salt_size > SCRAM_SALT_MAX_BYTES) return "the salt is too long";
  if (!attribute_take(&rest, 'i', &iterations)) return "the number of iterations (i=) is missing";
  bool ended_by_comma = rest.data == iterations.data + iterations.size + 1;
  if (!extensions_are_valid(rest, ended_by_comma)) return "what follows its iterations is not an extension";
  return iterations_parse(iterations, &first->iterations);
}

static const char *iterations_parse(struct bytes text, uint32_t *iterations) {
  uint32_t value = 0;
  if (text.size == 0 || text.data[0] == '0') return "its iterations are not a positive number";
  for (size_t i = 0; i < text.size; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') return "its iterations are not a positive number";
    if (value <= SCRAM_ITERATIONS_MAX) value = value * 10 + (uint32_t)(text.data[i] - '0');
  }
  if (value < SCRAM_ITERATIONS_MIN)
    return "fewer than 4096 iterations, which would make the password cheap to guess";
  if (value > SCRAM_ITERATIONS_MAX) return "more than 1000000 iterations";
  *iterations = value;
  return NULL;
}

static const char *server_first_check(const struct scram *scram, const struct server_first *first) {
  struct bytes ours = secret_bytes(scram->nonce);
  for (size_t i = 0; i < first->nonce.size; i++)
    if (first->nonce.data[i] < 0x21 || first->nonce.data[i] > 0x7e) return "its nonce is not printable";
  bool begins_with_ours =
      first->nonce.size >= ours.size && secret_equal(ours, bytes_of(first->nonce.data, ours.size));
  if (!begins_with_ours) return "its nonce does not begin with ours";
  return first->nonce.size == ours.size ? "its nonce adds nothing to ours" : NULL;
}

static int32_t final_write(struct scram *scram, struct bytes server_message, const struct server_first *first,
                           struct secret **message, char *reason, size_t reason_size) {
  struct secret *pair = NULL, *auth_message = NULL, *final = NULL;
  uint8_t proof[SCRAM_HASH_MAX_BYTES];
  char proof_text[(SCRAM_HASH_MAX_BYTES + 2) / 3 * 4];
  uint32_t size = scram_hash_size(scram_keys_hash(scram->keys));
  struct bytes salt = bytes_of(first->salt, first->salt_size);
  int32_t status = scram_keys_get(scram->keys, salt, first->iterations, &pair);
  if (status == STATUS_OK) {
    struct bytes parts[] = {secret_bytes(scram->first_bare), bytes_of_string(","), server_message,
                            bytes_of_string("," CHANNEL_BINDING ",r="), first->nonce};
    auth_message = sasl_text_join(parts, sizeof parts / sizeof parts[0]);
    scram->server_proof = secret_allocate(size);
    if (auth_message == NULL || scram->server_proof == NULL) status = STATUS_OUT_OF_MEMORY;
  }
  if (status == STATUS_OK && !proofs_make(scram, pair, auth_message, proof)) status = STATUS_LOGIN_FAILED;
  if (status == STATUS_OK) {
    size_t text_size = base64_encode(bytes_of(proof, size), BASE64_STANDARD, proof_text);
    struct bytes parts[] = {bytes_of_string(CHANNEL_BINDING ",r="), first->nonce, bytes_of_string(",p="),
                            bytes_of(proof_text, text_size)};
    final = sasl_text_join(parts, sizeof parts / sizeof parts[0]);
    if (final == NULL) status = STATUS_OUT_OF_MEMORY;
  }
  secret_wipe(proof, sizeof proof);
  secret_wipe(proof_text, sizeof proof_text);
  secret_destroy(auth_message);
  secret_destroy(pair);
  if (status == STATUS_LOGIN_FAILED)
    (void)snprintf(reason, reason_size,
                   "OpenSSL could not compute SCRAM's keys; is its configuration right?");
  if (status == STATUS_OK) *message = final;
  return status;
}

/* ClientProof, and the ServerSignature to expect (RFC 5802, section 3). */
static bool proofs_make(struct scram *scram, const struct secret *pair, const struct secret *auth_message,
                        uint8_t *client_proof) {
  enum scram_hash hash = scram_keys_hash(scram->keys);
  uint32_t size = scram_hash_size(hash);
  struct bytes client_key = bytes_of(secret_bytes(pair).data, size);
  struct bytes server_key = bytes_of(secret_bytes(pair).data + size, size);
  uint8_t stored_key[SCRAM_HASH_MAX_BYTES];
  bool made = scram_keys_digest(hash, client_key, stored_key);
  made = made && scram_keys_hmac(hash, bytes_of(stored_key, size), secret_bytes(auth_message), client_proof);
  made =
      made && scram_keys_hmac(hash, server_key, secret_bytes(auth_message), secret_data(scram->server_proof));
  for (uint32_t i = 0; made && i < size; i++)
    client_proof[i] ^= client_key.data[i];
  secret_wipe(stored_key, sizeof stored_key);
  return made;
}

/* e=: one of RFC 5802's words, or what the server likes. */
static int32_t server_error(struct bytes value, char *reason, size_t reason_size) {
  char text[128];
  sasl_text_print(value, NULL, 0, text, sizeof text);
  (void)snprintf(reason, reason_size, "the broker refused the credentials by SCRAM's error %s",
                 text[0] == '\0' ? "without a name" : text);
  return STATUS_SASL_AUTHENTICATION_FAILED;
}

/* What is wrong, or NULL. */
static const char *signature_check(const struct scram *scram, struct bytes text) {
  uint8_t signature[SCRAM_HASH_MAX_BYTES + 4];
  size_t size = 0;
  struct bytes expected = secret_bytes(scram->server_proof);
  if (text.size != base64_encoded_size(expected.size)) return "its signature is of the wrong length";
  if (!base64_decode(text, BASE64_STANDARD, signature, &size)) return "its signature is not Base64";
  return secret_equal(bytes_of(signature, size), expected)
             ? NULL
             : "its signature is wrong: this is not a broker that knows the password";
}

int32_t scram_finish(struct scram *scram, struct bytes server_final, char *reason, size_t reason_size) {
  const char *fault = NULL;
  struct bytes rest = server_final, value;
  if (server_final.size == 0) {
    fault = "it is empty";
  } else if (server_final.size > SCRAM_MESSAGE_MAX_BYTES) {
    fault = "it is too long";
  } else if (attribute_take(&rest, 'e', &value)) {
    return server_error(value, reason, reason_size);
  } else if (!attribute_take(&rest, 'v', &value)) {
    fault = "the signature (v=) is missing";
  } else if (!extensions_are_valid(rest, rest.data == value.data + value.size + 1)) {
    fault = "what follows its signature is not an extension";
  } else {
    fault = signature_check(scram, value);
  }
  if (fault == NULL) return STATUS_OK;
  (void)snprintf(reason, reason_size, "the broker's last SCRAM message is not valid: %s", fault);
  return STATUS_LOGIN_FAILED;
}
