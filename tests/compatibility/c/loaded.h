/* A library that is loaded while the program runs, and what these programs call of it. */
#ifndef COMPATIBILITY_C_LOADED_H
#define COMPATIBILITY_C_LOADED_H

#include <dlfcn.h>
#include <sendoff/sendoff.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 60000 };

#define LOADED_FUNCTIONS(each)                                                                               \
  each(config_create) each(config_set) each(config_destroy) each(create) each(send) each(flush) each(close)  \
      each(destroy) each(status_name)

struct loaded {
  void *handle;
#define POINTER(name) __typeof__(sendoff_##name) *name;
  LOADED_FUNCTIONS(POINTER)
#undef POINTER
};

/* Ends the program unless the condition holds. */
static inline void loaded_expect(int condition, const char *what, const char *why) {
  if (condition) return;
  (void)fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static inline void loaded_expect_status(const struct loaded *library, const char *call, int32_t status,
                                        int32_t wanted) {
  loaded_expect(status == wanted, call, library->status_name(status));
}

static inline struct loaded loaded_open(const char *path, int flags) {
  struct loaded library = {.handle = dlopen(path, RTLD_NOW | flags)};
  loaded_expect(library.handle != NULL, path, library.handle == NULL ? dlerror() : "");
#define FIND(name)                                                                                           \
  *(void **)&library.name = dlsym(library.handle, "sendoff_" #name);                                         \
  loaded_expect(library.name != NULL, path, "has no sendoff_" #name);
  LOADED_FUNCTIONS(FIND)
#undef FIND
  return library;
}

/* Settings are names and values in turn, ended by NULL. */
static inline sendoff_producer *loaded_create(const struct loaded *library, const char *const *settings) {
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  char error[256] = "";
  loaded_expect_status(library, "config_create", library->config_create(&config), SENDOFF_OK);
  for (; *settings != NULL; settings += 2)
    loaded_expect(library->config_set(config, settings[0], settings[1], error, sizeof error) == SENDOFF_OK,
                  settings[0], error);
  loaded_expect(library->create(config, NULL, &producer, error, sizeof error) == SENDOFF_OK, "create", error);
  library->config_destroy(config);
  return producer;
}

static inline int32_t loaded_send(const struct loaded *library, sendoff_producer *producer, const char *topic,
                                  const char *value) {
  const sendoff_record record = {
      .size = sizeof record, .topic = topic, .value = value, .value_bytes = strlen(value)};
  return library->send(producer, &record);
}

#endif
