#include "cli/client.h"

#include "base/clock.h"
#include "base/status.h"
#include "cli/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ERROR_BYTES = 512, NAME_BYTES = 256, VALUE_BYTES = 256, SHUTDOWN_MS_DEFAULT = 5000 };
enum { PAUSE_NS = 1000000, TEXT_COLUMNS = 96 };

static int set_named(struct client *client, const char *name, const char *value);
static int set_pair(struct client *client, const char *pair);
static int load_file(struct client *client, const char *path);
static int refuse_status(const struct client *client, int32_t status, const char *error);
static int check_settings(const struct client *client);
static bool setting_is(const struct client *client, const char *name, const char *value);
static void print_settings(void);
static bool is_wait_over(int32_t status);
static void close_producer(struct client *client);
static void forward_reports(void *user, const sendoff_report *reports, size_t count);
static void wake(void *user);
static void tick(void *user);
static void note_release(void *user);
static void print_wrapped(const char *text);

int client_init(struct client *client, const struct command *command) {
  *client = (struct client){.command = command};
  lock_init(&client->lock);
  int32_t status = condition_init(&client->released);
  if (status == STATUS_OK) status = sendoff_config_create(&client->config);
  return status == SENDOFF_OK ? EXIT_SUCCESS : refuse_status(client, status, "");
}

int client_load_files(struct client *client, int argc, char **argv, bool *is_answered) {
  struct option_reader reader;
  option_reader_init(&reader, client->command, argc, argv);
  const char *value;
  int option;
  while ((option = option_reader_next(&reader, &value)) != OPTION_END) {
    int result = EXIT_SUCCESS;
    if (option == OPTION_BAD) return EXIT_USAGE;
    if (option == OPTION_HELP) {
      *is_answered = true;
      return command_print_help(client->command);
    }
    if (option == CLIENT_SETTING && strcmp(value, "list") == 0) {
      *is_answered = true;
      print_settings();
      return EXIT_SUCCESS;
    }
    if (option == CLIENT_FILE) result = load_file(client, value);
    if (result != EXIT_SUCCESS) return result;
  }
  return EXIT_SUCCESS;
}

int client_take_option(struct client *client, int option, const char *value) {
  int64_t partition;
  switch (option) {
  case CLIENT_BROKERS: return set_named(client, "bootstrap.servers", value);
  case CLIENT_CODEC: return set_named(client, "compression.type", value);
  case CLIENT_SETTING: return set_pair(client, value);
  case CLIENT_TOPIC: client->topic = value; return EXIT_SUCCESS;
  case CLIENT_PARTITION:
    if (!command_read_number(client->command, "--partition", value, 0, INT32_MAX, &partition))
      return EXIT_USAGE;
    client->partition = (int32_t)partition;
    client->has_partition = true;
    return EXIT_SUCCESS;
  default: return EXIT_SUCCESS; /* CLIENT_FILE: client_load_files had it */
  }
}

static int set_named(struct client *client, const char *name, const char *value) {
  char error[ERROR_BYTES] = "";
  int32_t status = sendoff_config_set(client->config, name, value, error, sizeof error);
  return status == SENDOFF_OK ? EXIT_SUCCESS : refuse_status(client, status, error);
}

static int set_pair(struct client *client, const char *pair) {
  char name[NAME_BYTES];
  size_t name_bytes = strcspn(pair, "=");
  if (pair[name_bytes] == '\0' || name_bytes == 0) {
    return command_refuse(client->command, "-X takes NAME=VALUE, as in -X linger.ms=100, not '%s'", pair);
  }
  if (name_bytes >= sizeof name) {
    return command_refuse(client->command, "-X: no setting has a name as long as '%.60s...'", pair);
  }
  memcpy(name, pair, name_bytes);
  name[name_bytes] = '\0';
  return set_named(client, name, pair + name_bytes + 1);
}

static int load_file(struct client *client, const char *path) {
  char error[ERROR_BYTES] = "";
  int32_t status = sendoff_config_load_file(client->config, path, error, sizeof error);
  return status == SENDOFF_OK ? EXIT_SUCCESS : refuse_status(client, status, error);
}

static int refuse_status(const struct client *client, int32_t status, const char *error) {
  return command_refuse(client->command, "%s", error[0] != '\0' ? error : sendoff_status_text(status));
}

int client_open(struct client *client, const struct client_events *events) {
  int result = check_settings(client);
  if (result != EXIT_SUCCESS) return result;
  client->events = *events;
  sendoff_callbacks callbacks = {.size = sizeof callbacks,
                                 .user = client,
                                 .release = note_release,
                                 .on_reports = forward_reports,
                                 .on_log = console_log};
  char error[ERROR_BYTES] = "";
  int32_t status = sendoff_create(client->config, &callbacks, &client->producer, error, sizeof error);
  if (status != SENDOFF_OK) return refuse_status(client, status, error);
  status = sendoff_topic(client->producer, client->topic, &client->topic_id);
  if (status != SENDOFF_OK) {
    close_producer(client);
    return command_refuse(client->command, "-t %s: %s", client->topic, sendoff_status_text(status));
  }
  struct watcher_callbacks watching = {
      .user = client, .on_wake = wake, .on_tick = events->on_tick ? tick : NULL};
  int64_t grace_ms = client_number_setting(client, "shutdown.timeout.ms", SHUTDOWN_MS_DEFAULT);
  int error_number = watcher_start(&client->watcher, &watching, CLIENT_TICK_MS, grace_ms);
  if (error_number != 0) {
    close_producer(client);
    console_print("cannot start a thread: %s", console_error_text(error_number, error, sizeof error));
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

static int check_settings(const struct client *client) {
  if (client->topic == NULL) {
    return command_refuse(client->command, "say where to send with -t TOPIC");
  }
  if (setting_is(client, "bootstrap.servers", "")) {
    return command_refuse(client->command, "say where the brokers are with -b HOST:PORT");
  }
  if (setting_is(client, "delivery.report.mode", "queue") ||
      setting_is(client, "delivery.report.mode", "none")) {
    return command_refuse(client->command, "the command needs its reports: leave delivery.report.mode out");
  }
  return EXIT_SUCCESS;
}

static bool setting_is(const struct client *client, const char *name, const char *value) {
  char actual[VALUE_BYTES] = "";
  int32_t status = sendoff_config_get(client->config, name, actual, sizeof actual, NULL);
  return status == SENDOFF_OK && strcmp(actual, value) == 0;
}

sendoff_record client_record(const struct client *client) {
  uint32_t partition_bit = client->has_partition ? SENDOFF_SET_PARTITION : 0;
  return (sendoff_record){.size = sizeof(sendoff_record),
                          .set = SENDOFF_SET_TOPIC_ID | partition_bit,
                          .topic_id = client->topic_id,
                          .partition = client->partition};
}

int64_t client_number_setting(const struct client *client, const char *name, int64_t otherwise) {
  char text[VALUE_BYTES] = "";
  int32_t status = sendoff_config_get(client->config, name, text, sizeof text, NULL);
  char *end = text;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  /* Settings in milliseconds may have decimals. */
  bool is_number = status == SENDOFF_OK && end != text && (*end == '\0' || *end == '.') && errno == 0;
  return is_number ? number : otherwise;
}

int32_t client_send_again(struct client *client, const sendoff_record *record, int32_t status) {
  while (is_wait_over(status) && watcher_state(&client->watcher) != RUN_ABANDONED) {
    /* Whoever sets max.block.ms to nothing would have a busy loop here. */
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    status = sendoff_send(client->producer, record);
  }
  return status;
}

/* The record was refused only because of the moment. */
static bool is_wait_over(int32_t status) {
  return status == SENDOFF_BUFFER_FULL || status == SENDOFF_PARTITION_BUFFER_FULL ||
         status == SENDOFF_REPORTS_UNREAD || status == SENDOFF_INTERRUPTED;
}

void client_flush(struct client *client) {
  int32_t status;
  do {
    status = sendoff_flush(client->producer, -1, NULL);
  } while (status == SENDOFF_INTERRUPTED && watcher_state(&client->watcher) != RUN_ABANDONED);
}

void client_close(struct client *client) {
  close_producer(client);
  watcher_stop(&client->watcher);
}

static void close_producer(struct client *client) {
  sendoff_close(client->producer, 0);
  sendoff_destroy(client->producer);
  client_guard_acquire(client);
  while (!client->is_released)
    client_guard_wait(client, &client->released, CLOCK_NEVER_US);
  client_guard_release(client);
}

void client_deinit(struct client *client) {
  sendoff_config_destroy(client->config);
  condition_deinit(&client->released);
  lock_deinit(&client->lock);
}

static void forward_reports(void *user, const sendoff_report *reports, size_t count) {
  struct client *client = user;
  client->events.on_reports(client->events.user, reports, count);
}

static void wake(void *user) {
  struct client *client = user;
  sendoff_wake(client->producer);
}

static void tick(void *user) {
  struct client *client = user;
  client->events.on_tick(client->events.user);
}

static void note_release(void *user) {
  struct client *client = user;
  client_guard_acquire(client);
  client->is_released = true;
  condition_signal(&client->released);
  client_guard_release(client);
}

/* One setting a line, then what it does; names that only stand for others are left out. */
static void print_settings(void) {
  uint32_t count = 0;
  sendoff_setting_count(&count);
  for (uint32_t i = 0; i < count; i++) {
    sendoff_setting setting = {.size = sizeof setting};
    if (sendoff_setting_at(i, &setting) != SENDOFF_OK || setting.alias_of != NULL) continue;
    if ((setting.flags & SENDOFF_SETTING_NO_MEANING) != 0) continue;
    printf("%s=%s  (%s%s%s)\n", setting.name, setting.default_value != NULL ? setting.default_value : "",
           setting.type, setting.range != NULL ? ", " : "", setting.range != NULL ? setting.range : "");
    print_wrapped(setting.text);
  }
}

/* Prints text indented, in lines of at most TEXT_COLUMNS, broken at blanks. */
static void print_wrapped(const char *text) {
  while (*text != '\0') {
    size_t count = strlen(text);
    if (count > TEXT_COLUMNS) {
      count = TEXT_COLUMNS;
      while (count > 0 && text[count] != ' ')
        count--;
      if (count == 0) count = strcspn(text, " ");
    }
    printf("    %.*s\n", (int)count, text);
    text += count;
    text += strspn(text, " ");
  }
}
