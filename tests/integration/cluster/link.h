/* A connection of a client through the fault proxy, both halves of it, and what is done to it. */
#ifndef INTEGRATION_CLUSTER_LINK_H
#define INTEGRATION_CLUSTER_LINK_H

#include "byte_queue.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALLS_MAX = 4096, BATCHES_REMEMBERED = 4096 };

enum cut_side { CUT_NONE, CUT_REQUEST, CUT_ANSWER };

/* What the script asks for now. Percentages are drawn for each produce answer or record batch. */
struct faults {
  uint64_t life_min_ms, life_max_ms;   /* of a connection; both 0: no end */
  uint64_t delay_min_ms, delay_max_ms; /* of an answer */
  uint64_t drop_percent;  /* the answer and all behind it do not arrive, and the connection ends soon */
  uint64_t dribble_bytes; /* at most so many in a millisecond and direction; 0: no limit */
  uint64_t alter_percent; /* of record batches */
  bool restamp;      /* batches whose answers were dropped get another producer id when they come again */
  bool holding;      /* produce answers stay in the proxy, and what is behind them */
  enum cut_side cut; /* once */
  uint64_t cut_at;   /* bytes from the start of the next produce request or answer */
};

/* What was done. */
struct tally {
  uint64_t connections, produce_answers, dropped, ended, altered, restamped, cut;
};

/* One proxy; single-threaded. written: checksums of batches whose answers were dropped, the oldest
 * overwritten. */
struct proxy {
  struct faults faults;
  struct tally tally;
  uint64_t random;
  int epoll;
  struct link *links;
  uint32_t written[BATCHES_REMEMBERED];
  size_t written_count;
};

/* A request that the broker owes the answer to. */
struct call {
  bool produce;
  uint32_t batch_count;
  uint32_t *batches; /* checksums, NULL unless restamping */
};

struct held_answer {
  struct held_answer *next;
  int64_t release_us;
  bool produce;
  size_t size;
  uint8_t bytes[];
};

/* One half of a link: what arrived and is no whole frame yet, what waits for this socket to take it. */
struct half {
  struct link *link;
  int socket;
  struct byte_queue arriving, leaving;
  uint64_t cut_after; /* bytes that may leave before the link is cut; UINT64_MAX: no cut */
  uint32_t watched;
};

struct link {
  struct proxy *proxy;
  struct link *next;
  struct half client, broker;
  char client_id[CLIENT_ID_BYTES_MAX];
  struct call calls[CALLS_MAX];
  uint64_t calls_begun, calls_ended;
  struct held_answer *first_answer, *last_answer;
  size_t held_bytes;
  int64_t end_us;     /* when it ends by itself; INT64_MAX: never */
  int64_t dribble_us; /* when the next bytes may leave */
  bool mute, dead;
};

/* How a link ends: orderly or by a reset, which may take away what the other side has not read. */
enum link_ending { LINK_CLOSE, LINK_RESET };

uint64_t proxy_draw(struct proxy *proxy, uint64_t from, uint64_t to);

/* Takes over client; the connection to the broker may still be under way. */
void link_create(struct proxy *proxy, int client, int broker);
void link_serve(struct half *half, uint32_t events);

/* Lets go what is due; returns when it wants to be called again, INT64_MAX: only for events. */
int64_t link_step(struct link *link, int64_t at_us);
void link_end(struct link *link, enum link_ending ending);

/* Frees the links that have ended. */
void link_sweep(struct proxy *proxy);

/* Produce requests of that client that got to the broker, or are on their way to it, and whose answers have
 * not left the proxy; with only_held, those that the broker has answered. */
uint64_t link_count_owed(const struct proxy *proxy, const char *client_id, bool only_held);

#endif
