/* A numeric address with its port, as the system has it. A plain value without owner. */
#ifndef NETWORK_ADDRESS_H
#define NETWORK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address {
  uint32_t size;       /* of the struct sockaddr of its family, at most sizeof storage */
  uint8_t storage[28]; /* holds sockaddr_in6 */
};

enum { ADDRESS_TEXT_BYTES = 64 }; /* enough for address_format, terminator included */

/* Reads "10.0.0.1" or "::1" (no name is looked up); false for anything else. */
bool address_parse(const char *text, uint16_t port, struct address *address);

/* Writes "10.0.0.1:9092" or "[::1]:9092" and returns `text`. */
const char *address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

uint16_t address_port(const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

#endif
