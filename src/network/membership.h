/* Which nodes there are: the bootstrap servers, for good, and the brokers that metadata has named. Bootstrap
 * servers are retired while brokers are known. Belongs to the network client's thread. */
#ifndef NETWORK_MEMBERSHIP_H
#define NETWORK_MEMBERSHIP_H

#include "network/broker_address.h"
#include "network/dialer.h"
#include "network/node_table.h"

/* table holds all nodes, bootstrap those of negative id. Nodes that were removed stay in memory until
 * membership_free_removed, because a caller may be using one. */
struct membership {
  struct node_table table;
  struct node **bootstrap;
  uint32_t bootstrap_count;
  uint32_t broker_count;
  struct list removed;
};

/* Ids are ignored: the servers get -1, -2, ... STATUS_INVALID_ARGUMENT, STATUS_OUT_OF_MEMORY; to be
 * deinitialised in any case. */
int32_t membership_init(struct membership *membership, const struct broker_address *bootstrap,
                        uint32_t count);
/* All connections must be gone. */
void membership_deinit(struct membership *membership);

/* Makes the brokers exactly those listed. Those that stay at their address are left alone, others closed.
 * Entries without a usable address are skipped; if that leaves none, STATUS_INVALID_ARGUMENT. Nothing changes
 * on failure. */
int32_t membership_replace(struct membership *membership, struct dialer *dialer,
                           const struct broker_address *brokers, uint32_t count, int64_t now_us,
                           struct list *finished);

/* Adds one broker, or moves it. As membership_replace. */
int32_t membership_update(struct membership *membership, struct dialer *dialer,
                          const struct broker_address *broker, int64_t now_us, struct list *finished);

/* Back to the bootstrap servers. Each has its chance again, but a backoff under way stands. */
void membership_forget(struct membership *membership, struct dialer *dialer, int64_t now_us,
                       struct list *finished);

void membership_free_removed(struct membership *membership);

#endif
