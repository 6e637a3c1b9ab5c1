/* fault_proxy LISTEN_PORT TARGET_PORT SEED
 * Stands in front of a broker and does to its connections what the lines on standard input say, each of which
 * is answered with a line:
 *
 *     hold | open | cut          produce answers stay here | everything passes | all connections are reset,
 * new ones refused reset | close              ends all connections life MIN MAX               of connections
 * from now on, in ms; 0 0: no end delay MIN MAX              of answers, in ms drop PERCENT               of
 * produce answers, after the request got to the broker dribble BYTES              at most so many in a
 * millisecond cut-request N | cut-answer N   once: the connection ends after N bytes of the next produce
 * request or answer alter PERCENT | restamp 0|1    damage of record batches that the broker takes for good
 * owed CLIENT | held CLIENT  how many produce answers that client waits for | of them, how many are held here
 * tally what was done, as JSON
 *
 * Ends with its standard input. frame.h and link.h say what the faults are exactly. */
#include "../programs/support.h"
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 64, BACKLOG = 256, COMMAND_BYTES_MAX = 256 };

/* The proxy and where it listens; commands is what arrived of standard input and is no whole line yet. */
struct shell {
  struct proxy proxy;
  uint16_t listen_port, target_port;
  int listener; /* -1: new connections are refused */
  char commands[COMMAND_BYTES_MAX];
  size_t commands_size;
};

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static void listen_again(struct shell *shell) {
  if (shell->listener >= 0) return;
  int one = 1;
  struct sockaddr_in address = loopback(shell->listen_port);
  shell->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  (void)setsockopt(shell->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(shell->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(shell->listener, BACKLOG) != 0)
    fail("listen", strerror(errno));
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = shell};
  if (epoll_ctl(shell->proxy.epoll, EPOLL_CTL_ADD, shell->listener, &event) != 0)
    fail("epoll", strerror(errno));
}

static void accept_client(struct shell *shell) {
  int client = accept4(shell->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client < 0) return;
  int broker = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (broker < 0) fail("socket", strerror(errno));
  struct sockaddr_in address = loopback(shell->target_port);
  if (connect(broker, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    (void)close(client);
    (void)close(broker);
    return;
  }
  link_create(&shell->proxy, client, broker);
}

static void end_all(struct shell *shell, enum link_ending ending) {
  for (struct link *link = shell->proxy.links; link != NULL; link = link->next)
    link_end(link, ending);
}

static void refuse(struct shell *shell) {
  if (shell->listener >= 0) (void)close(shell->listener);
  shell->listener = -1;
  shell->proxy.faults.holding = false;
  end_all(shell, LINK_RESET);
}

static int64_t to_ms(struct timeval time) {
  return (int64_t)time.tv_sec * 1000 + time.tv_usec / 1000;
}

static void print_tally(const struct tally *tally) {
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);
  (void)printf("{\"connections\": %" PRIu64 ", \"produce_answers\": %" PRIu64 ", \"dropped\": %" PRIu64
               ", \"ended\": %" PRIu64 ", \"altered\": %" PRIu64 ", \"restamped\": %" PRIu64
               ", \"cut\": %" PRIu64 ", \"cpu_ms\": %" PRId64 "}\n",
               tally->connections, tally->produce_answers, tally->dropped, tally->ended, tally->altered,
               tally->restamped, tally->cut, to_ms(usage.ru_utime) + to_ms(usage.ru_stime));
}

/* Commands without a number. False: it is another one. */
static bool obey_word(struct shell *shell, const char *word) {
  struct faults *faults = &shell->proxy.faults;
  if (strcmp(word, "hold") == 0)
    faults->holding = true;
  else if (strcmp(word, "cut") == 0)
    refuse(shell);
  else if (strcmp(word, "reset") == 0)
    end_all(shell, LINK_RESET);
  else if (strcmp(word, "close") == 0)
    end_all(shell, LINK_CLOSE);
  else if (strcmp(word, "open") == 0) {
    faults->holding = false;
    listen_again(shell);
  } else
    return false;
  (void)printf("%s\n", word);
  return true;
}

static void set_cut(struct faults *faults, enum cut_side side, uint64_t at) {
  if (at == 0) fail("cut", "needs at least one byte");
  faults->cut = side;
  faults->cut_at = at;
}

/* Commands with one or two numbers. False: it is another one. */
static bool obey_numbers(struct shell *shell, const char *word, uint64_t first, uint64_t second) {
  struct faults *faults = &shell->proxy.faults;
  if (second < first && (strcmp(word, "life") == 0 || strcmp(word, "delay") == 0)) return false;
  if (strcmp(word, "life") == 0) {
    faults->life_min_ms = first;
    faults->life_max_ms = second;
  } else if (strcmp(word, "delay") == 0) {
    faults->delay_min_ms = first;
    faults->delay_max_ms = second;
  } else if (strcmp(word, "drop") == 0)
    faults->drop_percent = first;
  else if (strcmp(word, "dribble") == 0)
    faults->dribble_bytes = first;
  else if (strcmp(word, "alter") == 0)
    faults->alter_percent = first;
  else if (strcmp(word, "restamp") == 0)
    faults->restamp = first != 0;
  else if (strcmp(word, "cut-request") == 0)
    set_cut(faults, CUT_REQUEST, first);
  else if (strcmp(word, "cut-answer") == 0)
    set_cut(faults, CUT_ANSWER, first);
  else
    return false;
  (void)printf("%s\n", word);
  return true;
}

static void obey(struct shell *shell, const char *line) {
  char word[32] = "", first[64] = "", second[64] = "0";
  int words = sscanf(line, "%31s %63s %63s", word, first, second);
  if (strcmp(word, "tally") == 0)
    print_tally(&shell->proxy.tally);
  else if (strcmp(word, "owed") == 0 && words == 2)
    (void)printf("%" PRIu64 "\n", link_count_owed(&shell->proxy, first, false));
  else if (strcmp(word, "held") == 0 && words == 2)
    (void)printf("%" PRIu64 "\n", link_count_owed(&shell->proxy, first, true));
  else if (!(words < 2 ? obey_word(shell, word)
                       : obey_numbers(shell, word, parse_count(first), parse_count(second))))
    fail(line, "is no command");
  (void)fflush(stdout);
}

static void read_commands(struct shell *shell) {
  ssize_t size = read(STDIN_FILENO, shell->commands + shell->commands_size,
                      sizeof shell->commands - shell->commands_size);
  if (size < 0 && errno == EINTR) return;
  if (size <= 0) exit(0);
  shell->commands_size += (size_t)size;
  for (char *end; (end = memchr(shell->commands, '\n', shell->commands_size)) != NULL;) {
    *end = '\0';
    obey(shell, shell->commands);
    shell->commands_size -= (size_t)(end + 1 - shell->commands);
    memmove(shell->commands, end + 1, shell->commands_size);
  }
  if (shell->commands_size == sizeof shell->commands) fail("command", "is too long");
}

static int step_all(struct proxy *proxy) {
  int64_t at_us = now_us(), next_us = INT64_MAX;
  for (struct link *link = proxy->links; link != NULL; link = link->next) {
    int64_t wanted_us = link_step(link, at_us);
    if (wanted_us < next_us) next_us = wanted_us;
  }
  link_sweep(proxy);
  if (next_us == INT64_MAX) return -1;
  return next_us <= at_us ? 0 : (int)((next_us - at_us + 999) / 1000);
}

int main(int argument_count, char **arguments) {
  if (argument_count != 4) fail("usage", "fault_proxy LISTEN_PORT TARGET_PORT SEED");
  static struct shell shell = {.listener = -1};
  struct proxy *proxy = &shell.proxy;
  shell.listen_port = (uint16_t)parse_count(arguments[1]);
  shell.target_port = (uint16_t)parse_count(arguments[2]);
  proxy->random = 0x9e3779b97f4a7c15 ^ parse_count(arguments[3]);
  proxy->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (proxy->epoll < 0 || epoll_ctl(proxy->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0)
    fail("epoll", strerror(errno));
  listen_again(&shell);
  for (;;) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(proxy->epoll, events, EVENTS_MAX, step_all(proxy));
    for (int i = 0; i < count; i++) {
      void *what = events[i].data.ptr;
      if (what == NULL)
        read_commands(&shell);
      else if (what == &shell)
        accept_client(&shell);
      else
        link_serve(what, events[i].events);
    }
  }
}
