/* Documents of strangers through the JSON reader. */
#include "security/json.h"

#include "base/assertion.h"
#include "security/sasl_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(struct json_value value);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const names[] = {"access_token", "expires_in", "error", "a", ""};
  struct json_value value;
  if (!json_read(bytes_of(data, size), &value)) return 0;
  ASSERT(value.text.data >= data && value.text.data + value.text.size <= data + size);
  look_at(value);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct json_value member = {.kind = JSON_NULL};
    if (json_find(value, names[i], &member) != JSON_FOUND) continue;
    ASSERT(value.kind == JSON_OBJECT);
    ASSERT(member.text.data > value.text.data);
    ASSERT(member.text.data + member.text.size < value.text.data + value.text.size);
    look_at(member);
  }
  return 0;
}

/* What json_read has let pass, the other functions take. */
static void look_at(struct json_value value) {
  int64_t integer;
  struct json_value again;
  char text[16];
  if (value.kind != JSON_STRING) {
    ASSERT(json_read(value.text, &again) && again.kind == value.kind);
    ASSERT(!json_integer(value, &integer) || value.kind == JSON_NUMBER);
    return;
  }
  struct secret *secret = json_secret(value);
  ASSERT(secret != NULL && sasl_text_is_utf8(secret_bytes(secret)));
  ASSERT(secret_bytes(secret).size <= value.text.size);
  json_print(value, text, sizeof text);
  ASSERT(strlen(text) < sizeof text);
  bool has_zero = memchr(secret_bytes(secret).data, 0, secret_bytes(secret).size) != NULL;
  bool is_ascii = true;
  for (size_t i = 0; i < secret_bytes(secret).size; i++)
    is_ascii = is_ascii && secret_bytes(secret).data[i] < 0x80;
  if (!has_zero && is_ascii) ASSERT(json_equals(value, secret_text(secret)));
  secret_destroy(secret);
}
