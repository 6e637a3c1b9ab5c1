/* One client's connection to the broker server: a non-blocking socket, what has been read of its requests,
 * and what its peer has not taken of the answers yet. The server's thread owns it.
 *
 * Requests are answered in order, one at a time. Neither buffer grows without bound: no request is handled
 * while more than BROKER_CONNECTION_OUTPUT_MARK bytes of answers wait, and then nothing is read either. */
#ifndef BROKER_BROKER_CONNECTION_H
#define BROKER_BROKER_CONNECTION_H

#include "base/list.h"
#include "protocol/wire.h"
#include <stdbool.h>

enum { BROKER_CONNECTION_OUTPUT_MARK = 1 << 20 };

/* Invariants: input_at <= input_size <= input_capacity; output_at <= output.size. */
struct broker_connection {
  struct list link; /* in the server's list */
  int socket;       /* owned */
  uint8_t *input;   /* owned */
  size_t input_at, input_size, input_capacity;
  size_t request_max_bytes;
  struct wire_writer output;
  size_t output_at;
  bool stalled; /* what comes is thrown away */
  /* A Fetch in front of the input that waits for more records. */
  bool waiting;
  int64_t wait_until_us;
  uint64_t wait_append_count; /* broker_model_append_count when it was last tried */
};

/* Takes over the socket, which becomes non-blocking. NULL without memory; the socket is then closed. */
struct broker_connection *broker_connection_create(int socket, size_t request_max_bytes);
/* Closes the socket. The connection is in no list. */
void broker_connection_destroy(struct broker_connection *connection);

/* Whether there is room to read, and something to write. */
bool broker_connection_wants_input(const struct broker_connection *connection);
bool broker_connection_wants_output(const struct broker_connection *connection);

/* Reads once what the socket has, and sends what it takes. False when the connection is over. */
bool broker_connection_receive(struct broker_connection *connection);
bool broker_connection_send(struct broker_connection *connection);

enum broker_frame {
  BROKER_FRAME_READY,      /* request holds a whole request, without its length; valid until the next call */
  BROKER_FRAME_INCOMPLETE, /* more has to be read first, or the output to be sent */
  BROKER_FRAME_INVALID,    /* a length that is not allowed */
};

/* The request in front; broker_connection_next_request goes on to the one behind. */
enum broker_frame broker_connection_request(const struct broker_connection *connection,
                                            struct bytes *request);
void broker_connection_next_request(struct broker_connection *connection);

/* From now on no request is in front, whatever comes. */
void broker_connection_stall(struct broker_connection *connection);

#endif
