#include "network/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port),
               "one place");
_Static_assert(sizeof(struct sockaddr_in6) <= sizeof((struct address *)0)->storage, "IPv6 must fit");

bool address_parse(const char *text, uint16_t port, struct address *address) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    *address = (struct address){.size = sizeof v4};
    memcpy(address->storage, &v4, sizeof v4);
    return true;
  }
  if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
    *address = (struct address){.size = sizeof v6};
    memcpy(address->storage, &v6, sizeof v6);
    return true;
  }
  return false;
}

const char *address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address->size == sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 v6;
    memcpy(&v6, address->storage, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    snprintf(text, ADDRESS_TEXT_BYTES, "[%s]:%u", host, (unsigned)ntohs(v6.sin6_port));
  } else {
    struct sockaddr_in v4;
    memcpy(&v4, address->storage, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    snprintf(text, ADDRESS_TEXT_BYTES, "%s:%u", host, (unsigned)ntohs(v4.sin_port));
  }
  return text;
}

uint16_t address_port(const struct address *address) {
  struct sockaddr_in v4; /* the port is where IPv6 has it, too */
  memcpy(&v4, address->storage, sizeof v4);
  return ntohs(v4.sin_port);
}

bool address_equal(const struct address *a, const struct address *b) {
  return a->size == b->size && memcmp(a->storage, b->storage, a->size) == 0;
}
