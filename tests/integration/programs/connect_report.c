/* connect_report WAIT_MS [OPTION ...] NAME=VALUE ...: makes a producer with these settings, waits until a
 * broker has answered or the first failure is known, and prints what came of it as lines of JSON: "set",
 * "create", "connect", "send", "report", "token" and "reload" have a status and the error, "event" and "log"
 * have a text, "counters" closes. Exits with 0 whatever came of it, with 2 if it could not be tried.
 *
 *   --events COUNT         waits until so many AUTHENTICATION_FAILED events have come
 *   --stay MS              goes on for so long before it ends
 *   --send TOPIC           sends one record before it connects and waits for its report
 *   --token TEXT           the token for OAUTHBEARER, whenever one is wanted
 *   --token-life MS        how long it is valid (an hour)
 *   --token-failure TEXT   says that there is none, and why
 *   --reload NAME=VALUE    afterwards, loads credentials with these settings changed, and connects again
 *
 * All waits together last WAIT_MS at most, --stay apart. Names that end with .test are this machine's. */
#include "support.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_BYTES = 2048, ROUND_MS = 100, RELOADS_MAX = 8 };

static const char nothing_yet[] = "no broker has answered yet";

struct options {
  int64_t deadline_us, stay_ms, token_life_ms;
  uint64_t events;
  const char *topic, *token, *token_failure;
  char *reloads[RELOADS_MAX];
  int reload_count;
  char **settings;
  int setting_count;
};

/* One line at a time: the library logs on threads of its own. */
static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;

static void print_string(const char *text) {
  (void)putchar('"');
  for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\')
      (void)printf("\\%c", *at);
    else if (*at < 0x20)
      (void)printf("\\u%04x", *at);
    else
      (void)putchar(*at);
  }
  (void)putchar('"');
}

static void print_line(const char *what, int32_t status, int64_t number, const char *text) {
  (void)pthread_mutex_lock(&output_lock);
  (void)printf("{\"what\": \"%s\", \"status\": \"%s\", \"number\": %lld, \"text\": ", what,
               sendoff_status_name(status), (long long)number);
  print_string(text);
  (void)puts("}");
  (void)fflush(stdout);
  (void)pthread_mutex_unlock(&output_lock);
}

static void print_log(void *user, int32_t level, const char *line) {
  (void)user;
  print_line("log", SENDOFF_OK, level, line);
}

static void print_reports(void *user, const sendoff_report *reports, size_t count) {
  (void)user;
  for (size_t i = 0; i < count; i++)
    print_line("report", reports[i].status, reports[i].latency_us / 1000,
               reports[i].outcome == SENDOFF_OUTCOME_NOT_DELIVERED ? "not delivered" : "another outcome");
}

static int64_t left_ms(const struct options *options) {
  int64_t left_us = options->deadline_us - now_us();
  return left_us > 0 ? left_us / 1000 : 0;
}

/* ---- Arguments ---- */

static const char *value_of(char **arguments, int count, int *at) {
  if (*at + 1 >= count) fail(arguments[*at], "needs a value");
  return arguments[++*at];
}

static void take_option(struct options *options, char **arguments, int count, int *at) {
  const char *name = arguments[*at];
  const char *value = value_of(arguments, count, at);
  if (strcmp(name, "--events") == 0)
    options->events = parse_count(value);
  else if (strcmp(name, "--stay") == 0)
    options->stay_ms = (int64_t)parse_count(value);
  else if (strcmp(name, "--send") == 0)
    options->topic = value;
  else if (strcmp(name, "--token") == 0)
    options->token = value;
  else if (strcmp(name, "--token-life") == 0)
    options->token_life_ms = strtoll(value, NULL, 10);
  else if (strcmp(name, "--token-failure") == 0)
    options->token_failure = value;
  else if (strcmp(name, "--reload") == 0 && options->reload_count < RELOADS_MAX)
    options->reloads[options->reload_count++] = arguments[*at];
  else
    fail(name, "is no option");
}

static struct options parse(int argument_count, char **arguments) {
  if (argument_count < 3) fail("usage", "WAIT_MS [OPTION ...] NAME=VALUE ...");
  struct options options = {.token_life_ms = 3600000};
  options.deadline_us = now_us() + (int64_t)parse_count(arguments[1]) * 1000;
  int at = 2;
  for (; at < argument_count && strncmp(arguments[at], "--", 2) == 0; at++)
    take_option(&options, arguments, argument_count, &at);
  options.settings = arguments + at;
  options.setting_count = argument_count - at;
  return options;
}

/* ---- What it does ---- */

/* False: a setting was refused, which was printed. */
static bool set_all(sendoff_config *config, char *const *settings, int count) {
  for (int i = 0; i < count; i++) {
    char error[TEXT_BYTES] = "";
    const char *equals = strchr(settings[i], '=');
    if (equals == NULL) fail(settings[i], "is not name=value");
    char *name = strndup(settings[i], (size_t)(equals - settings[i]));
    if (name == NULL) fail(settings[i], "no memory");
    int32_t status = sendoff_config_set(config, name, equals + 1, error, sizeof error);
    free(name);
    if (status == SENDOFF_OK) continue;
    print_line("set", status, i, error);
    return false;
  }
  return true;
}

static sendoff_config *make_config(const struct options *options) {
  sendoff_config *config;
  expect_ok(sendoff_config_create(&config), "config");
  if (set_all(config, options->settings, options->setting_count)) return config;
  sendoff_config_destroy(config);
  return NULL;
}

/* NULL: what was wrong is printed. */
static sendoff_producer *create(const struct options *options) {
  sendoff_config *config = make_config(options);
  if (config == NULL) return NULL;
  sendoff_callbacks callbacks = {.size = sizeof callbacks, .on_log = print_log, .on_reports = print_reports};
  sendoff_producer *producer = NULL;
  char error[TEXT_BYTES] = "";
  int32_t status = sendoff_create(config, &callbacks, &producer, error, sizeof error);
  sendoff_config_destroy(config);
  if (status != SENDOFF_OK) print_line("create", status, 0, error);
  return producer;
}

/* In the place of the C library's, for the library, too: names that no system has to know. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict host,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict result) {
  static const char ours[] = ".test";
  int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
  void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
  memcpy(&look_up, &symbol, sizeof look_up);
  if (look_up == NULL) fail("getaddrinfo", "is not in the C library");
  size_t size = host == NULL ? 0 : strlen(host);
  if (size > 0 && host[size - 1] == '.') size--;
  size_t end = sizeof ours - 1;
  bool is_ours = size > end && memcmp(host + size - end, ours, end) == 0;
  return look_up(is_ours ? "127.0.0.1" : host, service, hints, result);
}

struct token_giver {
  const struct options *options;
  sendoff_producer *producer;
};

/* The host of tokens: a thread that waits until one is wanted, until the producer is closed. */
static void *give_tokens(void *context) {
  const struct token_giver *giver = context;
  const struct options *options = giver->options;
  int32_t status;
  while ((status = sendoff_wait_token_wanted(giver->producer, -1)) == SENDOFF_OK) {
    char error[TEXT_BYTES] = "";
    if (options->token_failure != NULL) {
      status = sendoff_set_token_failure(giver->producer, options->token_failure);
    } else {
      struct timespec now;
      (void)clock_gettime(CLOCK_REALTIME, &now);
      int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
      sendoff_token token = {
          .size = sizeof token, .value = options->token, .expires_ms = now_ms + options->token_life_ms};
      status = sendoff_set_token(giver->producer, &token, error, sizeof error);
    }
    print_line("token", status, 0, error);
  }
  if (status != SENDOFF_CLOSED) print_line("token", status, 0, "the wait for a wanted token failed");
  return NULL;
}

static void send_one(const struct options *options, sendoff_producer *producer) {
  sendoff_record record = {.size = sizeof record, .topic = options->topic, .value = "v", .value_bytes = 1};
  print_line("send", sendoff_send(producer, &record), 0, "");
}

/* Ends with the first failure if it may, or at the deadline. */
static void connect_to_broker(const struct options *options, sendoff_producer *producer,
                              bool ends_by_failure) {
  char error[TEXT_BYTES];
  int32_t status;
  bool goes_on;
  do {
    error[0] = '\0';
    status = sendoff_connect(producer, ROUND_MS, error, sizeof error);
    goes_on = status == SENDOFF_TIMED_OUT && (!ends_by_failure || strcmp(error, nothing_yet) == 0);
  } while (goes_on && left_ms(options) > 0);
  print_line("connect", status, 0, error);
}

static void print_events(const struct options *options, sendoff_producer *producer) {
  sendoff_event event = {.size = sizeof event};
  uint64_t seen = 0;
  while (sendoff_poll_event(producer, &event, seen < options->events ? left_ms(options) : 0) == SENDOFF_OK) {
    if (event.kind == SENDOFF_EVENT_LOG) continue;
    if (event.kind == SENDOFF_EVENT_AUTHENTICATION_FAILED) seen++;
    print_line(event.kind == SENDOFF_EVENT_AUTHENTICATION_FAILED ? "event" : "another event", event.status,
               event.broker, event.text);
  }
}

static void reload(const struct options *options, sendoff_producer *producer) {
  sendoff_config *config = make_config(options);
  if (config == NULL || !set_all(config, options->reloads, options->reload_count))
    fail("reload", "no config");
  char error[TEXT_BYTES] = "";
  int32_t status = sendoff_reload_credentials(producer, config, error, sizeof error);
  sendoff_config_destroy(config);
  print_line("reload", status, 0, error);
  connect_to_broker(options, producer, status != SENDOFF_OK);
}

static void print_counters(sendoff_producer *producer) {
  sendoff_counters counters = {.size = sizeof counters};
  expect_ok(sendoff_get_counters(producer, &counters), "counters");
  print_line("counters", SENDOFF_OK, (int64_t)counters.connections_failed, "");
}

int main(int argument_count, char **arguments) {
  struct options options = parse(argument_count, arguments);
  sendoff_producer *producer = create(&options);
  if (producer == NULL) return 0;
  struct token_giver giver = {&options, producer};
  pthread_t thread;
  bool gives = options.token != NULL || options.token_failure != NULL;
  if (gives && pthread_create(&thread, NULL, give_tokens, &giver) != 0) fail("token", "no thread");
  if (options.topic != NULL) send_one(&options, producer);
  connect_to_broker(&options, producer, true);
  print_events(&options, producer);
  if (options.reload_count > 0) reload(&options, producer);
  if (options.stay_ms > 0) sleep_us(options.stay_ms * 1000);
  if (options.topic != NULL) (void)sendoff_flush(producer, left_ms(&options), NULL);
  print_counters(producer);
  (void)sendoff_close(producer, 0);
  if (gives) (void)pthread_join(thread, NULL);
  sendoff_destroy(producer);
  return 0;
}
