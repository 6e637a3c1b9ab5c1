#include "base/secret.h"

#include "base/allocator.h"

struct secret {
  size_t size;
  uint8_t data[];
};

struct secret *secret_create(struct bytes value) {
  struct secret *secret = secret_allocate(value.size);
  if (secret != NULL && value.size > 0) memcpy(secret->data, value.data, value.size);
  return secret;
}

struct secret *secret_allocate(size_t size) {
  struct secret *secret = allocator_allocate_zeroed(1, sizeof *secret + size + 1);
  if (secret != NULL) secret->size = size;
  return secret;
}

struct secret *secret_copy(const struct secret *secret) {
  return secret == NULL ? NULL : secret_create(secret_bytes(secret));
}

void secret_destroy(struct secret *secret) {
  if (secret == NULL) return;
  secret_wipe(secret->data, secret->size);
  allocator_free(secret);
}

struct bytes secret_bytes(const struct secret *secret) {
  return secret == NULL ? bytes_of(NULL, 0) : bytes_of(secret->data, secret->size);
}

const char *secret_text(const struct secret *secret) {
  return secret == NULL ? NULL : (const char *)secret->data;
}

uint8_t *secret_data(struct secret *secret) {
  return secret->data;
}

bool secret_equal(struct bytes a, struct bytes b) {
  if (a.size != b.size) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size; i++)
    difference |= (uint8_t)(a.data[i] ^ b.data[i]);
  return difference == 0;
}

void secret_wipe(void *data, size_t size) {
  if (size > 0) explicit_bzero(data, size);
}
