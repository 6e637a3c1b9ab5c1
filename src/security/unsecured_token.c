#include "security/unsecured_token.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "security/base64.h"
#include "security/json.h"
#include "security/sasl_text.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
  CLAIMS_MAX = 64,
  EXTENSIONS_MAX = 64,
  NAME_BYTES_MAX = 256,
  LIFE_SECONDS = 3600,
  LIFE_SECONDS_MAX = 315360000
};

static const char BLANKS[] = " \t\r\n";

static const char HEADER[] = "{\"alg\":\"none\"}";

/* Text that grows; once it has failed it stays so. */
struct text {
  char *data;
  size_t size, capacity;
  bool failed;
};

/* Immutable once it is made. */
struct unsecured_token {
  char *texts;        /* of all settings; what else is a string here is a view of it */
  struct text claims; /* all but iat and exp: "name":value,"name":value */
  const char *principal;
  int64_t life_seconds;
  struct token_extension extensions[EXTENSIONS_MAX];
  uint32_t extension_count;
};

/* string is NULL if the value is something else. */
struct claim {
  const char *name, *string;
};

/* What has been said so far, while the settings are read. */
struct reading {
  struct unsecured_token *unsecured;
  const char *principal_name, *principal, *scope_name, *scope;
  struct claim claims[CLAIMS_MAX];
  uint32_t claim_count;
  char *error;
  size_t error_size;
};

static int32_t read_settings(struct reading *reading, const struct unsecured_token_settings *settings);
static char *keep(const char *text, char **at);
static bool read_config(struct reading *reading, char *at);
static bool read_word(struct reading *reading, const char *name, const char *value);
static bool read_option(struct reading *reading, const char *name, const char *value);
static const char *after(const char *name, const char *prefix);
static bool set_once(struct reading *reading, const char **to, const char *name, const char *value);
static bool set_life(struct reading *reading, const char *name, const char *value);
static bool add_extension(struct reading *reading, const char *name, const char *value);
static bool begin_claim(struct reading *reading, const char *name, const char *string);
static const struct claim *find_claim(const struct reading *reading, const char *name);
static bool add_string(struct reading *reading, const char *name, const char *value);
static bool add_number(struct reading *reading, const char *name, const char *value);
static bool add_list(struct reading *reading, const char *name, const char *items, char delimiter);
static bool add_json_string(struct reading *reading, const char *name, const char *string, size_t size);
static bool finish(struct reading *reading);
static bool refuse(struct reading *reading, const char *what, const char *name);
static void text_add(struct text *text, const void *data, size_t size);
static void text_add_base64(struct text *text, struct bytes data);

int32_t unsecured_token_create(const struct unsecured_token_settings *settings,
                               struct unsecured_token **unsecured, char *error, size_t error_size) {
  struct unsecured_token *created = allocator_allocate_zeroed(1, sizeof *created);
  int32_t status = STATUS_OUT_OF_MEMORY;
  if (created != NULL) {
    struct reading reading = {.unsecured = created, .error = error, .error_size = error_size};
    status = read_settings(&reading, settings);
  }
  if (status == STATUS_OUT_OF_MEMORY) snprintf(error, error_size, "no memory for unsecured tokens");
  if (status == STATUS_OK) {
    *unsecured = created;
  } else {
    unsecured_token_release(created);
  }
  return status;
}

void unsecured_token_release(void *released) {
  struct unsecured_token *unsecured = released;
  if (unsecured == NULL) return;
  allocator_free(unsecured->texts);
  allocator_free(unsecured->claims.data);
  allocator_free(unsecured);
}

int32_t unsecured_token_fetch(void *context, struct token_source *source, struct token **token, char *reason,
                              size_t reason_size) {
  (void)source;
  const struct unsecured_token *unsecured = context;
  int64_t now_ms = clock_wall_ms(), expires_ms = now_ms + unsecured->life_seconds * 1000;
  char times[96]; /* seconds with their fraction, as Kafka writes them */
  int times_size = snprintf(times, sizeof times, "\"iat\":%" PRId64 ".%03d,\"exp\":%" PRId64 ".%03d}",
                            now_ms / 1000, (int)(now_ms % 1000), expires_ms / 1000, (int)(expires_ms % 1000));
  struct text payload = {0}, value = {0};
  text_add(&payload, "{", 1);
  text_add(&payload, unsecured->claims.data, unsecured->claims.size);
  text_add(&payload, ",", 1);
  text_add(&payload, times, (size_t)times_size);
  text_add_base64(&value, bytes_of(HEADER, sizeof HEADER - 1));
  text_add(&value, ".", 1);
  if (!payload.failed) text_add_base64(&value, bytes_of(payload.data, payload.size));
  text_add(&value, ".", 1); /* and no signature */
  int32_t status = STATUS_OUT_OF_MEMORY;
  if (payload.failed || value.failed) {
    snprintf(reason, reason_size, "no memory for an unsecured token");
  } else {
    const struct token_fields fields = {.value = bytes_of(value.data, value.size),
                                        .principal = unsecured->principal,
                                        .expires_ms = expires_ms,
                                        .extensions = unsecured->extensions,
                                        .extension_count = unsecured->extension_count};
    status = token_create(&fields, now_ms, token, reason, reason_size);
    if (status == STATUS_INVALID_ARGUMENT) status = STATUS_LOGIN_FAILED;
  }
  allocator_free(payload.data);
  allocator_free(value.data);
  return status;
}

static int32_t read_settings(struct reading *reading, const struct unsecured_token_settings *settings) {
  struct unsecured_token *unsecured = reading->unsecured;
  const char *config = settings->config == NULL ? "" : settings->config;
  size_t size = strlen(config) + 1;
  for (uint32_t i = 0; i < settings->option_count; i++)
    size += strlen(settings->options[i].name) + strlen(settings->options[i].value) + 2;
  char *at = unsecured->texts = allocator_allocate(size);
  if (at == NULL) return STATUS_OUT_OF_MEMORY;
  bool good = read_config(reading, keep(config, &at));
  for (uint32_t i = 0; i < settings->option_count && good; i++) {
    const char *name = keep(settings->options[i].name, &at);
    good = read_option(reading, name, keep(settings->options[i].value, &at));
  }
  if (!good || !finish(reading)) return STATUS_INVALID_SETTING;
  return unsecured->claims.failed ? STATUS_OUT_OF_MEMORY : STATUS_OK;
}

static char *keep(const char *text, char **at) {
  size_t size = strlen(text) + 1;
  char *kept = memcpy(*at, text, size);
  *at += size;
  return kept;
}

/* "name=value name=value", as librdkafka has it. */
static bool read_config(struct reading *reading, char *at) {
  at += strspn(at, BLANKS);
  while (*at != '\0') {
    char *end = at + strcspn(at, BLANKS);
    bool last = *end == '\0';
    *end = '\0';
    char *equals = strchr(at, '=');
    if (equals == NULL) return refuse(reading, "takes name=value, separated by blanks, not", at);
    *equals = '\0';
    if (!read_word(reading, at, equals + 1)) return false;
    at = last ? end : end + 1;
    at += strspn(at, BLANKS);
  }
  return true;
}

static bool read_word(struct reading *reading, const char *name, const char *value) {
  if (strcmp(name, "principalClaimName") == 0)
    return set_once(reading, &reading->principal_name, name, value);
  if (strcmp(name, "principal") == 0) return set_once(reading, &reading->principal, name, value);
  if (strcmp(name, "scopeClaimName") == 0) return set_once(reading, &reading->scope_name, name, value);
  if (strcmp(name, "scope") == 0) return set_once(reading, &reading->scope, name, value);
  if (strcmp(name, "lifeSeconds") == 0) return set_life(reading, name, value);
  const char *rest = after(name, "extension_");
  return rest != NULL ? add_extension(reading, rest, value) : refuse(reading, "has no option", name);
}

/* Of Kafka's OAuthBearerUnsecuredLoginCallbackHandler. */
static bool read_option(struct reading *reading, const char *name, const char *value) {
  if (strcmp(name, "unsecuredLoginPrincipalClaimName") == 0)
    return set_once(reading, &reading->principal_name, name, value);
  if (strcmp(name, "unsecuredLoginScopeClaimName") == 0)
    return set_once(reading, &reading->scope_name, name, value);
  if (strcmp(name, "unsecuredLoginLifetimeSeconds") == 0) return set_life(reading, name, value);
  const char *rest;
  if ((rest = after(name, "unsecuredLoginStringClaim_")) != NULL) return add_string(reading, rest, value);
  if ((rest = after(name, "unsecuredLoginNumberClaim_")) != NULL) return add_number(reading, rest, value);
  /* The first character of a list is what separates its items. */
  if ((rest = after(name, "unsecuredLoginListClaim_")) != NULL)
    return add_list(reading, rest, value[0] == '\0' ? value : value + 1, value[0]);
  if ((rest = after(name, "unsecuredLoginExtension_")) != NULL) return add_extension(reading, rest, value);
  return refuse(reading, "has no option", name);
}

/* What follows the prefix, or NULL. */
static const char *after(const char *name, const char *prefix) {
  size_t size = strlen(prefix);
  return strncmp(name, prefix, size) == 0 ? name + size : NULL;
}

static bool set_once(struct reading *reading, const char **to, const char *name, const char *value) {
  if (*to != NULL) return refuse(reading, "has twice the option", name);
  if (value[0] == '\0') return refuse(reading, "has no value for the option", name);
  *to = value;
  return true;
}

static bool set_life(struct reading *reading, const char *name, const char *value) {
  struct json_value number;
  int64_t seconds;
  if (reading->unsecured->life_seconds != 0) return refuse(reading, "has twice the option", name);
  bool good = json_read(bytes_of_string(value), &number) && json_integer(number, &seconds) && seconds > 0 &&
              seconds <= LIFE_SECONDS_MAX;
  if (!good) return refuse(reading, "takes between 1 and 315360000 seconds for", name);
  reading->unsecured->life_seconds = seconds;
  return true;
}

static bool add_extension(struct reading *reading, const char *name, const char *value) {
  struct unsecured_token *unsecured = reading->unsecured;
  if (unsecured->extension_count == EXTENSIONS_MAX)
    return refuse(reading, "takes no more than 64 extensions, not also", name);
  unsecured->extensions[unsecured->extension_count++] =
      (struct token_extension){.name = name, .value = value};
  return true;
}

static bool add_string(struct reading *reading, const char *name, const char *value) {
  if (!begin_claim(reading, name, value)) return false;
  return add_json_string(reading, name, value, strlen(value));
}

static bool add_number(struct reading *reading, const char *name, const char *value) {
  struct json_value number;
  if (!json_read(bytes_of_string(value), &number) || number.kind != JSON_NUMBER)
    return refuse(reading, "needs a number for the claim", name);
  if (!begin_claim(reading, name, NULL)) return false;
  text_add(&reading->unsecured->claims, number.text.data, number.text.size);
  return true;
}

static bool add_list(struct reading *reading, const char *name, const char *items, char delimiter) {
  struct text *claims = &reading->unsecured->claims;
  if (!begin_claim(reading, name, NULL)) return false;
  text_add(claims, "[", 1);
  for (const char *at = items; *at != '\0';) {
    const char *end = strchr(at, delimiter);
    size_t size = end == NULL ? strlen(at) : (size_t)(end - at);
    if (!add_json_string(reading, name, at, size)) return false;
    at += size;
    if (*at != '\0') at++;
    if (*at != '\0') text_add(claims, ",", 1);
  }
  text_add(claims, "]", 1);
  return true;
}

/* Writes the name, and a comma in front of all but the first. */
static bool begin_claim(struct reading *reading, const char *name, const char *string) {
  struct text *claims = &reading->unsecured->claims;
  if (name[0] == '\0') return refuse(reading, "has a claim without a name", name);
  if (strcmp(name, "iat") == 0 || strcmp(name, "exp") == 0)
    return refuse(reading, "cannot set what follows from the clock, the claim", name);
  if (find_claim(reading, name) != NULL) return refuse(reading, "has twice the claim", name);
  if (reading->claim_count == CLAIMS_MAX)
    return refuse(reading, "takes no more than 64 claims, not also", name);
  reading->claims[reading->claim_count++] = (struct claim){.name = name, .string = string};
  if (claims->size > 0) text_add(claims, ",", 1);
  if (!add_json_string(reading, name, name, strlen(name))) return false;
  text_add(claims, ":", 1);
  return true;
}

static const struct claim *find_claim(const struct reading *reading, const char *name) {
  for (uint32_t i = 0; i < reading->claim_count; i++)
    if (strcmp(reading->claims[i].name, name) == 0) return &reading->claims[i];
  return NULL;
}

static bool add_json_string(struct reading *reading, const char *name, const char *string, size_t size) {
  static const char digits[] = "0123456789abcdef";
  struct text *to = &reading->unsecured->claims;
  if (!sasl_text_is_utf8(bytes_of(string, size))) return refuse(reading, "is not UTF-8 in the claim", name);
  text_add(to, "\"", 1);
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)string[i];
    const char escaped[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    bool plain = c >= ' ' && c != '"' && c != '\\';
    text_add(to, plain ? &string[i] : escaped, plain ? 1 : sizeof escaped);
  }
  text_add(to, "\"", 1);
  return true;
}

/* What was left until all is known, and what nobody has said. */
static bool finish(struct reading *reading) {
  struct unsecured_token *unsecured = reading->unsecured;
  if (unsecured->life_seconds == 0) unsecured->life_seconds = LIFE_SECONDS;
  const char *principal_name = reading->principal_name == NULL ? "sub" : reading->principal_name;
  const char *scope_name = reading->scope_name == NULL ? "scope" : reading->scope_name;
  if (reading->principal != NULL && !add_string(reading, principal_name, reading->principal)) return false;
  if (reading->scope != NULL && !add_list(reading, scope_name, reading->scope, ',')) return false;
  const struct claim *principal = find_claim(reading, principal_name);
  if (principal == NULL || principal->string == NULL || principal->string[0] == '\0')
    return refuse(reading, "has to name the principal, by principal= or as text in the claim",
                  principal_name);
  if (reading->scope_name != NULL && find_claim(reading, scope_name) == NULL)
    return refuse(reading, "has no scope, though it names a claim for it:", scope_name);
  unsecured->principal = principal->string;
  const struct token_fields sample = {.value = bytes_of_string("sample"),
                                      .principal = unsecured->principal,
                                      .expires_ms = INT64_MAX,
                                      .extensions = unsecured->extensions,
                                      .extension_count = unsecured->extension_count};
  struct token *token;
  int32_t status = token_create(&sample, 0, &token, reading->error, reading->error_size);
  if (status == STATUS_OK) token_release(token);
  if (status == STATUS_OUT_OF_MEMORY) unsecured->claims.failed = true;
  return status != STATUS_INVALID_ARGUMENT;
}

static bool refuse(struct reading *reading, const char *what, const char *name) {
  char printable[NAME_BYTES_MAX];
  sasl_text_print(bytes_of_string(name), NULL, 0, printable, sizeof printable);
  snprintf(reading->error, reading->error_size, "the unsecured token's configuration %s %s", what, printable);
  return false;
}

static void text_add(struct text *text, const void *data, size_t size) {
  if (text->failed) return;
  if (size > text->capacity - text->size) {
    size_t capacity = 2 * (text->size + size);
    char *data_moved = allocator_reallocate(text->data, capacity);
    text->failed = data_moved == NULL;
    if (text->failed) return;
    text->data = data_moved;
    text->capacity = capacity;
  }
  memcpy(text->data + text->size, data, size);
  text->size += size;
}

static void text_add_base64(struct text *text, struct bytes data) {
  char *encoded = allocator_allocate(base64_encoded_size(data.size) + 1);
  if (encoded == NULL) {
    text->failed = true;
    return;
  }
  text_add(text, encoded, base64_encode(data, BASE64_URL, encoded));
  allocator_free(encoded);
}
