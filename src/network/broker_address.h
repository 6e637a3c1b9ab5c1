/* Where a broker is, as bootstrap.servers or metadata names it. A view: owns nothing. */
#ifndef NETWORK_BROKER_ADDRESS_H
#define NETWORK_BROKER_ADDRESS_H

#include "base/bytes.h"

struct broker_address {
  int32_t node_id;
  struct bytes host;
  int32_t port;
};

#endif
