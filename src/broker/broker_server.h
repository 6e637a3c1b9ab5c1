/* A broker_model behind TCP sockets: the embedded broker. One thread of its own answers all connections with
 * poll(2) and never waits for a single one: a peer that does not read stops only its own requests.
 *
 * All functions may be called from any thread, one at a time for stop, restart and destroy. They do not block
 * beyond the request that is being handled; stop and destroy also join the thread. */
#ifndef BROKER_BROKER_SERVER_H
#define BROKER_BROKER_SERVER_H

#include "base/lock.h"
#include "broker/broker_model.h"
#include <stdint.h>

struct broker_server;

/* A topic to start with. */
struct broker_server_topic {
  const char *name;
  int32_t partition_count;
};

/* What a server is made of; copied. Set it up with broker_server_settings_init. */
struct broker_server_settings {
  struct broker_settings broker;
  const char *address;         /* a name or a numeric address of this machine */
  uint16_t port;               /* 0: any that is free */
  const char *advertised_host; /* what clients are told to connect to; NULL: address */
  const struct broker_server_topic *topics;
  uint32_t topic_count;
  uint32_t connection_max_count; /* one more is closed as soon as it is accepted */
  size_t request_max_bytes;      /* a longer request costs its connection */
};

/* 127.0.0.1, any port, no topics. */
void broker_server_settings_init(struct broker_server_settings *settings);

/* Listens when it returns. STATUS_NAME_NOT_RESOLVED, STATUS_SYSTEM_ERROR (errno says why: address in use,
 * ...), STATUS_OUT_OF_MEMORY, and what broker_model_create_topic refuses. */
int32_t broker_server_create(const struct broker_server_settings *settings, struct broker_server **server);
/* Stops and frees the server and its model. NULL is allowed. */
void broker_server_destroy(struct broker_server *server);

uint16_t broker_server_port(const struct broker_server *server);

/* The model, which is the caller's until unlock; no request is handled meanwhile. */
extern struct lock_role broker_model_lock;
struct broker_model *broker_server_lock(struct broker_server *server) ACQUIRE(broker_model_lock);
void broker_server_unlock(struct broker_server *server) RELEASE(broker_model_lock);

/* Reads, answers and accepts nothing until it continues, as a process that was sent SIGSTOP: the system still
 * takes connections and bytes for it. No request is handled once pause has returned. */
void broker_server_pause(struct broker_server *server);
void broker_server_continue(struct broker_server *server);

/* Closes all connections, those under way with a reset; new ones are welcome. */
void broker_server_disconnect(struct broker_server *server);

/* Closes the listening socket and all connections, as a broker that is gone; the model keeps what it holds.
 * Restart listens on the same port again (STATUS_SYSTEM_ERROR; a restarted broker remembers less:
 * broker_model_reload). */
void broker_server_stop(struct broker_server *server);
int32_t broker_server_restart(struct broker_server *server);

#endif
