/* Opens and closes the connections of nodes: look-ups, addresses in turn, set-up deadlines, backoff, and
 * telling about all of it. Belongs to the network client's thread.
 *
 * Requests of closed connections are appended to `finished`; completing them is the caller's. Closed
 * connections stay in memory until dialer_free_closed, because a caller may be reading from one. */
#ifndef NETWORK_DIALER_H
#define NETWORK_DIALER_H

#include "base/log.h"
#include "network/node.h"

struct dialer {
  struct transport *transport;
  struct connection_settings connection_settings;
  struct node_policy policy;
  bool canonical_bootstrap;
  const struct log *log;
  void (*on_connection)(void *context, int32_t node_id, int32_t status, const char *text);
  void *context;
  struct random random;
  struct list closed;
  uint32_t last_incarnation;
  uint32_t connected_count;
  int64_t next_deadline_us; /* no node's deadline is earlier; it may be earlier than all of them */
};

/* Tokens name a node and one incarnation of its look-up or connection, so that a late event is recognised. */
static inline int32_t dialer_token_node_id(uint64_t token) {
  return (int32_t)(uint32_t)token;
}

/* Begins a round. The node may connect (node_may_connect). */
void dialer_start(struct dialer *dialer, struct node *node, int64_t now_us);

/* The look-up that the node waits for, or gave up waiting for, was answered. */
void dialer_take_addresses(struct dialer *dialer, struct node *node, const struct transport_event *event,
                           int64_t now_us);

/* The node's socket is connected or has failed to. */
void dialer_finish_connect(struct dialer *dialer, struct node *node, int64_t now_us, struct list *finished);

/* The versions are known: the node takes requests. */
void dialer_finish_negotiation(struct dialer *dialer, struct node *node, int32_t throttle_ms, int64_t now_us);

/* The connection, or the attempt at one, failed. An attempt goes on with the next address. */
void dialer_fail(struct dialer *dialer, struct node *node, int32_t status, const char *reason, int64_t now_us,
                 struct list *finished);

/* Closes what the node has open, by our own choice: tells nobody, no backoff. */
void dialer_drop(struct dialer *dialer, struct node *node, int32_t status, int64_t now_us,
                 struct list *finished);

/* As dialer_drop for a connection that the peer closed while nothing was open: waits a moment before the
 * next. */
void dialer_drop_idle(struct dialer *dialer, struct node *node, int64_t now_us, struct list *finished);

/* Fails or closes the node if its deadline has passed. */
void dialer_expire(struct dialer *dialer, struct node *node, int64_t now_us, struct list *finished);

void dialer_note_deadline(struct dialer *dialer, int64_t deadline_us);

void dialer_free_closed(struct dialer *dialer);

#endif
