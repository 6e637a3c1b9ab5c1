#include "security/scram_keys.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/condition.h"
#include "base/lock.h"
#include "base/status.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum { KEPT = 4 };

/* Keys that were made. */
struct derived {
  uint8_t salt[SCRAM_SALT_MAX_BYTES];
  size_t salt_size;
  uint32_t iterations;
  struct secret *pair; /* NULL: free */
};

LOCK_ROLE(scram_keys_guard);

struct scram_keys {
  enum scram_hash hash;
  struct secret *password;
  struct lock mutex; /* guards what follows; not held while keys are made */
  struct derived kept[KEPT] GUARDED_BY(scram_keys_guard);
  uint32_t next GUARDED_BY(scram_keys_guard); /* to be replaced */
  uint64_t derivation_count GUARDED_BY(scram_keys_guard);
};
LOCK_GUARD(scram_keys_guard, scram_keys, mutex);

static int32_t derive(const struct scram_keys *keys, struct bytes salt, uint32_t iterations,
                      struct secret **pair);
static struct derived *find(struct scram_keys *keys, struct bytes salt, uint32_t iterations)
    REQUIRES(scram_keys_guard);
static void keep(struct scram_keys *keys, struct bytes salt, uint32_t iterations, const struct secret *pair);

uint32_t scram_hash_size(enum scram_hash hash) {
  return hash == SCRAM_SHA_256 ? 32 : 64;
}

static const EVP_MD *algorithm_of(enum scram_hash hash) {
  return hash == SCRAM_SHA_256 ? EVP_sha256() : EVP_sha512();
}

struct scram_keys *scram_keys_create(enum scram_hash hash, const struct secret *password) {
  struct scram_keys *keys = allocator_allocate_zeroed(1, sizeof *keys);
  if (keys == NULL) return NULL;
  keys->hash = hash;
  keys->password = secret_copy(password);
  if (keys->password == NULL) {
    allocator_free(keys);
    return NULL;
  }
  lock_init(&keys->mutex);
  return keys;
}

void scram_keys_destroy(struct scram_keys *keys) NO_THREAD_SAFETY_ANALYSIS {
  if (keys == NULL) return;
  for (uint32_t i = 0; i < KEPT; i++)
    secret_destroy(keys->kept[i].pair);
  secret_destroy(keys->password);
  lock_deinit(&keys->mutex);
  allocator_free(keys);
}

enum scram_hash scram_keys_hash(const struct scram_keys *keys) {
  return keys->hash;
}

int32_t scram_keys_get(struct scram_keys *keys, struct bytes salt, uint32_t iterations,
                       struct secret **pair) {
  ASSERT(salt.size <= SCRAM_SALT_MAX_BYTES);
  scram_keys_guard_acquire(keys);
  const struct derived *known = find(keys, salt, iterations);
  struct secret *copy = known == NULL ? NULL : secret_copy(known->pair);
  bool is_known = known != NULL;
  scram_keys_guard_release(keys);
  if (is_known && copy == NULL) return STATUS_OUT_OF_MEMORY;
  if (!is_known) {
    int32_t status = derive(keys, salt, iterations, &copy);
    if (status != STATUS_OK) return status;
    keep(keys, salt, iterations, copy);
  }
  *pair = copy;
  return STATUS_OK;
}

uint64_t scram_keys_derivation_count(struct scram_keys *keys) {
  scram_keys_guard_acquire(keys);
  uint64_t count = keys->derivation_count;
  scram_keys_guard_release(keys);
  return count;
}

/* Under the mutex. */
static struct derived *find(struct scram_keys *keys, struct bytes salt, uint32_t iterations) {
  for (uint32_t i = 0; i < KEPT; i++) {
    struct derived *each = &keys->kept[i];
    bool same = each->pair != NULL && each->iterations == iterations &&
                bytes_equal(salt, bytes_of(each->salt, each->salt_size));
    if (same) return each;
  }
  return NULL;
}

/* Keys that are not kept for want of memory are made again the next time. */
static void keep(struct scram_keys *keys, struct bytes salt, uint32_t iterations, const struct secret *pair) {
  struct secret *copy = secret_copy(pair);
  scram_keys_guard_acquire(keys);
  keys->derivation_count++;
  if (copy != NULL && find(keys, salt, iterations) == NULL) {
    struct derived *replaced = &keys->kept[keys->next];
    keys->next = (keys->next + 1) % KEPT;
    struct secret *old = replaced->pair;
    memcpy(replaced->salt, salt.data, salt.size);
    replaced->salt_size = salt.size;
    replaced->iterations = iterations;
    replaced->pair = copy;
    copy = old;
  }
  scram_keys_guard_release(keys);
  secret_destroy(copy);
}

static int32_t derive(const struct scram_keys *keys, struct bytes salt, uint32_t iterations,
                      struct secret **pair) {
  uint32_t size = scram_hash_size(keys->hash);
  struct secret *derived = secret_allocate((size_t)size * 2);
  struct secret *salted = secret_allocate(size);
  int32_t status = derived == NULL || salted == NULL ? STATUS_OUT_OF_MEMORY : STATUS_OK;
  if (status == STATUS_OK) {
    struct bytes password = secret_bytes(keys->password);
    bool made =
        PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.size, salt.data, (int)salt.size,
                          (int)iterations, algorithm_of(keys->hash), (int)size, secret_data(salted)) == 1;
    made = made && scram_keys_hmac(keys->hash, secret_bytes(salted), bytes_of_string("Client Key"),
                                   secret_data(derived));
    made = made && scram_keys_hmac(keys->hash, secret_bytes(salted), bytes_of_string("Server Key"),
                                   secret_data(derived) + size);
    if (!made) status = STATUS_LOGIN_FAILED;
  }
  secret_destroy(salted);
  if (status == STATUS_OK) {
    *pair = derived;
  } else {
    secret_destroy(derived);
  }
  return status;
}

bool scram_keys_hmac(enum scram_hash hash, struct bytes key, struct bytes data, uint8_t *result) {
  unsigned size = 0;
  return HMAC(algorithm_of(hash), key.data, (int)key.size, data.data, data.size, result, &size) != NULL &&
         size == scram_hash_size(hash);
}

bool scram_keys_digest(enum scram_hash hash, struct bytes data, uint8_t *result) {
  unsigned size = 0;
  return EVP_Digest(data.data, data.size, result, &size, algorithm_of(hash), NULL) == 1 &&
         size == scram_hash_size(hash);
}
