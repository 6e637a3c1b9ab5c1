/* Connections to many brokers: who is connected, who may take a request, backoff, timeouts, throttling.
 *
 * Sans-IO above a struct transport; the time comes as an argument; one thread (the sender thread) owns it,
 * except for network_client_wake. Nodes are named by id: brokers as the cluster numbers them (>= 0),
 * bootstrap servers by negative ids (-1 - index) until metadata has named brokers.
 *
 * A request handed to network_client_send belongs to the client, its segments' memory too, until its
 * `complete` function is called: once, always on the owning thread, from network_client_poll,
 * network_client_close_node, network_client_set_brokers, _update_broker, network_client_rebootstrap or
 * network_client_destroy. That moment is also when the connection no longer refers to the memory. A complete
 * function may call anything here but network_client_poll and _destroy; requests that its calls end are
 * completed after it has returned, never inside it. */
#ifndef NETWORK_NETWORK_CLIENT_H
#define NETWORK_NETWORK_CLIENT_H

#include "base/log.h"
#include "network/broker_address.h"
#include "network/request.h"
#include "network/transport.h"
#include "protocol/api.h"

struct network_client;

enum { NETWORK_NO_NODE = INT32_MIN }; /* no node has this id */

/* What a client is created with; copied, but for log and context. */
struct network_client_settings {
  struct bytes client_id;
  struct bytes software_name, software_version; /* KIP-511 */
  uint32_t max_in_flight;                       /* requests per connection */
  int64_t request_timeout_us;                   /* for the client's own requests (ApiVersions) */
  int64_t connection_setup_timeout_us, connection_setup_timeout_max_us; /* KIP-601 */
  int64_t reconnect_backoff_us, reconnect_backoff_max_us;               /* KIP-144 */
  int64_t connections_max_idle_us;                                      /* -1: never */
  size_t receive_message_max_bytes; /* a larger response closes the connection */
  bool canonical_bootstrap;         /* client.dns.lookup=resolve_canonical_bootstrap_servers_only */
  uint64_t seed;                    /* jitter and the choice among equals */
  struct login *login;              /* borrowed, outlives the client; NULL: brokers want no login */
  const struct log *log;            /* borrowed, outlives the client; NULL: silent */
  /* Told of every connection that opened, that could not be opened or was lost; not of those closed because
   * they were idle or their node is gone. May be NULL; must not call back. status: STATUS_OK opened. Text for
   * people; the client logs it by itself. */
  void (*on_connection)(void *context, int32_t node_id, int32_t status, const char *text);
  void *context;
};

/* bootstrap: host and port of each server; the ids are ignored. Everything is copied; the transport is taken
 * over (and destroyed with the client) on success only. STATUS_INVALID_ARGUMENT (no server, an address that
 * cannot be, max_in_flight 0), STATUS_OUT_OF_MEMORY. */
int32_t network_client_create(const struct network_client_settings *settings, struct transport *transport,
                              const struct broker_address *bootstrap, uint32_t bootstrap_count,
                              struct network_client **client);

/* Completes every open request with ABORTED, closes all connections, destroys the transport. */
void network_client_destroy(struct network_client *client);

/* In a forked child: closes descriptors, completes nothing, takes no lock. A destroy after it leaves the
 * memory alone: nobody knows what the parent's sender thread was changing at the fork. */
void network_client_abandon(struct network_client *client);

/* Replaces the list of brokers (from metadata). A node whose address changed or that is gone is closed, its
 * requests complete with DISCONNECTED; bootstrap nodes stay usable until the first broker is known, then are
 * closed when nothing is open on them. Entries without a usable address are skipped. STATUS_INVALID_ARGUMENT
 * (no usable entry), STATUS_OUT_OF_MEMORY: nothing has changed. */
int32_t network_client_set_brokers(struct network_client *client, const struct broker_address *brokers,
                                   uint32_t count, int64_t now_us);

/* Adds or updates one broker (a KIP-951 node endpoint). */
int32_t network_client_update_broker(struct network_client *client, const struct broker_address *broker,
                                     int64_t now_us);

/* Forgets all brokers and starts again from the bootstrap servers (KIP-899, KIP-1102). */
void network_client_rebootstrap(struct network_client *client, int64_t now_us);

/* Whether a node of this id was named, and can be connected to when its time has come. */
bool network_client_knows(const struct network_client *client, int32_t node_id);

/* True if the node can take a request now: connected, versions known, logged in, fewer than max_in_flight
 * open, not throttled. Otherwise starts to connect if that is due. Unknown and retired nodes are never ready.
 */
bool network_client_ready(struct network_client *client, int32_t node_id, int64_t now_us);

/* Ready, without starting anything. */
bool network_client_is_ready(const struct network_client *client, int32_t node_id, int64_t now_us);

/* When a node that is not ready may become so by time alone (backoff, throttle); CLOCK_NEVER_US if only an
 * event can change it. */
int64_t network_client_ready_at_us(const struct network_client *client, int32_t node_id);

/* Whether a broker other than this one was named. */
bool network_client_knows_another(const struct network_client *client, int32_t node_id);

/* A node to ask for metadata: a ready one with the fewest open requests, else one that is connecting, else
 * one that may connect (rather one that has not failed), else one that is full or throttled, else avoided_id
 * (NETWORK_NO_NODE: none is avoided); equals by chance. *node_id receives it; false if all are backing off.
 * Connecting nodes are returned so that the caller waits for them instead of opening more. */
bool network_client_least_loaded(struct network_client *client, int32_t avoided_id, int64_t now_us,
                                 int32_t *node_id);

/* True if no node is connected or connecting and every one has failed since it was last connected (KIP-899).
 */
bool network_client_all_failed(const struct network_client *client);

/* The node's versions; NULL while not connected. */
const struct api_versions *network_client_api_versions(const struct network_client *client, int32_t node_id);

int32_t network_client_next_correlation(struct network_client *client);

/* Queues a request on a node that is ready; writes what the system takes at once. Never calls complete
 * itself. On a node that is no longer connected it completes with DISCONNECTED in the next poll. */
void network_client_send(struct network_client *client, int32_t node_id, struct request *request,
                         int64_t now_us);

/* No requests to the node before until_us; open ones are not timed out by the pause (KIP-219). */
void network_client_throttle(struct network_client *client, int32_t node_id, int64_t until_us);

/* Closes the connection, for a reason found above (a response that does not fit its request). Its open
 * requests complete with MALFORMED_RESPONSE or ABORTED if that is the status, else with DISCONNECTED. */
void network_client_close_node(struct network_client *client, int32_t node_id, int32_t status,
                               const char *reason, int64_t now_us);

uint32_t network_client_in_flight(const struct network_client *client, int32_t node_id);
uint32_t network_client_connected_count(const struct network_client *client);

/* Waits for network events until deadline_us at most (now_us or earlier: does not wait), handles them, and
 * then handles what has timed out. now_us: the time before the wait; clock: asked again after it (NULL:
 * now_us + what was slept is not needed, as in simulations where the transport's wait moves the time and the
 * caller passes its own clock). */
void network_client_poll(struct network_client *client, int64_t now_us, int64_t deadline_us,
                         int64_t (*clock_us)(void *context), void *clock_context);

/* The next moment at which, without an event, network_client_poll has something to do or a node may be
 * connected to or take requests again (its backoff or pause has passed); poll returns then. May be earlier
 * than needed, when a deadline has been settled meanwhile; never later. CLOCK_NEVER_US if only events matter.
 */
int64_t network_client_next_deadline_us(const struct network_client *client);

/* Ends a wait in network_client_poll. Any thread, async-signal-safe. */
void network_client_wake(struct network_client *client);

#endif
