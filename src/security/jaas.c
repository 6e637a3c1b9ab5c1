#include "security/jaas.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "security/jaas_modules.h"
#include "security/sasl_text.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX_BYTES = 1 << 20, OPTIONS_MAX = 256, WORD_PRINTED_BYTES = 96 };

/* An option that was read. */
struct entry {
  char *name;
  struct secret *value;
};

struct jaas {
  enum jaas_module module;
  uint32_t count;
  struct entry entries[OPTIONS_MAX];
};

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_EQUALS, TOKEN_SEMICOLON };

/* Where the reading is. */
struct reader {
  struct bytes text;
  size_t position;
  enum token_kind kind; /* of the last token */
  struct secret *word;  /* WORD: what it says, its room in `word` */
  size_t word_size;
  bool is_quoted; /* WORD: it was */
  bool is_apart;  /* a blank stands before it */
  char *error;
  size_t error_size;
};

static int32_t entry_read(struct reader *reader, struct jaas *jaas);
static int32_t module_read(struct reader *reader, struct jaas *jaas);
static int32_t options_read(struct reader *reader, struct jaas *jaas);
static int32_t option_read(struct reader *reader, struct jaas *jaas, bool is_surely_name);
static int32_t option_add(struct reader *reader, struct jaas *jaas, char *name, bool is_surely_name);
static int32_t token_read(struct reader *reader);
static int32_t blank_skip(struct reader *reader);
static int32_t quoted_read(struct reader *reader, uint8_t quote);
static int32_t refuse(struct reader *reader, const char *fault);

int32_t jaas_parse(const struct secret *text, struct jaas **jaas, char *error, size_t error_size) {
  struct reader reader = {.text = secret_bytes(text), .error = error, .error_size = error_size};
  if (reader.text.size > TEXT_MAX_BYTES) return refuse(&reader, "it is longer than a mebibyte");
  if (!sasl_text_is_utf8(reader.text)) return refuse(&reader, "it is not UTF-8");
  if (reader.text.size > 0 && memchr(reader.text.data, '\0', reader.text.size) != NULL)
    return refuse(&reader, "it has a zero byte");
  struct jaas *read = allocator_allocate_zeroed(1, sizeof *read);
  reader.word =
      secret_allocate(reader.text.size); /* what is quoted is never shorter than what it stands for */
  int32_t status = read == NULL || reader.word == NULL ? STATUS_OUT_OF_MEMORY : entry_read(&reader, read);
  secret_destroy(reader.word);
  if (status == STATUS_OK) {
    *jaas = read;
    return STATUS_OK;
  }
  if (status == STATUS_OUT_OF_MEMORY) (void)snprintf(error, error_size, "%s", status_text(status));
  jaas_destroy(read);
  return status;
}

void jaas_destroy(struct jaas *jaas) {
  if (jaas == NULL) return;
  for (uint32_t i = 0; i < jaas->count; i++) {
    allocator_free(jaas->entries[i].name);
    secret_destroy(jaas->entries[i].value);
  }
  allocator_free(jaas);
}

enum jaas_module jaas_module(const struct jaas *jaas) {
  return jaas->module;
}

const struct secret *jaas_option(const struct jaas *jaas, const char *name) {
  for (uint32_t i = 0; i < jaas->count; i++)
    if (strcmp(jaas->entries[i].name, name) == 0) return jaas->entries[i].value;
  return NULL;
}

bool jaas_flag(const struct jaas *jaas, const char *name) {
  const char *value = secret_text(jaas_option(jaas, name));
  return value != NULL && strcasecmp(value, "true") == 0;
}

uint32_t jaas_option_count(const struct jaas *jaas) {
  return jaas->count;
}

struct jaas_option jaas_option_at(const struct jaas *jaas, uint32_t index) {
  ASSERT(index < jaas->count);
  return (struct jaas_option){.name = jaas->entries[index].name, .value = jaas->entries[index].value};
}

static int32_t refuse(struct reader *reader, const char *fault) {
  (void)snprintf(reader->error, reader->error_size, "sasl.jaas.config: %s", fault);
  return STATUS_INVALID_SETTING;
}

/* The last word in an error: only of places where no option's value can be. */
static void word_print(const struct reader *reader, char word[static WORD_PRINTED_BYTES]) {
  sasl_text_print(bytes_of(secret_bytes(reader->word).data, reader->word_size), NULL, 0, word,
                  WORD_PRINTED_BYTES);
}

static bool word_is(const struct reader *reader, const char *text) {
  return reader->word_size == strlen(text) &&
         strncasecmp((const char *)secret_bytes(reader->word).data, text, reader->word_size) == 0;
}

static int32_t entry_read(struct reader *reader, struct jaas *jaas) {
  static const char *const flags[] = {"required", "requisite", "sufficient", "optional"};
  int32_t status = token_read(reader);
  if (status == STATUS_OK) status = module_read(reader, jaas);
  if (status == STATUS_OK) status = token_read(reader);
  if (status != STATUS_OK) return status;
  bool is_flag = false;
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    is_flag = is_flag || (reader->kind == TOKEN_WORD && word_is(reader, flags[i]));
  if (!is_flag)
    return refuse(reader, "behind the login module's class stands its flag: \"required\", as a rule");
  status = options_read(reader, jaas);
  if (status == STATUS_OK) status = token_read(reader);
  if (status != STATUS_OK) return status;
  return reader->kind == TOKEN_END
             ? STATUS_OK
             : refuse(reader,
                      "it has more than one entry, or something behind the first one's semicolon; a client "
                      "logs in by one login module");
}

static int32_t module_read(struct reader *reader, struct jaas *jaas) {
  if (reader->kind == TOKEN_END) return refuse(reader, "it is empty");
  if (reader->kind != TOKEN_WORD) return refuse(reader, "it has to begin with the class of a login module");
  struct bytes name = bytes_of(secret_bytes(reader->word).data, reader->word_size);
  if (jaas_modules_find(name, &jaas->module)) return STATUS_OK;
  char word[WORD_PRINTED_BYTES] = "that it begins with";
  bool is_class = name.size > 6 && memcmp(name.data + name.size - 6, "Module", 6) == 0;
  if (is_class) word_print(reader, word); /* all else may be a password in the wrong place */
  (void)snprintf(
      reader->error, reader->error_size,
      "sasl.jaas.config: the login module %s%s%s is not known; PlainLoginModule, ScramLoginModule, "
      "OAuthBearerLoginModule, Krb5LoginModule and IAMLoginModule are, with the packages that Kafka, "
      "Java and Amazon have them in",
      is_class ? "\"" : "", word, is_class ? "\"" : "");
  return STATUS_INVALID_SETTING;
}

static int32_t options_read(struct reader *reader, struct jaas *jaas) {
  bool after_quoted = true;
  for (;;) {
    int32_t status = token_read(reader);
    if (status != STATUS_OK || reader->kind == TOKEN_SEMICOLON) return status;
    if (reader->kind == TOKEN_END) return refuse(reader, "the semicolon at its end is missing");
    status = option_read(reader, jaas, after_quoted && reader->is_apart);
    if (status != STATUS_OK) return status;
    after_quoted = reader->is_quoted;
  }
}

/* name=value, of which the name's token has been read. Behind a value without quotes it may be the second
 * half of that value, and must not get into an error. */
static int32_t option_read(struct reader *reader, struct jaas *jaas, bool is_surely_name) {
  if (reader->kind != TOKEN_WORD) return refuse(reader, "an option's name is missing in front of its \"=\"");
  char *name = allocator_copy_text(secret_bytes(reader->word).data, reader->word_size);
  if (name == NULL) return STATUS_OUT_OF_MEMORY;
  int32_t status = token_read(reader);
  /* The word may be half of a value that was not quoted, so it is not shown. */
  if (status == STATUS_OK && reader->kind != TOKEN_EQUALS)
    status =
        refuse(reader, "options have the form name=\"value\": a \"=\" is missing behind a name, or a value "
                       "with blanks in it is not quoted");
  if (status == STATUS_OK) status = token_read(reader);
  if (status == STATUS_OK && reader->kind != TOKEN_WORD) {
    status = refuse(reader, "options have the form name=\"value\": a value is missing behind \"=\"");
  }
  if (status == STATUS_OK) return option_add(reader, jaas, name, is_surely_name);
  allocator_free(name);
  return status;
}

/* Takes the name over. */
static int32_t option_add(struct reader *reader, struct jaas *jaas, char *name, bool is_surely_name) {
  struct bytes value = bytes_of(secret_bytes(reader->word).data, reader->word_size);
  int32_t status =
      jaas_modules_check(jaas->module, name, value, is_surely_name, reader->error, reader->error_size);
  if (status == STATUS_OK && jaas_option(jaas, name) != NULL) {
    char shown[WORD_PRINTED_BYTES];
    sasl_text_print(bytes_of_string(name), NULL, 0, shown, sizeof shown);
    (void)snprintf(reader->error, reader->error_size, "sasl.jaas.config: it has the option %s twice", shown);
    status = STATUS_INVALID_SETTING;
  }
  if (status == STATUS_OK && jaas->count == OPTIONS_MAX) status = refuse(reader, "it has too many options");
  struct secret *copy = status == STATUS_OK ? secret_create(value) : NULL;
  if (status == STATUS_OK && copy == NULL) status = STATUS_OUT_OF_MEMORY;
  if (status == STATUS_OK) {
    jaas->entries[jaas->count++] = (struct entry){.name = name, .value = copy};
  } else {
    allocator_free(name);
  }
  return status;
}

/* Letters, digits, '-', '_', '$', '.', and all that is not ASCII. Java reads what begins with a digit as a
 * number, and then refuses it as a value; here it is the value that it looks like. */
static bool is_word(uint8_t c) {
  bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '$' || c == '.' || c >= 0x80;
}

static void word_append(struct reader *reader, uint8_t byte) {
  ASSERT(reader->word_size < reader->text.size);
  secret_data(reader->word)[reader->word_size++] = byte;
}

static int32_t token_read(struct reader *reader) {
  size_t before = reader->position;
  int32_t status = blank_skip(reader);
  if (status != STATUS_OK) return status;
  reader->is_apart = reader->position > before;
  reader->word_size = 0;
  if (reader->position == reader->text.size) {
    reader->kind = TOKEN_END;
    return STATUS_OK;
  }
  uint8_t c = reader->text.data[reader->position];
  if (c == '=' || c == ';') {
    reader->position++;
    reader->kind = c == '=' ? TOKEN_EQUALS : TOKEN_SEMICOLON;
    return STATUS_OK;
  }
  reader->kind = TOKEN_WORD;
  reader->is_quoted = c == '"' || c == '\'';
  if (reader->is_quoted) return quoted_read(reader, c);
  if (!is_word(c))
    return refuse(reader, "a character stands outside of quotes that has to be inside of them");
  while (reader->position < reader->text.size && is_word(reader->text.data[reader->position]))
    word_append(reader, reader->text.data[reader->position++]);
  return STATUS_OK;
}

/* Moves behind the next place where the text has this; false: it has not. */
static bool skip_behind(struct reader *reader, const char *end) {
  size_t size = strlen(end);
  for (; reader->text.size - reader->position >= size; reader->position++) {
    if (memcmp(reader->text.data + reader->position, end, size) != 0) continue;
    reader->position += size;
    return true;
  }
  reader->position = reader->text.size;
  return false;
}

/* White space, and comments from "//" to the line's end or between slash and star. */
static int32_t blank_skip(struct reader *reader) {
  while (reader->position < reader->text.size) {
    uint8_t c = reader->text.data[reader->position];
    if (c <= ' ') {
      reader->position++;
      continue;
    }
    if (c != '/') break;
    bool is_last = reader->position + 1 == reader->text.size;
    uint8_t next = is_last ? '\0' : reader->text.data[reader->position + 1];
    if (next != '/' && next != '*')
      return refuse(reader, "a \"/\" stands outside of quotes; a path has to be inside of them");
    reader->position += 2;
    bool ended = skip_behind(reader, next == '/' ? "\n" : "*/");
    if (!ended && next == '*') return refuse(reader, "a comment does not end");
  }
  return STATUS_OK;
}

/* Up to three octal digits, 377 at most, of which the first has been seen. */
static uint8_t octal_read(struct reader *reader) {
  unsigned value = 0;
  size_t most = reader->text.data[reader->position] <= '3' ? 3 : 2;
  for (size_t i = 0; i < most && reader->position < reader->text.size; i++) {
    uint8_t c = reader->text.data[reader->position];
    if (c < '0' || c > '7') break;
    value = value * 8 + (unsigned)(c - '0');
    reader->position++;
  }
  return (uint8_t)value;
}

/* Behind a backslash. A number is a character of ISO-8859-1, which takes two bytes from 128 on: no more than
 * what stands for it. */
static int32_t escape_read(struct reader *reader) {
  static const char letters[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
  uint8_t c = reader->text.data[reader->position];
  if (c >= '0' && c <= '7') {
    uint8_t number = octal_read(reader);
    if (number == 0) return refuse(reader, "a zero byte is written in a quoted text");
    if (number >= 0x80) word_append(reader, (uint8_t)(0xc0 | number >> 6));
    word_append(reader, number >= 0x80 ? (uint8_t)(0x80 | (number & 0x3f)) : number);
    return STATUS_OK;
  }
  const char *letter = strchr(letters, c);
  word_append(reader, letter == NULL ? c : (uint8_t)meanings[letter - letters]);
  reader->position++;
  return STATUS_OK;
}

static int32_t quoted_read(struct reader *reader, uint8_t quote) {
  reader->position++;
  while (reader->position < reader->text.size) {
    uint8_t c = reader->text.data[reader->position++];
    if (c == quote) return STATUS_OK;
    if (c == '\n' || c == '\r') break;
    if (c != '\\') {
      word_append(reader, c);
    } else if (reader->position < reader->text.size) {
      int32_t status = escape_read(reader);
      if (status != STATUS_OK) return status;
    }
  }
  return refuse(reader, "a quoted text does not end on its line");
}
