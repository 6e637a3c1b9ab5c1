#include "security/token.h"

#include "base/allocator.h"
#include "base/status.h"
#include <stdatomic.h>
#include <stdio.h>

/* A broker takes SASL messages of up to 512 KiB (sasl.server.max.receive.size); no real token comes near. */
enum { VALUE_BYTES_MAX = 256 * 1024, EXTENSIONS_MAX = 64, EXTENSION_BYTES_MAX = 8192 };

struct token {
  atomic_uint references;
  int64_t expires_ms;
  uint32_t extension_count;
  struct secret *value;
  struct secret *texts; /* principal and extensions, each with its terminator */
  const char *principal;
  struct token_extension extensions[];
};

static const char *fault_of(const struct token_fields *fields, int64_t now_ms);
static bool is_value(struct bytes value);
static bool is_extension_name(const char *name);
static bool is_extension_value(const char *value);
static bool is_repeated(const struct token_fields *fields, uint32_t index);
static bool keep_texts(struct token *token, const struct token_fields *fields);
static const char *keep_text(const char *text, char **at);

int32_t token_create(const struct token_fields *fields, int64_t now_ms, struct token **token, char *error,
                     size_t error_size) {
  const char *fault = fault_of(fields, now_ms);
  if (fault != NULL) {
    snprintf(error, error_size, "%s", fault);
    return STATUS_INVALID_ARGUMENT;
  }
  struct token *created =
      allocator_allocate(sizeof *created + fields->extension_count * sizeof created->extensions[0]);
  if (created != NULL) {
    *created = (struct token){.expires_ms = fields->expires_ms, .extension_count = fields->extension_count};
    atomic_init(&created->references, 1);
    created->value = secret_create(fields->value);
    if (created->value != NULL && keep_texts(created, fields)) {
      *token = created;
      return STATUS_OK;
    }
    token_release(created);
  }
  snprintf(error, error_size, "no memory for the token");
  return STATUS_OUT_OF_MEMORY;
}

struct token *token_retain(struct token *token) {
  atomic_fetch_add_explicit(&token->references, 1, memory_order_relaxed);
  return token;
}

void token_release(struct token *token) {
  if (token == NULL) return;
  if (atomic_fetch_sub_explicit(&token->references, 1, memory_order_acq_rel) != 1) return;
  secret_destroy(token->value);
  secret_destroy(token->texts);
  allocator_free(token);
}

struct bytes token_value(const struct token *token) {
  return secret_bytes(token->value);
}

const char *token_principal(const struct token *token) {
  return token->principal;
}

int64_t token_expires_ms(const struct token *token) {
  return token->expires_ms;
}

uint32_t token_extension_count(const struct token *token) {
  return token->extension_count;
}

struct token_extension token_extension_at(const struct token *token, uint32_t index) {
  return token->extensions[index];
}

/* What is wrong with the fields, or NULL. Never says what they hold. */
static const char *fault_of(const struct token_fields *fields, int64_t now_ms) {
  if (fields->value.size == 0) return "the token is empty";
  if (fields->value.size > VALUE_BYTES_MAX) return "the token is longer than 256 KiB";
  if (!is_value(fields->value))
    return "the token has a character that tokens do not have: letters, digits, -._~+/ and = at the end";
  if (fields->extension_count > EXTENSIONS_MAX) return "the token has more than 64 extensions";
  for (uint32_t i = 0; i < fields->extension_count; i++) {
    const struct token_extension *each = &fields->extensions[i];
    if (each->name == NULL || !is_extension_name(each->name))
      return "the name of a token's extension has to be letters alone";
    if (strcmp(each->name, "auth") == 0) return "no extension of a token may be named auth";
    if (each->value == NULL || !is_extension_value(each->value))
      return "the value of a token's extension has to be printable ASCII, and not empty or above 8 KiB";
    if (is_repeated(fields, i)) return "two extensions of the token have the same name";
  }
  if (fields->principal != NULL && strlen(fields->principal) > EXTENSION_BYTES_MAX)
    return "the token's principal is longer than 8 KiB";
  if (fields->expires_ms <= now_ms) return "the token has expired already, by the clock of this machine";
  return NULL;
}

/* b64token of RFC 6750, section 2.1. */
static bool is_value(struct bytes value) {
  size_t end = value.size;
  while (end > 0 && value.data[end - 1] == '=')
    end--;
  for (size_t i = 0; i < end; i++) {
    uint8_t c = value.data[i];
    bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                c == '.' || c == '_' || c == '~' || c == '+' || c == '/';
    if (!fits) return false;
  }
  return end > 0;
}

/* RFC 7628, section 3.1, as KIP-342 takes it: a key is letters, a value at least one VCHAR, SP, HTAB, CR, LF.
 */
static bool is_extension_name(const char *name) {
  size_t size = 0;
  for (; name[size] != '\0'; size++)
    if (!((name[size] >= 'a' && name[size] <= 'z') || (name[size] >= 'A' && name[size] <= 'Z'))) return false;
  return size > 0 && size <= EXTENSION_BYTES_MAX;
}

static bool is_extension_value(const char *value) {
  size_t size = 0;
  for (; value[size] != '\0'; size++) {
    unsigned char c = (unsigned char)value[size];
    if ((c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n') return false;
  }
  return size > 0 && size <= EXTENSION_BYTES_MAX;
}

static bool is_repeated(const struct token_fields *fields, uint32_t index) {
  for (uint32_t i = 0; i < index; i++)
    if (strcmp(fields->extensions[i].name, fields->extensions[index].name) == 0) return true;
  return false;
}

static bool keep_texts(struct token *token, const struct token_fields *fields) {
  const char *principal = fields->principal == NULL ? "" : fields->principal;
  size_t size = strlen(principal) + 1;
  for (uint32_t i = 0; i < fields->extension_count; i++)
    size += strlen(fields->extensions[i].name) + strlen(fields->extensions[i].value) + 2;
  token->texts = secret_allocate(size);
  if (token->texts == NULL) return false;
  char *at = (char *)secret_data(token->texts);
  token->principal = keep_text(principal, &at);
  for (uint32_t i = 0; i < fields->extension_count; i++) {
    token->extensions[i].name = keep_text(fields->extensions[i].name, &at);
    token->extensions[i].value = keep_text(fields->extensions[i].value, &at);
  }
  return true;
}

static const char *keep_text(const char *text, char **at) {
  size_t size = strlen(text) + 1;
  char *kept = memcpy(*at, text, size);
  *at += size;
  return kept;
}
