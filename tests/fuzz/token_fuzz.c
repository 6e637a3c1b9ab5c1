/* Tokens of hosts, with their extensions: texts that are separated by zero bytes. */
#include "security/token.h"

#include "base/assertion.h"
#include "base/status.h"
#include "security/token_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EXTENSIONS_MAX = 70, TEXTS_BYTES_MAX = 4096 };

static void check(const struct token *token, const struct token_fields *fields);
static const char *next_text(const char **at, const char *end);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* What OIDC's answers bring as a token is looked into before it is checked. */
  struct secret *claims = token_answer_claims(bytes_of(data, size));
  if (claims != NULL) ASSERT(secret_bytes(claims).size < size);
  secret_destroy(claims);
  if (size >= TEXTS_BYTES_MAX) return 0;
  char texts[TEXTS_BYTES_MAX];
  memcpy(texts, data, size);
  texts[size] = '\0';
  const char *at = texts, *end = texts + size;
  struct token_extension extensions[EXTENSIONS_MAX];
  struct token_fields fields = {.expires_ms = 2000, .extensions = extensions};
  fields.value = bytes_of_string(next_text(&at, end));
  fields.principal = at < end ? next_text(&at, end) : NULL;
  while (at < end && fields.extension_count < EXTENSIONS_MAX) {
    struct token_extension *each = &extensions[fields.extension_count++];
    each->name = next_text(&at, end);
    each->value = next_text(&at, end);
  }
  struct token *token = NULL;
  char error[256] = "";
  int32_t status = token_create(&fields, 1000, &token, error, sizeof error);
  ASSERT((status == STATUS_OK) == (token != NULL));
  ASSERT(status == STATUS_OK || (status == STATUS_INVALID_ARGUMENT && error[0] != '\0'));
  if (token != NULL) check(token, &fields);
  token_release(token);
  return 0;
}

/* Nothing in it ends a field of the message that carries it: RFC 7628 separates them by byte 1. */
static void check(const struct token *token, const struct token_fields *fields) {
  ASSERT(bytes_equal(token_value(token), fields->value));
  ASSERT(memchr(fields->value.data, 1, fields->value.size) == NULL);
  ASSERT(token_extension_count(token) == fields->extension_count);
  for (uint32_t i = 0; i < fields->extension_count; i++) {
    struct token_extension each = token_extension_at(token, i);
    ASSERT(strcmp(each.name, fields->extensions[i].name) == 0);
    ASSERT(strcmp(each.value, fields->extensions[i].value) == 0);
    ASSERT(strchr(each.value, 1) == NULL && strpbrk(each.name, "\1=") == NULL &&
           strcmp(each.name, "auth") != 0);
  }
}

static const char *next_text(const char **at, const char *end) {
  const char *text = *at;
  size_t size = strlen(text);
  *at = text + size < end ? text + size + 1 : end;
  return text;
}
