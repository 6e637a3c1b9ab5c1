/* The only seam to the operating system's network: sockets (transport_socket.c), and in tests a simulated
 * network. Everything is non-blocking except wait. One thread owns a transport; only `wake` may be called
 * from others.
 *
 * A transport names connections and name look-ups by tokens that the caller chooses; events carry the token
 * back. After `close` no event of that socket is delivered. Level-triggered: READABLE is reported while bytes
 * or end of stream wait, WRITABLE while want_write is on and the socket takes bytes (a finished connect is
 * its first WRITABLE). */
#ifndef NETWORK_TRANSPORT_H
#define NETWORK_TRANSPORT_H

#include "network/address.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transport_event_kind {
  TRANSPORT_READABLE,
  TRANSPORT_WRITABLE, /* also: a connect has ended (connected says how) */
  TRANSPORT_RESOLVED, /* addresses hold the answer; address_count 0 and status set when there is none */
};

enum { TRANSPORT_MAX_ADDRESSES = 64 };

/* What wait has to tell about one connection or look-up. */
struct transport_event {
  enum transport_event_kind kind;
  uint64_t token;
  int32_t status;                  /* TRANSPORT_RESOLVED: STATUS_OK or STATUS_NAME_NOT_RESOLVED */
  uint32_t address_count;          /* TRANSPORT_RESOLVED */
  const struct address *addresses; /* valid until the next call of wait */
  const char *reason;              /* text for people when status is not OK; valid as addresses */
};

enum transport_outcome {
  TRANSPORT_DONE = 0,        /* *count bytes were moved */
  TRANSPORT_WOULD_BLOCK = 1, /* none now */
  TRANSPORT_END = 2,         /* the peer closed in order */
  TRANSPORT_FAILED = 3,      /* reset, refused, unreachable, ...: see describe */
};

/* Bytes to send, borrowed for the call. */
struct transport_segment {
  const void *data;
  size_t size;
};

struct transport;

/* What an implementation does. */
struct transport_operations {
  /* Looks a name up off this thread; answered by one TRANSPORT_RESOLVED event. A second look-up under a token
   * that is still pending replaces it. `canonical` asks for
   * client.dns.lookup=resolve_canonical_bootstrap_servers_only. */
  int32_t (*resolve)(struct transport *transport, const char *host, uint16_t port, bool canonical,
                     uint64_t token);
  /* Starts to connect; *socket receives a handle >= 0. Completion is told by WRITABLE (want_write is on at
   * first). host: the name that the address was looked up for, which TLS asks the peer to prove. A status
   * when the system refuses at once (no route, no descriptors); reason receives a text. */
  int32_t (*connect)(struct transport *transport, const struct address *address, const char *host,
                     uint64_t token, int64_t *socket, char *reason, size_t reason_size);
  /* After the first WRITABLE: STATUS_OK if the connect succeeded, else a status; reason receives a text. */
  int32_t (*connected)(struct transport *transport, int64_t socket, char *reason, size_t reason_size);
  enum transport_outcome (*send)(struct transport *transport, int64_t socket,
                                 const struct transport_segment *segments, size_t segment_count,
                                 size_t *count);
  enum transport_outcome (*receive)(struct transport *transport, int64_t socket, uint8_t *to, size_t capacity,
                                    size_t *count);
  void (*want_write)(struct transport *transport, int64_t socket, bool wanted);
  /* Text of the last failure on the socket ("Connection reset by peer"). Valid until the next call on it. */
  const char *(*describe)(struct transport *transport, int64_t socket);
  /* STATUS_DISCONNECTED, or what else the last failure was: TLS 1.3 learns only from its first read that the
   * peer refuses the handshake. */
  int32_t (*failure)(struct transport *transport, int64_t socket);
  void (*close)(struct transport *transport, int64_t socket);
  /* Waits until an event, a wake or timeout_us (-1: for ever; 0: does not wait) and fills events. */
  uint32_t (*wait)(struct transport *transport, int64_t timeout_us, struct transport_event *events,
                   uint32_t capacity);
  /* Ends the current wait, or the next one. Any thread, async-signal-safe, never blocks. */
  void (*wake)(struct transport *transport);
  /* Closes all sockets. Never waits for a look-up under way: its thread frees what it holds when it ends. */
  void (*destroy)(struct transport *transport);
  /* In a forked child: closes the inherited descriptors without touching locks. Handles stay valid for
   * destroy. */
  void (*abandon)(struct transport *transport);
};

/* The head of each implementation's own struct. */
struct transport {
  const struct transport_operations *operations;
};

#endif
