/* The list of bootstrap.servers. */
#ifndef PRODUCER_BOOTSTRAP_H
#define PRODUCER_BOOTSTRAP_H

#include "network/network_client.h"
#include "producer/config_error.h"
#include <stdint.h>

enum { BOOTSTRAP_DEFAULT_PORT = 9092 };

/* Reads host:port,[ipv6]:port,host,... ; white space around and empty places are passed over, PLAINTEXT://
 * before a host is allowed. *servers receives one allocation that also holds the hosts (terminated), to be
 * freed with allocator_free; node_id is -1 - index. name is that of the setting, for the message. Any thread;
 * does not block. Statuses: OK, INVALID_SETTING, OUT_OF_MEMORY. */
int32_t bootstrap_parse(const char *name, const char *text, struct broker_address **servers, uint32_t *count,
                        struct config_error *error);

#endif
