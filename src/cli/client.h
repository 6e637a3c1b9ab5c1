/* What the commands that send share: the options that say where to and how, the producer made of them, and
 * the watcher that ends their waits. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/condition.h"
#include "cli/options.h"
#include "cli/watcher.h"

#include <sendoff/sendoff.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first rows of the option table of such a command. */
enum {
  CLIENT_BROKERS,
  CLIENT_TOPIC,
  CLIENT_PARTITION,
  CLIENT_CODEC,
  CLIENT_SETTING,
  CLIENT_FILE,
  CLIENT_OPTION_COUNT
};

#define CLIENT_OPTION_ROWS                                                                                   \
  [CLIENT_BROKERS] = {'b', "brokers", "HOST:PORT,...", "brokers to start from (bootstrap.servers)"},         \
  [CLIENT_TOPIC] = {'t', "topic", "TOPIC", "the topic to send to"},                                          \
  [CLIENT_PARTITION] = {'p', "partition", "NUMBER",                                                          \
                        "send everything to this partition; otherwise the\npartitioner chooses"},            \
  [CLIENT_CODEC] = {'z', "codec", "CODEC", "none, gzip, snappy, lz4 or zstd (compression.type)"},            \
  [CLIENT_SETTING] = {'X', "setting", "NAME=VALUE",                                                          \
                      "set any setting of the library; may be repeated;\n-X list shows them all"},           \
  [CLIENT_FILE] = {                                                                                          \
      'F', "settings-file", "FILE",                                                                          \
      "read settings from a .properties file first; may be\nrepeated; other options override it"}

/* What a command does while its client is open. */
struct client_events {
  void *user;
  void (*on_reports)(void *user, const sendoff_report *reports,
                     size_t count); /* on a thread of the library */
  void (*on_tick)(void *user);      /* on the watcher's thread, each CLIENT_TICK_MS; NULL: never */
};

enum { CLIENT_TICK_MS = 200 };

LOCK_ROLE(client_guard);

/* One producer and what it was made from. Lives in one place from init to deinit, since the library's threads
 * know its address until release. */
struct client {
  const struct command *command;
  sendoff_config *config;
  sendoff_producer *producer;
  const char *topic; /* borrowed from the command line, NULL: not given */
  uint32_t topic_id;
  int32_t partition;
  bool has_partition;
  struct client_events events;
  struct watcher watcher; /* from client_open to client_close */
  struct lock lock;       /* guards is_released */
  struct condition released;
  bool is_released GUARDED_BY(client_guard); /* the library will not call again */
};
LOCK_GUARD(client_guard, client, lock);

/* What is set before the command line is read. Like all functions here that return int: EXIT_SUCCESS, or the
 * code to exit with, the reason being on stderr. */
int client_init(struct client *client, const struct command *command);

/* Reads the whole command line once to load the files of -F. *is_answered becomes true when the command line
 * asked for help or for the list of settings, which is printed then: there is nothing else to do. */
int client_load_files(struct client *client, int argc, char **argv, bool *is_answered);

/* Takes an option of CLIENT_OPTION_ROWS. */
int client_take_option(struct client *client, int option, const char *value);

/* Creates the producer and starts the watcher; log lines go to the console. Does not wait for the network. */
int client_open(struct client *client, const struct client_events *events);

/* A record for the topic and partition of the command line, without data. After client_open. */
sendoff_record client_record(const struct client *client);

/* The value of a setting that is a number, without decimals, or otherwise if it has none. */
int64_t client_number_setting(const struct client *client, const char *name, int64_t otherwise);

/* The rest of client_send, after sendoff_send refused with status. */
int32_t client_send_again(struct client *client, const sendoff_record *record, int32_t status);

/* sendoff_send, except that it waits as long as it takes while the run is not abandoned. */
static inline int32_t client_send(struct client *client, const sendoff_record *record) {
  int32_t status = sendoff_send(client->producer, record);
  return __builtin_expect(status == SENDOFF_OK, 1) ? status : client_send_again(client, record, status);
}

/* Waits until all that was sent has its report, or the run is abandoned. */
void client_flush(struct client *client);

/* Aborts what has no report yet, and returns when no more reports come. The producer is gone then. */
void client_close(struct client *client);

void client_deinit(struct client *client);

#endif
