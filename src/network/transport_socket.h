/* The transport over the system's sockets. */
#ifndef NETWORK_TRANSPORT_SOCKET_H
#define NETWORK_TRANSPORT_SOCKET_H

#include "network/transport.h"

struct transport_socket_settings {
  int32_t send_buffer_bytes;    /* -1: the system's default */
  int32_t receive_buffer_bytes; /* -1: the system's default */
  int32_t address_family;       /* 0 any, 4, 6 */
  bool keepalive;
  bool no_delay;
  int32_t user_timeout_ms; /* TCP_USER_TIMEOUT where the system has it; 0: off */
};

/* epoll on Linux, poll(2) elsewhere (or with SENDOFF_POLL defined). All descriptors are close-on-exec. */
int32_t transport_socket_create(const struct transport_socket_settings *settings,
                                struct transport **transport);

#endif
