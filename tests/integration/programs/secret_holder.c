/* secret_holder FOLDER
 * Runs a producer for each file of settings in FOLDER, all at once, and keeps no copy of what it read, so
 * that whatever of a secret is found in its memory is the library's. The files: *.properties are read by the
 * library; *.settings have "name=value" with a zero byte behind each, and *.next such that change them when
 * credentials are loaded anew; token is handed over where one is wanted, environment is "NAME=VALUE", and
 * canary is a secret that the program does keep in memory. What the library says in log lines, events,
 * errors, settings and counters goes to FOLDER/said. Prints "NAME delivered COUNT" for each producer, then
 * "running", and when a line was read from standard input and everything is closed, "closed"; ends after
 * another line.
 */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PRODUCERS_MAX = 24, RECORDS = 50, PATH_BYTES = 512, LINE_BYTES = 4096, TOKEN_LIFE_MS = 3600000 };
enum { CONNECT_MS = 1000, FLUSH_MS = 30000, CLOSE_MS = 10000 };

struct holder {
  const char *folder;
  char name[64];
  sendoff_config *config;
  sendoff_producer *producer;
};

static int said;

static void say(const char *kind, const char *text) {
  char line[LINE_BYTES];
  int size = snprintf(line, sizeof line, "%s: %s\n", kind, text);
  if (size >= (int)sizeof line) size = sizeof line - 1;
  if (write(said, line, (size_t)size) != size) fail("said", strerror(errno));
}

/* ---- files, in memory of their own that is wiped ---- */

struct file {
  char *bytes;
  size_t size, mapped;
};

static struct file read_file(const char *folder, const char *name) {
  char path[PATH_BYTES];
  struct stat status;
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || fstat(descriptor, &status) != 0) fail(path, strerror(errno));
  struct file file = {.size = (size_t)status.st_size, .mapped = (size_t)status.st_size + 1};
  file.bytes = mmap(NULL, file.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (file.bytes == MAP_FAILED) fail(path, strerror(errno));
  if (read(descriptor, file.bytes, file.size) != (ssize_t)file.size) fail(path, "cannot be read");
  (void)close(descriptor);
  return file;
}

static void wipe_file(struct file *file) {
  explicit_bzero(file->bytes, file->mapped);
  (void)munmap(file->bytes, file->mapped);
}

/* ---- producers ---- */

static void on_log(void *user, int32_t level, const char *line) {
  (void)level;
  say(((struct holder *)user)->name, line);
}

static void on_token_wanted(void *user) {
  struct holder *holder = user;
  struct file file = read_file(holder->folder, "token");
  char error[LINE_BYTES] = "";
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  sendoff_token token = {.size = sizeof token,
                         .value = file.bytes,
                         .principal = "alice",
                         .expires_ms = (int64_t)now.tv_sec * 1000 + TOKEN_LIFE_MS};
  if (sendoff_set_token(holder->producer, &token, error, sizeof error) != SENDOFF_OK) say("set_token", error);
  wipe_file(&file);
}

static void set_all(sendoff_config *config, const char *folder, const char *name) {
  struct file file = read_file(folder, name);
  char error[LINE_BYTES] = "";
  for (char *at = file.bytes; at < file.bytes + file.size; at += strlen(at) + 1) {
    char *equals = strchr(at, '=');
    if (equals == NULL) fail(name, "is not name=value");
    *equals = '\0';
    if (sendoff_config_set(config, at, equals + 1, error, sizeof error) != SENDOFF_OK) fail(name, error);
    *equals = '=';
  }
  wipe_file(&file);
}

static bool has_end(const char *name, const char *end) {
  size_t size = strlen(name), end_size = strlen(end);
  return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static void start(struct holder *holder, const char *file) {
  char error[LINE_BYTES] = "";
  char path[PATH_BYTES];
  (void)snprintf(holder->name, sizeof holder->name, "%.*s", (int)(strrchr(file, '.') - file), file);
  expect_ok(sendoff_config_create(&holder->config), "config");
  (void)snprintf(path, sizeof path, "%s/%s", holder->folder, file);
  if (has_end(file, ".settings"))
    set_all(holder->config, holder->folder, file);
  else if (sendoff_config_load_file(holder->config, path, error, sizeof error) != SENDOFF_OK)
    fail(path, error);
  sendoff_callbacks callbacks = {
      .size = sizeof callbacks, .user = holder, .on_log = on_log, .on_token_wanted = on_token_wanted};
  if (sendoff_create(holder->config, &callbacks, &holder->producer, error, sizeof error) != SENDOFF_OK)
    fail(file, error);
}

static uint32_t start_all(struct holder *holders, const char *folder) {
  uint32_t count = 0;
  DIR *directory = opendir(folder);
  if (directory == NULL) fail(folder, strerror(errno));
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    if (!has_end(entry->d_name, ".settings") && !has_end(entry->d_name, ".properties")) continue;
    if (count == PRODUCERS_MAX) fail(folder, "has too many files");
    holders[count].folder = folder;
    start(&holders[count++], entry->d_name);
  }
  (void)closedir(directory);
  return count;
}

/* ---- what they do ---- */

static void send_records(struct holder *holder) {
  sendoff_record record = {.size = sizeof record, .topic = "secrets", .value = "value", .value_bytes = 5};
  for (int i = 0; i < RECORDS; i++)
    expect_ok(sendoff_send(holder->producer, &record), "send");
}

static void connect_and_flush(struct holder *holder) {
  char error[LINE_BYTES] = "";
  if (sendoff_connect(holder->producer, CONNECT_MS, error, sizeof error) != SENDOFF_OK) say("connect", error);
  (void)sendoff_flush(holder->producer, FLUSH_MS, NULL);
}

static void reload(struct holder *holder) {
  char error[LINE_BYTES] = "";
  char next[80], path[PATH_BYTES];
  int32_t status = sendoff_reload_credentials(holder->producer, NULL, error, sizeof error);
  say("reload", status == SENDOFF_OK ? "OK" : error);
  (void)snprintf(next, sizeof next, "%.60s.next", holder->name);
  (void)snprintf(path, sizeof path, "%s/%s", holder->folder, next);
  if (access(path, R_OK) != 0) return;
  set_all(holder->config, holder->folder, next);
  status = sendoff_reload_credentials(holder->producer, holder->config, error, sizeof error);
  say("reload of another configuration", status == SENDOFF_OK ? "OK" : error);
}

static void say_settings(const struct holder *holder) {
  uint32_t count;
  expect_ok(sendoff_setting_count(&count), "settings");
  for (uint32_t i = 0; i < count; i++) {
    sendoff_setting setting = {.size = sizeof setting};
    char value[LINE_BYTES] = "";
    expect_ok(sendoff_setting_at(i, &setting), "setting");
    if (sendoff_config_get(holder->config, setting.name, value, sizeof value, NULL) == SENDOFF_OK &&
        value[0] != '\0')
      say(setting.name, value);
  }
}

static void say_events(struct holder *holder) {
  sendoff_event event = {.size = sizeof event};
  while (sendoff_poll_event(holder->producer, &event, 0) == SENDOFF_OK)
    say("event", event.text);
}

static void print_delivered(const struct holder *holder) {
  sendoff_counters counters = {.size = sizeof counters};
  expect_ok(sendoff_get_counters(holder->producer, &counters), "counters");
  (void)printf("%s delivered %" PRIu64 "\n", holder->name, counters.records_delivered);
}

static void wait_for_line(const char *state) {
  (void)puts(state);
  (void)fflush(stdout);
  char byte = 0;
  while (byte != '\n' && read(STDIN_FILENO, &byte, 1) == 1) {
  }
}

static void run(struct holder *holders, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    send_records(&holders[i]);
  for (uint32_t i = 0; i < count; i++)
    connect_and_flush(&holders[i]);
  for (uint32_t i = 0; i < count; i++) {
    print_delivered(&holders[i]);
    reload(&holders[i]);
    say_settings(&holders[i]);
    say_events(&holders[i]);
  }
}

static void end(struct holder *holders, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    (void)sendoff_close(holders[i].producer, CLOSE_MS);
    say_events(&holders[i]);
    sendoff_destroy(holders[i].producer);
    sendoff_config_destroy(holders[i].config);
  }
}

/* ---- the program's own secrets ---- */

/* Returns the variable's value, which is the environment's own copy. */
static char *set_variable(const char *folder) {
  struct file file = read_file(folder, "environment");
  char *equals = strchr(file.bytes, '=');
  if (equals == NULL) fail("environment", "is not NAME=VALUE");
  *equals = '\0';
  if (setenv(file.bytes, equals + 1, 1) != 0) fail("environment", strerror(errno));
  char *value = getenv(file.bytes);
  wipe_file(&file);
  return value;
}

/* Keeps the secret in memory as a program does that knows nothing of secrets. */
static char *keep_canary(const char *folder) {
  struct file file = read_file(folder, "canary");
  char *copy = malloc(file.size);
  if (copy == NULL) fail("canary", "no memory");
  memcpy(copy, file.bytes, file.size);
  wipe_file(&file);
  return copy;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 2) fail("usage", "FOLDER");
  const char *folder = arguments[1];
  char path[PATH_BYTES];
  static struct holder holders[PRODUCERS_MAX];
  /* Where only parents may look into a program's memory, let the test's debugger, too. */
  (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  (void)snprintf(path, sizeof path, "%s/said", folder);
  said = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (said < 0) fail(path, strerror(errno));
  char *variable = set_variable(folder);
  char *canary = keep_canary(folder);
  uint32_t count = start_all(holders, folder);
  run(holders, count);
  explicit_bzero(variable, strlen(variable));
  wait_for_line("running");
  end(holders, count);
  wait_for_line("closed");
  free(canary);
  return 0;
}
