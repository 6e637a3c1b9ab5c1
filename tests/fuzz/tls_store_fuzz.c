/* Stores of certificates and keys: the first byte chooses the type that was set, and whether passwords and
 * keys are wanted; the rest is the file. */
#include "security/tls_store.h"

#include "base/assertion.h"
#include "base/status.h"
#include "security/base64.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICE_PASSWORD = 4, CHOICE_KEY_PASSWORD = 8, CHOICE_KEY = 16, ERROR_BYTES = 512 };

static void check_error(int32_t status, const char *error, struct bytes content);
static void check_base64(struct bytes text);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct secret *password, *key_password;
  if (size < 1) return 0;
  if (password == NULL) password = secret_create(bytes_of_string("changeit"));
  if (key_password == NULL) key_password = secret_create(bytes_of_string("keykeykey"));
  ASSERT(password != NULL && key_password != NULL);
  const struct tls_store_source source = {
      .setting = "ssl.keystore.location",
      .path = "store",
      .content = bytes_of(data + 1, size - 1),
      .type = (enum tls_store_type)(data[0] % 4),
      .wants_key = (data[0] & CHOICE_KEY) != 0,
      .password = (data[0] & CHOICE_PASSWORD) != 0 ? password : NULL,
      .password_setting = "ssl.keystore.password",
      .key_password = (data[0] & CHOICE_KEY_PASSWORD) != 0 ? key_password : NULL,
      .key_password_setting = "ssl.key.password",
  };
  struct tls_store store = {.key = NULL};
  char error[ERROR_BYTES] = "";
  int32_t status = tls_store_read(&store, &source, error, sizeof error);
  check_error(status, error, source.content);
  int count = store.certificates == NULL ? 0 : sk_X509_num(store.certificates);
  int revocations = store.revocations == NULL ? 0 : sk_X509_CRL_num(store.revocations);
  ASSERT((store.key != NULL) == (store.key_count > 0));
  ASSERT(status == STATUS_OK || (count == 0 && revocations == 0 && store.key == NULL));
  ASSERT(source.wants_key || store.key == NULL);
  tls_store_deinit(&store);
  check_base64(bytes_of(data + 1, size - 1));
  return 0;
}

static bool names(const char *error, const char *password, struct bytes content) {
  bool is_in_file = memmem(content.data, content.size, password, strlen(password)) != NULL;
  return !is_in_file && strstr(error, password) != NULL;
}

static void check_error(int32_t status, const char *error, struct bytes content) {
  ASSERT(status == STATUS_OK || status == STATUS_INVALID_SETTING);
  ASSERT((status == STATUS_OK) == (error[0] == '\0'));
  if (status == STATUS_OK) return;
  ASSERT(strstr(error, "ssl.k") == error);
  ASSERT(!names(error, "changeit", content) && !names(error, "keykeykey", content));
}

/* What is accepted is the one encoding of what it means. */
static void check_base64(struct bytes text) {
  for (int alphabet = BASE64_STANDARD; alphabet <= BASE64_URL; alphabet++) {
    uint8_t *decoded = malloc(base64_decoded_size_max(text.size));
    ASSERT(decoded != NULL);
    size_t size;
    if (base64_decode(text, (enum base64_alphabet)alphabet, decoded, &size)) {
      char *again = malloc(base64_encoded_size(size) + 1);
      ASSERT(again != NULL);
      size_t again_size = base64_encode(bytes_of(decoded, size), (enum base64_alphabet)alphabet, again);
      ASSERT(bytes_equal(text, bytes_of(again, again_size)));
      free(again);
    }
    free(decoded);
  }
}
