/* A network in memory with virtual time, behind struct transport. A test says which names and servers there
 * are, what servers answer and when, how much each side takes at once, and what breaks; nothing happens by
 * itself.
 *
 * Time moves only in `wait`: to the next scripted moment, else to the end of the wait. A wait for ever with
 * nothing scripted fails the test, as does a loop of waits that never gets anywhere.
 *
 * Connections are numbered from 1 in the order of connects, failed ones included. The server side is a set of
 * hooks; a hook may call the functions below (a model broker answers from on_bytes), never the transport's
 * own. */
#ifndef SUPPORT_FAKE_TRANSPORT_H
#define SUPPORT_FAKE_TRANSPORT_H

#include "base/bytes.h"
#include "network/transport.h"

struct fake_transport;

/* What happens to a connect. Without a listener it is refused. */
enum fake_listener_kind {
  FAKE_ACCEPTS,
  FAKE_REFUSES, /* after the delay */
  FAKE_NEVER_ANSWERS,
  FAKE_FAILS_AT_ONCE, /* the connect call itself returns SYSTEM_ERROR, "Too many open files" */
};

/* The server side. Each may be NULL. */
struct fake_server {
  void (*on_accept)(void *context, uint32_t connection, uint16_t port);
  void (*on_bytes)(void *context, uint32_t connection, struct bytes bytes);
  void (*on_close)(void *context, uint32_t connection); /* by the client */
  void *context;
};

/* now_us: where virtual time starts. Aborts the test when memory is missing. */
struct fake_transport *fake_transport_create(int64_t now_us, const struct fake_server *server);
/* What to hand to the code under test, which destroys the fake by it. */
struct transport *fake_transport_base(struct fake_transport *fake);

int64_t fake_transport_now_us(const struct fake_transport *fake);
/* For network_client_poll: clock_us with the fake as context. */
int64_t fake_transport_clock_us(void *fake);
void fake_transport_advance_us(struct fake_transport *fake, int64_t duration_us);

/* ---- names ---- */

/* addresses: numeric, separated by blanks; "" for a name without any. Numeric hosts need no entry; every
 * other unknown name is not resolved. Set again, it changes. */
void fake_transport_set_name(struct fake_transport *fake, const char *host, const char *addresses,
                             int64_t delay_us);
/* Names are not answered until released; then all at once. */
void fake_transport_hold_names(struct fake_transport *fake, bool held);
uint32_t fake_transport_lookup_count(const struct fake_transport *fake);
/* How many of them asked for canonical names. */
uint32_t fake_transport_canonical_count(const struct fake_transport *fake);

/* ---- servers ---- */

/* What a connect to the numeric address and port meets from now on. */
void fake_transport_listen(struct fake_transport *fake, const char *address, uint16_t port,
                           enum fake_listener_kind kind, int64_t delay_us);

/* ---- connections ---- */

uint32_t fake_transport_connection_count(const struct fake_transport *fake);
bool fake_transport_is_open(const struct fake_transport *fake, uint32_t connection);
/* "10.0.0.1:9092" */
const char *fake_transport_peer(const struct fake_transport *fake, uint32_t connection);
/* All that the client has written on the connection so far; valid until the next write. */
struct bytes fake_transport_written(const struct fake_transport *fake, uint32_t connection);
uint32_t fake_transport_send_count(const struct fake_transport *fake, uint32_t connection);

/* Bytes from the server, delay_us from now, behind those scripted before. */
void fake_transport_deliver(struct fake_transport *fake, uint32_t connection, struct bytes bytes);
void fake_transport_deliver_after(struct fake_transport *fake, uint32_t connection, struct bytes bytes,
                                  int64_t delay_us);
/* End of stream, or a reset, behind all bytes delivered so far. A reset also fails writes from its moment on.
 */
void fake_transport_end(struct fake_transport *fake, uint32_t connection);
void fake_transport_reset(struct fake_transport *fake, uint32_t connection);

/* The same, but what is on its way to the client is lost. */
void fake_transport_break(struct fake_transport *fake, uint32_t connection);

/* The client can write this many bytes more on the connection, then it would block; SIZE_MAX: no limit. For
 * connection 0: every connection opened later. */
void fake_transport_set_write_budget(struct fake_transport *fake, uint32_t connection, size_t bytes);
/* At most so many bytes are taken by one send, given out by one receive. For connection 0: later ones. */
void fake_transport_set_chunks(struct fake_transport *fake, uint32_t connection, size_t send_bytes,
                               size_t receive_bytes);
/* Once this many bytes were taken in all, the connection is reset; SIZE_MAX: never. */
void fake_transport_reset_after(struct fake_transport *fake, uint32_t connection, size_t written_bytes);

/* ---- what the client did ---- */

uint32_t fake_transport_wait_count(const struct fake_transport *fake);
/* Events that waits have given out. */
uint64_t fake_transport_event_count(const struct fake_transport *fake);
/* Waits that could not have slept and gave no event: signs of a busy loop. */
uint32_t fake_transport_empty_wait_count(const struct fake_transport *fake);
/* Whether another thread has ended the next wait. */
bool fake_transport_is_woken(const struct fake_transport *fake);
bool fake_transport_wants_write(const struct fake_transport *fake, uint32_t connection);
bool fake_transport_is_abandoned(const struct fake_transport *fake);

#endif
