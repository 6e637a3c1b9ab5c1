#include "producer/config.h"

#include "base/allocator.h"
#include "base/bytes.h"
#include "base/status.h"
#include "producer/bootstrap.h"
#include "producer/setting_value.h"
#include <stdio.h>
#include <string.h>

/* Kafka's own limit. */
enum { TOPIC_NAME_MAX_BYTES = 249 };

/* No producer of ours or others has a longer one. Lines of PEM have 64. */
enum { NAME_WITHOUT_DOT_MAX_BYTES = 40 };

struct topic_values {
  char *name;
  struct secret *values[SETTING_COUNT]; /* NULL: not set */
};

/* A name without a setting of ours: accepted without a meaning, or let pass unknown. Of what is unknown the
 * value is not kept, since it may be a password. */
struct other_value {
  char *name, *value;
  bool is_unknown;
};

struct config {
  struct secret *values[SETTING_COUNT]; /* NULL: not set */
  struct topic_values *topics;
  uint32_t topic_count;
  struct other_value *others;
  uint32_t other_count;
};

/* What a name stands for. */
struct target {
  struct setting_name name;
  struct bytes topic; /* null: the producer */
};

static struct target target_find(const char *name);
static struct target topic_target_find(const char *name);
static int32_t refuse_unknown(const char *name, struct config_error *error);
static int32_t set_own(struct config *config, const struct target *target, const char *name,
                       const char *value, struct config_error *error);
static int32_t value_store(struct config *config, const struct target *target, const char *text);
static int32_t values_expand(struct secret **values, const char *topic,
                             const struct config_expansion *expansion, struct config_error *error);
static int32_t set_other(struct config *config, const struct target *target, const char *name,
                         const char *value, struct config_error *error);
static int32_t other_store(struct config *config, const char *name, const char *value, bool is_unknown);
static int32_t topic_name_check(struct bytes topic, const char *name, struct config_error *error);
static struct topic_values *topic_find(const struct config *config, struct bytes topic);
static int32_t topic_add(struct config *config, struct bytes topic, struct topic_values **added);
static int32_t values_copy(struct secret *const *from, struct secret **to);
static void values_free(struct secret **values);
static struct secret *copy_trimmed(const char *text);

int32_t config_create(struct config **config) {
  struct config *created = allocator_allocate_zeroed(1, sizeof(*created));
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  *config = created;
  return STATUS_OK;
}

void config_destroy(struct config *config) {
  if (config == NULL) return;
  values_free(config->values);
  for (uint32_t i = 0; i < config->topic_count; i++) {
    allocator_free(config->topics[i].name);
    values_free(config->topics[i].values);
  }
  allocator_free(config->topics);
  for (uint32_t i = 0; i < config->other_count; i++) {
    allocator_free(config->others[i].name);
    allocator_free(config->others[i].value);
  }
  allocator_free(config->others);
  allocator_free(config);
}

int32_t config_copy(const struct config *config, struct config **copy) {
  struct config *made;
  int32_t status = config_create(&made);
  if (status != STATUS_OK) return status;
  status = values_copy(config->values, made->values);
  for (uint32_t i = 0; i < config->topic_count && status == STATUS_OK; i++) {
    struct topic_values *topic;
    status = topic_add(made, bytes_of_string(config->topics[i].name), &topic);
    if (status == STATUS_OK) status = values_copy(config->topics[i].values, topic->values);
  }
  for (uint32_t i = 0; i < config->other_count && status == STATUS_OK; i++) {
    const struct other_value *other = &config->others[i];
    status = other_store(made, other->name, other->value, other->is_unknown);
  }
  if (status != STATUS_OK) {
    config_destroy(made);
    return status;
  }
  *copy = made;
  return STATUS_OK;
}

void config_swap(struct config *a, struct config *b) {
  struct config held = *a;
  *a = *b;
  *b = held;
}

int32_t config_set(struct config *config, const char *name, const char *value, struct config_error *error) {
  if (config == NULL || name == NULL || value == NULL || *name == '\0') {
    config_error_set(error, "a setting needs a name and a value");
    return STATUS_INVALID_ARGUMENT;
  }
  struct target target = target_find(name);
  bool ours = target.name.kind == SETTING_NAME_OWN || target.name.kind == SETTING_NAME_ALIAS;
  int32_t status = STATUS_OUT_OF_MEMORY;
  struct secret *trimmed = copy_trimmed(value);
  if (trimmed != NULL) {
    const char *text = secret_text(trimmed);
    status =
        ours ? set_own(config, &target, name, text, error) : set_other(config, &target, name, text, error);
  }
  secret_destroy(trimmed);
  if (status == STATUS_OUT_OF_MEMORY) config_error_set(error, "%.120s: %s", name, status_text(status));
  return status;
}

int32_t config_unset(struct config *config, const char *name, struct config_error *error) {
  if (config == NULL || name == NULL) {
    config_error_set(error, "a setting needs a name");
    return STATUS_INVALID_ARGUMENT;
  }
  struct target target = target_find(name);
  struct secret **values = config->values;
  if (target.name.kind == SETTING_NAME_OWN || target.name.kind == SETTING_NAME_ALIAS) {
    struct topic_values *topic = target.topic.data == NULL ? NULL : topic_find(config, target.topic);
    if (target.topic.data != NULL && topic == NULL) return STATUS_OK;
    if (topic != NULL) values = topic->values;
    secret_destroy(values[target.name.setting]);
    values[target.name.setting] = NULL;
    return STATUS_OK;
  }
  for (uint32_t i = 0; i < config->other_count; i++) {
    if (strcmp(config->others[i].name, name) != 0) continue;
    allocator_free(config->others[i].name);
    allocator_free(config->others[i].value);
    config->others[i] = config->others[--config->other_count];
    return STATUS_OK;
  }
  return target.name.kind == SETTING_NAME_NO_MEANING ? STATUS_OK : refuse_unknown(name, error);
}

int32_t config_get(const struct config *config, const char *name, const char **value) {
  if (config == NULL || name == NULL) return STATUS_INVALID_ARGUMENT;
  struct target target = target_find(name);
  if (target.name.kind == SETTING_NAME_OWN || target.name.kind == SETTING_NAME_ALIAS) {
    enum setting setting = target.name.setting;
    const struct topic_values *topic = target.topic.data == NULL ? NULL : topic_find(config, target.topic);
    const struct secret *found = topic == NULL ? NULL : topic->values[setting];
    if (found == NULL) found = config->values[setting];
    const char *shown =
        setting_row(setting)->type == SETTING_TYPE_PASSWORD ? SETTING_HIDDEN : secret_text(found);
    *value = found == NULL ? setting_row(setting)->default_text : shown;
    return STATUS_OK;
  }
  for (uint32_t i = 0; i < config->other_count; i++) {
    if (strcmp(config->others[i].name, name) != 0) continue;
    *value = config->others[i].value;
    return STATUS_OK;
  }
  if (target.name.kind != SETTING_NAME_NO_MEANING) return STATUS_UNKNOWN_SETTING;
  *value = NULL;
  return STATUS_OK;
}

const char *config_value(const struct config *config, enum setting setting) {
  return secret_text(config->values[setting]);
}

const struct secret *config_secret(const struct config *config, enum setting setting) {
  return config->values[setting];
}

uint32_t config_topic_count(const struct config *config) {
  return config->topic_count;
}

const char *config_topic_name(const struct config *config, uint32_t index) {
  return config->topics[index].name;
}

const char *config_topic_value(const struct config *config, uint32_t index, enum setting setting) {
  return secret_text(config->topics[index].values[setting]);
}

const char *config_ignored_name(const struct config *config, uint32_t index) {
  for (uint32_t i = 0; i < config->other_count; i++) {
    if (config->others[i].is_unknown && index-- == 0) return config->others[i].name;
  }
  return NULL;
}

/* A known name goes before topic.NAME.setting: some of librdkafka's begin with "topic." */
static struct target target_find(const char *name) {
  struct target target = {.name = setting_name_find(name)};
  if (target.name.kind != SETTING_NAME_UNKNOWN || strncmp(name, "topic.", 6) != 0) return target;
  return topic_target_find(name);
}

/* Topic names may have dots, so the longest known name at the end is the setting. */
static struct target topic_target_find(const char *name) {
  const char *topic = name + strlen("topic.");
  for (const char *dot = strchr(topic, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
    if (dot == topic) continue;
    struct setting_name found = setting_name_find(dot + 1);
    bool ours = found.kind == SETTING_NAME_OWN || found.kind == SETTING_NAME_ALIAS;
    if (!ours || setting_row(found.setting)->scope != SETTING_SCOPE_TOPIC) continue;
    return (struct target){.name = found, .topic = bytes_of(topic, (size_t)(dot - topic))};
  }
  return (struct target){.name = {.kind = SETTING_NAME_UNKNOWN, .setting = SETTING_COUNT}};
}

static int32_t refuse_topic_setting(const char *name, struct config_error *error) {
  char settable[300];
  size_t size = 0;
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    const struct setting_row *row = setting_row((enum setting)i);
    size_t name_size = strlen(row->name);
    if (row->scope != SETTING_SCOPE_TOPIC || size + name_size + 3 > sizeof(settable)) continue;
    if (size > 0) {
      memcpy(settable + size, ", ", 2);
      size += 2;
    }
    memcpy(settable + size, row->name, name_size);
    size += name_size;
  }
  config_error_set(error, "%.120s: after topic.NAME. can stand %.*s", name, (int)size, settable);
  return STATUS_UNKNOWN_SETTING;
}

/* What cannot be one may be a line of a key in a file, where a backslash is missing. */
static bool can_be_a_name(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  size_t size = strlen(name);
  if (strncmp(name, "topic.", 6) == 0) return true;
  return strspn(name, letters) == size && (size <= NAME_WITHOUT_DOT_MAX_BYTES || strpbrk(name, "._") != NULL);
}

static int32_t refuse_unknown(const char *name, struct config_error *error) {
  if (strncmp(name, "topic.", 6) == 0) return refuse_topic_setting(name, error);
  if (!can_be_a_name(name)) {
    config_error_set(
        error,
        "a text of %zu bytes that is no setting's name and is not shown: a value of several lines "
        "needs a backslash at the end of each but the last",
        strlen(name));
    return STATUS_UNKNOWN_SETTING;
  }
  const char *nearest = setting_name_nearest(name);
  if (nearest != NULL) {
    config_error_set(error, "%.120s: there is no setting of that name; did you mean %s?", name, nearest);
  } else {
    config_error_set(
        error, "%.120s: there is no setting of that name (unknown.settings=warn lets unknown names pass)",
        name);
  }
  return STATUS_UNKNOWN_SETTING;
}

/* text: value as the setting has it, which for an alias may be in another unit. */
static int32_t refuse_value(const struct target *target, const char *name, const char *value,
                            const char *text, struct config_error *error) {
  enum setting setting = target->name.setting;
  char allowed[400];
  setting_value_describe(setting, allowed, sizeof(allowed));
  if (target->name.kind == SETTING_NAME_ALIAS) {
    config_error_set(error, "%.120s=%.80s, which is %s=%.80s: %s", name, value, setting_row(setting)->name,
                     text, allowed);
  } else {
    config_error_set(error, "%.120s=%.80s: %s", name, value, allowed);
  }
  return STATUS_INVALID_SETTING;
}

/* What a setting alone demands beyond its type. */
static int32_t value_check(enum setting setting, const char *name, const char *value,
                           struct config_error *error) {
  if (setting != SETTING_BOOTSTRAP_SERVERS) return STATUS_OK;
  struct broker_address *servers;
  uint32_t count;
  int32_t status = bootstrap_parse(name, value, &servers, &count, error);
  if (status == STATUS_OK) allocator_free(servers);
  return status;
}

/* Whether a value may be another one when it is used. What says which references are looked up is not. */
static bool may_refer(enum setting setting, const char *text) {
  bool decides = setting == SETTING_CONFIG_PROVIDERS || setting == SETTING_CONFIG_PROVIDERS_FILE_PATHS ||
                 setting == SETTING_CONFIG_PROVIDERS_DIRECTORY_PATHS || setting == SETTING_UNKNOWN_SETTINGS;
  return !decides && strstr(text, "${") != NULL;
}

/* A value that is looked up later. */
static int32_t set_reference(struct config *config, const struct target *target, const char *name,
                             const char *value, struct config_error *error) {
  if (target->name.conversion != ALIAS_AS_IS) {
    config_error_set(error, "%.120s: what config providers give is not converted: set %s instead", name,
                     setting_row(target->name.setting)->name);
    return STATUS_INVALID_SETTING;
  }
  return value_store(config, target, value);
}

static int32_t set_own(struct config *config, const struct target *target, const char *name,
                       const char *value, struct config_error *error) {
  enum setting setting = target->name.setting;
  int32_t status = topic_name_check(target->topic, name, error);
  if (status != STATUS_OK) return status;
  bool looks_up = secret_bytes(config->values[SETTING_CONFIG_PROVIDERS]).size > 0;
  if (looks_up && may_refer(setting, value)) return set_reference(config, target, name, value, error);
  char converted[32], spelling[160];
  const char *text =
      setting_value_convert(setting, target->name.conversion, value, converted, sizeof(converted));
  if (text == NULL) return config_unset(config, name, error);
  int64_t number;
  if (!setting_value_read(setting, text, &number)) return refuse_value(target, name, value, text, error);
  status = value_check(setting, name, text, error);
  if (status != STATUS_OK) return status;
  return value_store(config, target,
                     setting_value_spelling(setting, text, number, spelling, sizeof(spelling)));
}

static int32_t value_store(struct config *config, const struct target *target, const char *text) {
  struct secret *stored = secret_create(bytes_of_string(text));
  if (stored == NULL) return STATUS_OUT_OF_MEMORY;
  struct secret **values = config->values;
  if (target->topic.data != NULL) {
    struct topic_values *topic = topic_find(config, target->topic);
    int32_t status = topic != NULL ? STATUS_OK : topic_add(config, target->topic, &topic);
    if (status != STATUS_OK) {
      secret_destroy(stored);
      return status;
    }
    values = topic->values;
  }
  secret_destroy(values[target->name.setting]);
  values[target->name.setting] = stored;
  return STATUS_OK;
}

int32_t config_expand(struct config *config, const struct config_expansion *expansion,
                      struct config_error *error) {
  int32_t status = values_expand(config->values, NULL, expansion, error);
  for (uint32_t i = 0; i < config->topic_count && status == STATUS_OK; i++)
    status = values_expand(config->topics[i].values, config->topics[i].name, expansion, error);
  return status;
}

/* What a reference gave is never shown: messages have the reference. */
static int32_t refuse_expanded(enum setting setting, const char *name, const char *reference,
                               struct config_error *error) {
  char allowed[400];
  setting_value_describe(setting, allowed, sizeof(allowed));
  config_error_set(error, "%.120s=%.200s: what it refers to %s", name, reference, allowed);
  return STATUS_INVALID_SETTING;
}

static int32_t value_expand(struct secret **value, enum setting setting, const char *name,
                            const struct config_expansion *expansion, struct config_error *error) {
  struct secret *expanded = NULL;
  const char *reference = secret_text(*value);
  int32_t status = expansion->expand(expansion->context, name, reference, &expanded, error);
  if (status != STATUS_OK) return status;
  struct secret *trimmed = copy_trimmed(secret_text(expanded));
  secret_destroy(expanded);
  if (trimmed == NULL) return STATUS_OUT_OF_MEMORY;
  int64_t number;
  const char *text = secret_text(trimmed);
  if (!setting_value_read(setting, text, &number)) {
    status = refuse_expanded(setting, name, reference, error);
  } else if (value_check(setting, name, text, NULL) != STATUS_OK) {
    config_error_set(error, "%.120s=%.200s: what it refers to is no list of brokers", name, reference);
    status = STATUS_INVALID_SETTING;
  }
  if (status != STATUS_OK) {
    secret_destroy(trimmed);
    return status;
  }
  secret_destroy(*value);
  *value = trimmed;
  return STATUS_OK;
}

/* topic: NULL for the producer's. */
static int32_t values_expand(struct secret **values, const char *topic,
                             const struct config_expansion *expansion, struct config_error *error) {
  int32_t status = STATUS_OK;
  for (uint32_t i = 0; i < SETTING_COUNT && status == STATUS_OK; i++) {
    enum setting setting = (enum setting)i;
    if (values[i] == NULL || !may_refer(setting, secret_text(values[i]))) continue;
    char name[400];
    (void)snprintf(name, sizeof(name), "%s%s%s%s", topic == NULL ? "" : "topic.", topic == NULL ? "" : topic,
                   topic == NULL ? "" : ".", setting_row(setting)->name);
    status = value_expand(&values[i], setting, name, expansion, error);
  }
  return status;
}

/* A slip in one of these names would leave something open that was meant to be shut. */
static bool is_about_security(const char *name) {
  static const char *const beginnings[] = {"ssl.", "sasl.", "https.", "security."};
  for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
    if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0) return true;
  }
  return false;
}

/* A name without a setting of ours: kept where it is harmless, or where unknown.settings=warn lets it pass.
 */
static int32_t set_other(struct config *config, const struct target *target, const char *name,
                         const char *value, struct config_error *error) {
  const struct setting_name *found = &target->name;
  if (found->kind == SETTING_NAME_NOT_SUPPORTED) {
    config_error_set(error, "%.120s is not supported: %s", name, found->text);
    return STATUS_UNKNOWN_SETTING;
  }
  uint32_t index;
  bool harmless =
      found->kind == SETTING_NAME_NO_MEANING &&
      (found->accepted == NULL || setting_value_is_among(value, strlen(value), found->accepted, &index));
  if (harmless) return other_store(config, name, value, false);
  const char *policy = config_value(config, SETTING_UNKNOWN_SETTINGS);
  bool lets_pass =
      policy != NULL && strcmp(policy, "warn") == 0 && can_be_a_name(name) && !is_about_security(name);
  if (lets_pass) return other_store(config, name, SETTING_HIDDEN, true);
  if (found->kind == SETTING_NAME_UNKNOWN) return refuse_unknown(name, error);
  if (found->kind == SETTING_NAME_NO_COUNTERPART) {
    config_error_set(error, "%.120s is librdkafka's, and there is no such setting here: %s", name,
                     found->text);
    return STATUS_UNKNOWN_SETTING;
  }
  config_error_set(error, "%.120s=%.80s: only %s is accepted. %s", name, value, found->accepted, found->text);
  return STATUS_INVALID_SETTING;
}

static int32_t other_store(struct config *config, const char *name, const char *value, bool is_unknown) {
  uint32_t at = 0;
  while (at < config->other_count && strcmp(config->others[at].name, name) != 0)
    at++;
  bool is_new = at == config->other_count;
  char *value_copy = allocator_copy_string(value);
  char *name_copy = is_new ? allocator_copy_string(name) : NULL;
  size_t bytes = (config->other_count + 1) * sizeof(struct other_value);
  struct other_value *others = is_new ? allocator_reallocate(config->others, bytes) : config->others;
  if (others != NULL) config->others = others;
  if (value_copy == NULL || others == NULL || (is_new && name_copy == NULL)) {
    allocator_free(value_copy);
    allocator_free(name_copy);
    return STATUS_OUT_OF_MEMORY;
  }
  if (is_new) {
    others[config->other_count++] = (struct other_value){.name = name_copy};
  }
  allocator_free(others[at].value);
  others[at].value = value_copy;
  others[at].is_unknown = is_unknown;
  return STATUS_OK;
}

/* As brokers check names: letters, digits, '.', '_' and '-', neither "." nor "..". */
static int32_t topic_name_check(struct bytes topic, const char *name, struct config_error *error) {
  if (topic.data == NULL) return STATUS_OK;
  bool valid = topic.size <= TOPIC_NAME_MAX_BYTES && !bytes_equal(topic, bytes_of(".", 1)) &&
               !bytes_equal(topic, bytes_of("..", 2));
  for (size_t i = 0; i < topic.size && valid; i++) {
    uint8_t c = topic.data[i];
    valid = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
            c == '_' || c == '-';
  }
  if (valid) return STATUS_OK;
  config_error_set(error,
                   "%.120s: a topic's name is 1 to 249 letters, digits, dots, underscores and hyphens, "
                   "neither \".\" nor \"..\"",
                   name);
  return STATUS_INVALID_SETTING;
}

static struct topic_values *topic_find(const struct config *config, struct bytes topic) {
  for (uint32_t i = 0; i < config->topic_count; i++) {
    if (bytes_equal(bytes_of_string(config->topics[i].name), topic)) return &config->topics[i];
  }
  return NULL;
}

static int32_t topic_add(struct config *config, struct bytes topic, struct topic_values **added) {
  char *name = allocator_copy_text(topic.data, topic.size);
  if (name == NULL) return STATUS_OUT_OF_MEMORY;
  size_t bytes = (config->topic_count + 1) * sizeof(struct topic_values);
  struct topic_values *topics = allocator_reallocate(config->topics, bytes);
  if (topics == NULL) {
    allocator_free(name);
    return STATUS_OUT_OF_MEMORY;
  }
  config->topics = topics;
  topics[config->topic_count] = (struct topic_values){.name = name};
  *added = &topics[config->topic_count++];
  return STATUS_OK;
}

static int32_t values_copy(struct secret *const *from, struct secret **to) {
  for (uint32_t i = 0; i < SETTING_COUNT; i++) {
    if (from[i] == NULL) continue;
    to[i] = secret_copy(from[i]);
    if (to[i] == NULL) return STATUS_OUT_OF_MEMORY;
  }
  return STATUS_OK;
}

static void values_free(struct secret **values) {
  for (uint32_t i = 0; i < SETTING_COUNT; i++)
    secret_destroy(values[i]);
}

static struct secret *copy_trimmed(const char *text) {
  static const char spaces[] = " \t\r\n\f\v";
  text += strspn(text, spaces);
  size_t size = strlen(text);
  while (size > 0 && strchr(spaces, text[size - 1]) != NULL)
    size--;
  return secret_create(bytes_of(text, size));
}
