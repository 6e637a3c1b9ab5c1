#include "producer/config_providers.h"

#include "base/allocator.h"
#include "base/status.h"
#include "producer/properties.h"
#include "producer/secret_file.h"
#include "producer/setting_value.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The order is that of config.providers's values. */
enum provider { PROVIDER_ENV, PROVIDER_FILE, PROVIDER_DIRECTORY, PROVIDER_COUNT };

enum { REFERENCE_SHOWN_BYTES = 160 };

static const char *const provider_names[PROVIDER_COUNT] = {"env", "file", "directory"};

struct lookup {
  const struct config *config;
  const struct log *log;
  struct config_sources *sources;
  int64_t providers; /* a bit for each that is switched on */
};

/* One ${provider:path:key}, all parts within the value. Java allows no '}' in it, and takes what stands
 * before the first ':' for the path if there is another. */
struct reference {
  enum provider provider;
  struct bytes path, key;
  const char *name;  /* of the setting */
  struct bytes text; /* from "${" to "}" */
};

static int32_t expand(void *context, const char *name, const char *text, struct secret **expanded,
                      struct config_error *error);
static bool reference_find(const char *text, struct reference *reference);
static int32_t append(struct secret **to, struct bytes bytes);
static int32_t look_up(const struct lookup *lookup, const struct reference *reference, struct secret **found,
                       struct config_error *error);
static int32_t look_up_env(const struct reference *reference, struct secret **found,
                           struct config_error *error);
static int32_t look_up_file(const struct lookup *lookup, const struct reference *reference,
                            struct secret **found, struct config_error *error);
static int32_t look_up_directory(const struct lookup *lookup, const struct reference *reference,
                                 struct secret **found, struct config_error *error);

int32_t config_providers_resolve(const struct config *config, const struct log *log,
                                 struct config_sources *sources, struct config **resolved,
                                 struct config_error *error) {
  struct lookup lookup = {.config = config, .log = log, .sources = sources};
  const char *providers = config_value(config, SETTING_CONFIG_PROVIDERS);
  bool allowed =
      providers == NULL || setting_value_read(SETTING_CONFIG_PROVIDERS, providers, &lookup.providers);
  struct config *copy = NULL;
  int32_t status = allowed ? config_copy(config, &copy) : STATUS_INVALID_SETTING;
  struct config_expansion expansion = {.expand = expand, .context = &lookup};
  if (status == STATUS_OK) status = config_expand(copy, &expansion, error);
  if (status == STATUS_OUT_OF_MEMORY) config_error_set(error, "%s", status_text(status));
  if (status != STATUS_OK) {
    config_destroy(copy);
    if (sources != NULL) config_sources_deinit(sources);
    return status;
  }
  *resolved = copy;
  return STATUS_OK;
}

void config_sources_deinit(struct config_sources *sources) {
  for (uint32_t i = 0; i < sources->count; i++)
    allocator_free(sources->paths[i]);
  allocator_free(sources->paths);
  *sources = (struct config_sources){.paths = NULL};
}

/* The text with all references in it looked up, once: what they give is not searched for others. */
static int32_t expand(void *context, const char *name, const char *text, struct secret **expanded,
                      struct config_error *error) {
  const struct lookup *lookup = context;
  struct secret *result = secret_allocate(0);
  int32_t status = result == NULL ? STATUS_OUT_OF_MEMORY : STATUS_OK;
  struct reference reference = {.name = name};
  while (status == STATUS_OK && reference_find(text, &reference)) {
    size_t before = (size_t)((const char *)reference.text.data - text);
    status = append(&result, bytes_of(text, before));
    struct secret *found = NULL;
    if (status == STATUS_OK && (lookup->providers >> reference.provider & 1) == 0) {
      status = append(&result, reference.text);
    } else if (status == STATUS_OK) {
      status = look_up(lookup, &reference, &found, error);
      if (status == STATUS_OK) status = append(&result, secret_bytes(found));
    }
    secret_destroy(found);
    text += before + reference.text.size;
  }
  if (status == STATUS_OK) status = append(&result, bytes_of_string(text));
  if (status == STATUS_OK) {
    *expanded = result;
  } else {
    secret_destroy(result);
  }
  return status;
}

static bool reference_read(const char *text, size_t size, struct reference *reference) {
  for (int provider = 0; provider < PROVIDER_COUNT; provider++) {
    size_t name_size = strlen(provider_names[provider]);
    if (size <= name_size || memcmp(text, provider_names[provider], name_size) != 0) continue;
    if (text[name_size] != ':') continue;
    const char *path = text + name_size + 1;
    size_t rest = size - name_size - 1;
    const char *colon = memchr(path, ':', rest);
    size_t path_size = colon == NULL ? 0 : (size_t)(colon - path);
    size_t key_at = colon == NULL ? 0 : path_size + 1;
    reference->provider = (enum provider)provider;
    reference->path = bytes_of(path, path_size);
    reference->key = bytes_of(path + key_at, rest - key_at);
    return true;
  }
  return false;
}

/* The next reference to a provider that there is. */
static bool reference_find(const char *text, struct reference *reference) {
  for (const char *start = strstr(text, "${"); start != NULL; start = strstr(start + 2, "${")) {
    const char *end = strchr(start, '}');
    if (end == NULL) return false;
    reference->text = bytes_of(start, (size_t)(end - start) + 1);
    if (reference_read(start + 2, (size_t)(end - start) - 2, reference)) return true;
  }
  return false;
}

static int32_t append(struct secret **to, struct bytes bytes) {
  struct bytes old = secret_bytes(*to);
  struct secret *joined = secret_allocate(old.size + bytes.size);
  if (joined == NULL) return STATUS_OUT_OF_MEMORY;
  if (old.size > 0) memcpy(secret_data(joined), old.data, old.size);
  if (bytes.size > 0) memcpy(secret_data(joined) + old.size, bytes.data, bytes.size);
  secret_destroy(*to);
  *to = joined;
  return STATUS_OK;
}

static int32_t refuse(const struct reference *reference, const char *reason, struct config_error *error) {
  size_t shown = reference->text.size < REFERENCE_SHOWN_BYTES ? reference->text.size : REFERENCE_SHOWN_BYTES;
  config_error_set(error, "%.120s: %.*s: %.200s", reference->name, (int)shown,
                   (const char *)reference->text.data, reason);
  return STATUS_INVALID_SETTING;
}

static int32_t look_up(const struct lookup *lookup, const struct reference *reference, struct secret **found,
                       struct config_error *error) {
  int32_t status = STATUS_OK;
  switch (reference->provider) {
  case PROVIDER_ENV: status = look_up_env(reference, found, error); break;
  case PROVIDER_FILE: status = look_up_file(lookup, reference, found, error); break;
  case PROVIDER_DIRECTORY: status = look_up_directory(lookup, reference, found, error); break;
  case PROVIDER_COUNT: break;
  }
  if (status != STATUS_OK) return status;
  if (memchr(secret_bytes(*found).data, '\0', secret_bytes(*found).size) == NULL) return STATUS_OK;
  return refuse(reference, "what stands there has a zero byte", error);
}

static int32_t look_up_env(const struct reference *reference, struct secret **found,
                           struct config_error *error) {
  char *name = allocator_copy_text(reference->key.data, reference->key.size);
  if (name == NULL) return STATUS_OUT_OF_MEMORY;
  const char *value = getenv(name);
  allocator_free(name);
  if (value == NULL) return refuse(reference, "the environment has no variable of that name", error);
  *found = secret_create(bytes_of_string(value));
  return *found == NULL ? STATUS_OUT_OF_MEMORY : STATUS_OK;
}

/* Whether a path is within an allowed one. Both are as realpath gives them. */
static bool is_within(const char *path, const char *allowed) {
  size_t size = strlen(allowed);
  if (strncmp(path, allowed, size) != 0) return false;
  return path[size] == '\0' || path[size] == '/' || (size > 0 && allowed[size - 1] == '/');
}

/* Whether the list of a provider's allowed paths, if there is one, has a path or a folder above it. */
static int32_t check_allowed(const struct lookup *lookup, const struct reference *reference,
                             enum setting setting, const char *path, struct config_error *error) {
  const char *list = config_value(lookup->config, setting);
  if (list == NULL || *list == '\0') return STATUS_OK;
  for (const char *cursor = list + strspn(list, ", \t"); *cursor != '\0'; cursor += strspn(cursor, ", \t")) {
    size_t end = strcspn(cursor, ","), size = end;
    while (cursor[size - 1] == ' ' || cursor[size - 1] == '\t')
      size--;
    char allowed[PATH_MAX], real[PATH_MAX];
    (void)snprintf(allowed, sizeof(allowed), "%.*s", (int)size, cursor);
    cursor += end;
    bool exists = allowed[0] == '/' && realpath(allowed, real) != NULL;
    if (!exists) {
      config_error_set(error, "%s: %.200s is no absolute path of something that is there",
                       setting_row(setting)->name, allowed);
      return STATUS_INVALID_SETTING;
    }
    if (is_within(path, real)) return STATUS_OK;
  }
  char reason[160];
  (void)snprintf(reason, sizeof(reason), "%s does not allow that path", setting_row(setting)->name);
  return refuse(reference, reason, error);
}

static int32_t note_source(const struct lookup *lookup, const char *path) {
  struct config_sources *sources = lookup->sources;
  if (sources == NULL) return STATUS_OK;
  for (uint32_t i = 0; i < sources->count; i++) {
    if (strcmp(sources->paths[i], path) == 0) return STATUS_OK;
  }
  char *copy = allocator_copy_string(path);
  if (copy == NULL) return STATUS_OUT_OF_MEMORY;
  char **paths = allocator_reallocate(sources->paths, (sources->count + 1) * sizeof(*paths));
  if (paths == NULL) {
    allocator_free(copy);
    return STATUS_OUT_OF_MEMORY;
  }
  sources->paths = paths;
  paths[sources->count++] = copy;
  return STATUS_OK;
}

/* The content of a file that the provider may read. */
static int32_t read_allowed(const struct lookup *lookup, const struct reference *reference,
                            enum setting allowed_paths, const char *path, struct secret **content,
                            struct config_error *error) {
  char real[PATH_MAX];
  if (realpath(path, real) == NULL) return refuse(reference, "there is no file of that name", error);
  int32_t status = check_allowed(lookup, reference, allowed_paths, real, error);
  if (status != STATUS_OK) return status;
  struct secret_file file;
  struct config_error fault = {.text = ""};
  status = secret_file_read(real, SECRET_FILE_REGULAR, &file, &fault);
  if (status == STATUS_FILE_UNREADABLE) {
    const char *reason = strrchr(fault.text, ':'); /* behind the path, which the reference has */
    (void)refuse(reference, reason == NULL ? fault.text : reason + 2, error);
  }
  if (status != STATUS_OK) return status;
  if (lookup->log != NULL && file.is_open_to_others) {
    LOG(lookup->log, LOG_LEVEL_WARNING,
        "%s: others may read the file %s (its mode is %04o): chmod 600 keeps it to you", reference->name,
        path, (unsigned)file.mode);
  }
  status = note_source(lookup, path);
  if (status == STATUS_OK) {
    *content = file.content;
  } else {
    secret_destroy(file.content);
  }
  return status;
}

/* The last property of that name, as in Java. */
static int32_t find_property(const struct reference *reference, struct bytes text, struct secret **found,
                             struct config_error *error) {
  struct properties properties;
  int32_t status = properties_init(&properties, text);
  if (status != STATUS_OK) return status;
  struct config_error fault = {.text = ""};
  bool more = true;
  while (more) {
    struct property property;
    status = properties_next(&properties, &property, &more, &fault);
    if (status != STATUS_OK) {
      status = refuse(reference, fault.text, error);
      break;
    }
    if (!more || !bytes_equal(bytes_of_string(property.name), reference->key)) continue;
    secret_destroy(*found);
    *found = secret_create(bytes_of_string(property.value));
    if (*found == NULL) status = STATUS_OUT_OF_MEMORY;
    if (*found == NULL) break;
  }
  properties_deinit(&properties);
  if (status == STATUS_OK && *found == NULL) return refuse(reference, "the file has no such key", error);
  return status;
}

static int32_t look_up_file(const struct lookup *lookup, const struct reference *reference,
                            struct secret **found, struct config_error *error) {
  if (reference->path.size == 0 || reference->key.size == 0)
    return refuse(reference, "it needs a path and a key, as in ${file:/path:key}", error);
  char *path = allocator_copy_text(reference->path.data, reference->path.size);
  if (path == NULL) return STATUS_OUT_OF_MEMORY;
  struct secret *content = NULL;
  int32_t status =
      read_allowed(lookup, reference, SETTING_CONFIG_PROVIDERS_FILE_PATHS, path, &content, error);
  if (status == STATUS_OK) status = find_property(reference, secret_bytes(content), found, error);
  secret_destroy(content);
  allocator_free(path);
  return status;
}

/* A file right in the folder: a name with a slash in it would lead elsewhere. */
static int32_t look_up_directory(const struct lookup *lookup, const struct reference *reference,
                                 struct secret **found, struct config_error *error) {
  struct bytes key = reference->key;
  bool is_name = key.size > 0 && memchr(key.data, '/', key.size) == NULL &&
                 !bytes_equal(key, bytes_of("..", 2)) && !bytes_equal(key, bytes_of(".", 1));
  if (reference->path.size == 0 || !is_name)
    return refuse(reference, "it needs a path and a file's name, as in ${directory:/path:name}", error);
  size_t size = reference->path.size + 1 + key.size;
  char *path = allocator_allocate(size + 1);
  if (path == NULL) return STATUS_OUT_OF_MEMORY;
  (void)snprintf(path, size + 1, "%.*s/%.*s", (int)reference->path.size, (const char *)reference->path.data,
                 (int)key.size, (const char *)key.data);
  int32_t status =
      read_allowed(lookup, reference, SETTING_CONFIG_PROVIDERS_DIRECTORY_PATHS, path, found, error);
  allocator_free(path);
  return status;
}
