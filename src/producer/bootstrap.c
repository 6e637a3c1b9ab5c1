#include "producer/bootstrap.h"

#include "base/allocator.h"
#include "base/status.h"
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What is between commas, and what was found in it. */
struct place {
  const char *text; /* trimmed */
  size_t size;
  const char *host;
  size_t host_size;
  int32_t port;
};

/* DNS allows 253 bytes; an address with its zone is shorter. */
enum { HOST_MAX_BYTES = 255 };

static const char spaces[] = " \t\r\n\f";

static bool place_next(const char **cursor, struct place *place);
static size_t protocol_bytes(const struct place *place);
static bool is_of_name(char c);
static const char *place_read(struct place *place);
static const char *address_read(struct place *place);
static const char *name_read(struct place *place);
static const char *port_read(struct place *place, const char *text);

int32_t bootstrap_parse(const char *name, const char *text, struct broker_address **servers, uint32_t *count,
                        struct config_error *error) {
  size_t place_count = 0, host_bytes = 0;
  struct place place;
  for (const char *cursor = text; place_next(&cursor, &place); place_count++) {
    const char *fault = place_read(&place);
    if (fault != NULL) {
      int shown = place.size > 100 ? 100 : (int)place.size;
      config_error_set(error, "%s: \"%.*s\" %s", name, shown, place.text, fault);
      return STATUS_INVALID_SETTING;
    }
    host_bytes += place.host_size + 1;
  }
  if (place_count == 0) {
    config_error_set(error, "%s names no server: it must be a list such as host1:9092,host2:9092", name);
    return STATUS_INVALID_SETTING;
  }
  size_t array_bytes = place_count * sizeof(struct broker_address);
  struct broker_address *list = allocator_allocate(array_bytes + host_bytes);
  if (list == NULL) return STATUS_OUT_OF_MEMORY;
  char *host = (char *)list + array_bytes;
  int32_t index = 0;
  for (const char *cursor = text; place_next(&cursor, &place); index++) {
    (void)place_read(&place);
    memcpy(host, place.host, place.host_size);
    host[place.host_size] = '\0';
    list[index] = (struct broker_address){
        .node_id = -1 - index, .host = bytes_of(host, place.host_size), .port = place.port};
    host += place.host_size + 1;
  }
  *servers = list;
  *count = (uint32_t)place_count;
  return STATUS_OK;
}

static bool place_next(const char **cursor, struct place *place) {
  const char *from = *cursor;
  while (*from == ',' || (*from != '\0' && strchr(spaces, *from) != NULL))
    from++;
  size_t size = strcspn(from, ",");
  *cursor = from + size;
  while (size > 0 && strchr(spaces, from[size - 1]) != NULL)
    size--;
  *place = (struct place){.text = from, .size = size};
  return size > 0;
}

/* Fills in host and port. NULL, or what is wrong as the end of a sentence. */
static const char *place_read(struct place *place) {
  place->host = place->text + protocol_bytes(place);
  if (memmem(place->host, place->size - (size_t)(place->host - place->text), "://", 3) != NULL)
    return "names a protocol that Kafka does not have: security.protocol says it, it must be host:port";
  bool bracketed = place->host < place->text + place->size && *place->host == '[';
  return bracketed ? address_read(place) : name_read(place);
}

/* Of what listeners begin with. As with Kafka's own clients it says nothing: security.protocol does. */
static size_t protocol_bytes(const struct place *place) {
  static const char *const protocols[] = {"PLAINTEXT://", "SSL://", "SASL_PLAINTEXT://", "SASL_SSL://"};
  for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
    size_t size = strlen(protocols[i]);
    if (size <= place->size && strncasecmp(place->text, protocols[i], size) == 0) return size;
  }
  return 0;
}

static bool is_of_name(char c) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || c == '.' || c == '-' || c == '_';
}

/* [address]:port, or [address%zone]:port */
static const char *address_read(struct place *place) {
  const char *end = place->text + place->size;
  const char *close = memchr(place->host, ']', (size_t)(end - place->host));
  if (close == NULL) return "lacks the closing bracket of its IPv6 address";
  place->host++;
  place->host_size = (size_t)(close - place->host);
  if (place->host_size == 0 || place->host_size > HOST_MAX_BYTES)
    return "lacks an address between its brackets";
  const char *zone = memchr(place->host, '%', place->host_size);
  size_t digits = zone == NULL ? place->host_size : (size_t)(zone - place->host);
  for (size_t i = 0; i < place->host_size; i++) {
    bool fits = i < digits ? memchr("0123456789abcdefABCDEF:.", place->host[i], 24) != NULL
                           : i == digits || is_of_name(place->host[i]);
    if (!fits || digits == 0) return "has no IPv6 address in its brackets";
  }
  return port_read(place, close + 1);
}

/* name:port or address:port */
static const char *name_read(struct place *place) {
  const char *end = place->text + place->size;
  size_t size = 0;
  for (const char *c = place->host; c < end && *c != ':'; c++, size++) {
    if (!is_of_name(*c)) return "has a character that a host name cannot have: it must be host:port";
  }
  place->host_size = size;
  const char *rest = place->host + size;
  if (rest < end && memchr(rest + 1, ':', (size_t)(end - rest - 1)) != NULL) {
    return "has more than one colon: IPv6 addresses stand in brackets, as in [::1]:9092";
  }
  if (size == 0) return "lacks a host: it must be host:port";
  if (size > HOST_MAX_BYTES) return "has a host name of more than 255 bytes";
  return port_read(place, rest);
}

/* ":port" up to the place's end, or nothing for the default. */
static const char *port_read(struct place *place, const char *text) {
  const char *end = place->text + place->size;
  place->port = BOOTSTRAP_DEFAULT_PORT;
  if (text == end) return NULL;
  if (*text != ':') return "has something other than a port behind its address";
  static const char fault[] = "has no valid port: it must be a number from 1 to 65535";
  int32_t port = 0;
  for (const char *c = text + 1; c < end; c++) {
    if (*c < '0' || *c > '9') return fault;
    port = port * 10 + (*c - '0');
    if (port > 65535) return fault;
  }
  if (port == 0) return fault;
  place->port = port;
  return NULL;
}
