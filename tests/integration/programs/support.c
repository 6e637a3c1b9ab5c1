#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void fail(const char *what, const char *why) {
  (void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
  _exit(2);
}

void expect_ok(int32_t status, const char *what) {
  if (status != SENDOFF_OK) fail(what, sendoff_status_name(status));
}

int64_t now_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void sleep_us(int64_t duration_us) {
  struct timespec duration = {.tv_sec = duration_us / 1000000, .tv_nsec = duration_us % 1000000 * 1000};
  while (nanosleep(&duration, &duration) != 0 && errno == EINTR) {
  }
}

uint64_t parse_count(const char *text) {
  char *end;
  errno = 0;
  uint64_t count = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || *text == '-') fail(text, "is not a number");
  return count;
}

sendoff_config *config_of(const char *bootstrap, char *const *settings, int count) {
  sendoff_config *config;
  char error[512] = "";
  expect_ok(sendoff_config_create(&config), "config");
  if (sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error) != SENDOFF_OK)
    fail("bootstrap.servers", error);
  for (int i = 0; i < count; i++) {
    char name[256];
    const char *equals = strchr(settings[i], '=');
    if (equals == NULL || (size_t)(equals - settings[i]) >= sizeof name)
      fail(settings[i], "is not name=value");
    size_t name_bytes = (size_t)(equals - settings[i]);
    memcpy(name, settings[i], name_bytes);
    name[name_bytes] = '\0';
    if (sendoff_config_set(config, name, equals + 1, error, sizeof error) != SENDOFF_OK)
      fail(settings[i], error);
  }
  return config;
}

sendoff_producer *producer_of(const char *bootstrap, char *const *settings, int count,
                              const sendoff_callbacks *callbacks) {
  sendoff_config *config = config_of(bootstrap, settings, count);
  sendoff_producer *producer;
  char error[512] = "";
  if (sendoff_create(config, callbacks, &producer, error, sizeof error) != SENDOFF_OK) fail("create", error);
  sendoff_config_destroy(config);
  return producer;
}

struct text map_text(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0 || status.st_size == 0) fail(path, "cannot be read, or is empty");
  void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) fail(path, strerror(errno));
  (void)close(file);
  return (struct text){bytes, (size_t)status.st_size};
}

struct text next_line(struct text text, size_t *at) {
  if (*at >= text.size) return (struct text){NULL, 0};
  const char *line = text.bytes + *at;
  const char *end = memchr(line, '\n', text.size - *at);
  size_t size = end == NULL ? text.size - *at : (size_t)(end - line);
  *at += size + 1;
  return (struct text){line, size};
}

struct text key_of_line(struct text line) {
  static const char mark[] = " key=";
  const char *key = memmem(line.bytes, line.size, mark, sizeof mark - 1);
  if (key == NULL) fail("input", "a line has no key");
  key += sizeof mark - 1;
  size_t rest = (size_t)(line.bytes + line.size - key);
  const char *end = memchr(key, ' ', rest);
  return (struct text){key, end == NULL ? rest : (size_t)(end - key)};
}
