/* One connection to a broker, without its socket: bytes in, bytes out. It keeps the requests in the order in
 * which they are sent, cuts the incoming bytes into responses, matches them, negotiates the versions
 * (ApiVersions) and logs in before anything else is sent, and logs in again before the session ends: behind
 * the requests that are under way, while no new ones may come (KIP-368).
 *
 * Nothing here calls a request's complete function: requests that are done are handed back. One owner, no
 * lock; the time comes as an argument. */
#ifndef NETWORK_CONNECTION_H
#define NETWORK_CONNECTION_H

#include "base/random.h"
#include "network/request.h"
#include "protocol/api.h"
#include "security/login.h"

struct connection;

enum connection_state {
  CONNECTION_CONNECTING,       /* the socket is being opened */
  CONNECTION_NEGOTIATING,      /* ApiVersions is under way */
  CONNECTION_AUTHENTICATING,   /* the first login is under way */
  CONNECTION_READY,            /* takes requests */
  CONNECTION_REAUTHENTICATING, /* another login is under way: takes no requests, but waits for answers */
  CONNECTION_CLOSED,           /* for good: a new connection is a new object */
  CONNECTION_STATE_COUNT,
};

/* Outlives the connection. */
struct connection_settings {
  struct bytes client_id;
  struct bytes software_name, software_version; /* KIP-511 */
  int64_t request_timeout_us;                   /* for ApiVersions and logins */
  size_t receive_message_max_bytes;
  struct login *login;   /* NULL: brokers want none */
  struct random *random; /* for the moments of further logins; where there is a login */
};

enum connection_input_kind {
  CONNECTION_INPUT_PARTIAL,    /* all input was taken, no frame is complete */
  CONNECTION_INPUT_RESPONSE,   /* a request has its answer */
  CONNECTION_INPUT_NEGOTIATED, /* the connection is ready now */
  CONNECTION_INPUT_HANDLED,    /* a frame of the connection's own; there may be output */
  CONNECTION_INPUT_FAILED,     /* the connection has to be closed: status and reason */
};

/* What a piece of input led to. */
struct connection_input {
  enum connection_input_kind kind;
  struct request *request; /* RESPONSE: no longer the connection's */
  struct wire_reader body; /* RESPONSE: behind its header; valid until the next call on the connection */
  int32_t throttle_ms;     /* NEGOTIATED: the broker wanted a pause (KIP-219) */
  int32_t status;          /* FAILED */
  const char *reason;      /* FAILED; valid as long as the connection */
};

bool connection_may_change(enum connection_state from, enum connection_state to);

/* NULL if memory is missing. CONNECTING at first. */
struct connection *connection_create(const struct connection_settings *settings);
/* Its requests must have been taken back by connection_close. */
void connection_destroy(struct connection *connection);

/* The connection is to log in at the broker of that name, by settings->login. Before it is opened. */
int32_t connection_require_login(struct connection *connection, const char *host);

/* The socket is open: begins to negotiate, so that there is output. STATUS_OUT_OF_MEMORY: has to be closed.
 */
int32_t connection_open(struct connection *connection, int64_t now_us);

/* Appends a request behind all others. The caller has set its node_id. */
void connection_enqueue(struct connection *connection, struct request *request, int64_t now_us);

/* Points `segments` at the bytes to write next, in order; returns how many segments were filled in (0:
 * nothing to write). They stay valid until the next call on the connection. */
uint32_t connection_output(const struct connection *connection, struct transport_segment *segments,
                           uint32_t capacity);

/* The system took `bytes` of the output. Requests without response that are whole now are appended to
 * finished, their status set. */
void connection_output_taken(struct connection *connection, size_t bytes, struct list *finished);

bool connection_has_output(const struct connection *connection);

/* Takes bytes from the front of *input up to the end of the next frame, or all of them. To be called again
 * until PARTIAL or FAILED comes. */
struct connection_input connection_take_input(struct connection *connection, struct bytes *input,
                                              int64_t now_us);

/* A step of the login has come to an end elsewhere, maybe: goes on if it has. */
struct connection_input connection_resume_login(struct connection *connection, int64_t now_us);

/* Logs in again, if it is time (connection_login_due_us). Only what is enqueued already comes before it. */
struct connection_input connection_renew_login(struct connection *connection, int64_t now_us);

/* When to log in again; CLOCK_NEVER_US: not at all, or one is under way. */
int64_t connection_login_due_us(const struct connection *connection);

/* Whether a step of a login runs elsewhere. */
bool connection_awaits_login(const struct connection *connection);

/* Whether the broker takes the caller's requests, or will once it has the next login. */
bool connection_is_established(const struct connection *connection);

/* True while a frame has begun to come in. */
bool connection_has_partial_input(const struct connection *connection);

/* What it means that the broker closes the connection now. Static memory. */
const char *connection_explain_end(const struct connection *connection);

/* Moves all requests to finished in order, their status set: with REQUEST_TIMED_OUT_LOCALLY only those whose
 * deadline has passed get it, with MALFORMED_RESPONSE and ABORTED all do; the rest is DISCONNECTED. */
void connection_close(struct connection *connection, int32_t status, int64_t now_us, struct list *finished);

enum connection_state connection_state(const struct connection *connection);
const struct api_versions *connection_api_versions(const struct connection *connection);
/* Requests of the caller's that were not handed back yet. */
uint32_t connection_open_count(const struct connection *connection);
/* The earliest deadline of an open request or step, our own included; CLOCK_NEVER_US without. */
int64_t connection_deadline_us(const struct connection *connection);
/* Time that must not count for the open requests (KIP-219). */
void connection_extend_deadlines(struct connection *connection, int64_t pause_us);

/* Lets the owner keep the connection in a list, such as of closed ones. */
struct list *connection_link(struct connection *connection);
struct connection *connection_of_link(struct list *link);

#endif
