/* A broker or bootstrap server: its name, its addresses, when it may be connected to again, its connection.
 *
 * A round is one attempt to connect: look the name up, then try every address in turn at once. Only when all
 * of them have failed has the node failed; backoff (KIP-144) and set-up timeout (KIP-601) grow by rounds. */
#ifndef NETWORK_NODE_H
#define NETWORK_NODE_H

#include "base/bytes.h"
#include "base/list.h"
#include "base/random.h"
#include "network/connection.h"
#include "network/transport.h"

enum { NODE_HOST_BYTES_MAX = 255 };

/* At most one of is_resolving and connection is set. Belongs to the network client's thread. */
struct node {
  int32_t id;
  char *host;
  uint16_t port;
  bool is_retired;  /* a bootstrap server while brokers are known: no new requests */
  bool is_listed;   /* scratch of network_client_set_brokers */
  struct list link; /* among those to be added or freed */

  /* addresses: the answer of the last look-up that had any */
  struct address *addresses;
  uint32_t address_count;
  bool addresses_are_fresh; /* came after their round had given up waiting: the next one uses them */
  uint32_t first_address;   /* where a round begins; moves on when a working connection is lost */
  uint32_t tried_count;     /* of this round */
  uint64_t lookup_token;    /* 0: none pending; outlives the round that asked */
  bool is_resolving;        /* this round waits for the look-up */

  struct connection *connection; /* NULL: none */
  int64_t socket;                /* of the connection */
  uint64_t socket_token;
  bool is_broken; /* writing failed: takes no more, is closed once its input was read */
  struct address connected_to;

  uint32_t failure_count;       /* rounds and connections lost since the last success */
  uint32_t login_failure_count; /* logins refused since the last success */
  int32_t warned_status;        /* of the last warning since the last success */
  bool has_failed;              /* a round has failed since the node was last connected (KIP-899) */
  int64_t backoff_until_us;     /* no round before */
  int64_t setup_deadline_us;    /* for the look-up, then for each address */
  int64_t throttled_until_us;
  int64_t last_used_us; /* connected, or a request ended: for the idle close */
};

/* The settings a node obeys. */
struct node_policy {
  int64_t setup_timeout_us, setup_timeout_max_us;
  int64_t backoff_us, backoff_max_us;
  int64_t idle_max_us; /* -1: never */
};

/* False if a cluster cannot have such a broker: an empty or overlong name, a NUL in it, a port out of range.
 */
bool node_address_is_valid(struct bytes host, int32_t port);

/* Copies host, which must be valid. NULL if memory is missing. */
struct node *node_create(int32_t id, struct bytes host, int32_t port);
/* The connection must be gone. NULL is allowed. */
void node_destroy(struct node *node);
bool node_is_at(const struct node *node, struct bytes host, int32_t port);

bool node_is_bootstrap(const struct node *node);
bool node_is_connecting(const struct node *node); /* on its way: name, socket or versions */
bool node_is_connected(const struct node *node);  /* versions known, logged in */
bool node_may_connect(const struct node *node, int64_t now_us);
bool node_is_ready(const struct node *node, uint32_t max_in_flight, int64_t now_us);

/* A round begins. */
void node_begin_round(struct node *node);
/* Stores the addresses of a look-up; an empty list keeps the ones before. False if memory is missing. */
bool node_set_addresses(struct node *node, const struct address *addresses, uint32_t count);
/* The address to try next in this round; NULL when all were tried. */
const struct address *node_next_address(struct node *node);
/* The deadline for the step that begins now. */
void node_begin_setup(struct node *node, const struct node_policy *policy, struct random *random,
                      int64_t now_us);
void node_fail_round(struct node *node, const struct node_policy *policy, struct random *random,
                     int64_t now_us);
void node_succeed(struct node *node, int64_t now_us);
/* A connection that worked was lost, not by our own choice. */
void node_lose(struct node *node, const struct node_policy *policy, struct random *random, int64_t now_us);

/* The node's connection or round has ended by a refused login: the next one waits longer than others do. */
void node_refuse(struct node *node, struct random *random, int64_t now_us);
/* There are other credentials: the node may be tried again at once if only the login was refused. */
void node_forgive(struct node *node, int64_t now_us);

/* Holds requests back until until_us; what is open already does not age meanwhile (KIP-219). */
void node_throttle(struct node *node, int64_t now_us, int64_t until_us);

/* When the node has something to do without an event, or may take a connection or requests again by time
 * alone; CLOCK_NEVER_US for never. */
int64_t node_deadline_us(const struct node *node, const struct node_policy *policy, int64_t now_us);

#endif
