/* Texts of bootstrap.servers, and of addresses. What was read is written plainly, and has to be read as the
 * same. */
#include "producer/bootstrap.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "network/address.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_servers(const char *text, size_t size);
static char *write_plainly(const struct broker_address *servers, uint32_t count, size_t size);
static void check_address(const char *text);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  ASSERT(text != NULL);
  memcpy(text, data, size);
  text[size] = '\0';
  check_servers(text, strlen(text));
  check_address(text);
  free(text);
  return 0;
}

static int32_t parse(const char *text, struct broker_address **servers, uint32_t *count) {
  struct config_error error = {.text = ""};
  int32_t status = bootstrap_parse("bootstrap.servers", text, servers, count, &error);
  ASSERT(status == STATUS_OK || status == STATUS_INVALID_SETTING);
  ASSERT((status == STATUS_OK) == (error.text[0] == '\0'));
  for (const char *at = error.text; *at != '\0'; at++)
    ASSERT((unsigned char)*at >= 0x20 && *at != 0x7f);
  return status;
}

static void check_servers(const char *text, size_t size) {
  struct broker_address *servers = NULL, *again = NULL;
  uint32_t count = 0, again_count = 0;
  if (parse(text, &servers, &count) != STATUS_OK) return;
  ASSERT(count > 0);
  char *plain = write_plainly(servers, count, size);
  int32_t status = parse(plain, &again, &again_count);
  ASSERT(status == STATUS_OK && again_count == count);
  for (uint32_t i = 0; i < count; i++) {
    ASSERT(servers[i].node_id == -1 - (int32_t)i && servers[i].port > 0 && servers[i].port <= 65535);
    ASSERT(servers[i].host.size > 0 && strlen((const char *)servers[i].host.data) == servers[i].host.size);
    ASSERT(bytes_equal(servers[i].host, again[i].host) && servers[i].port == again[i].port);
  }
  free(plain);
  allocator_free(servers);
  allocator_free(again);
}

static char *write_plainly(const struct broker_address *servers, uint32_t count, size_t size) {
  size_t capacity = size + count * sizeof "[]:65535,";
  char *text = malloc(capacity);
  ASSERT(text != NULL);
  size_t at = 0;
  for (uint32_t i = 0; i < count; i++) {
    const char *host = (const char *)servers[i].host.data;
    bool is_v6 = strpbrk(host, ":%") != NULL;
    at += (size_t)snprintf(text + at, capacity - at, "%s%s%s:%d,", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                           (int)servers[i].port);
    ASSERT(at < capacity);
  }
  return text;
}

static void check_address(const char *text) {
  struct address address, again;
  char formatted[ADDRESS_TEXT_BYTES];
  if (!address_parse(text, 9092, &address)) return;
  ASSERT(address_format(&address, formatted) == formatted && address_port(&address) == 9092);
  char *colon = strrchr(formatted, ':');
  ASSERT(colon != NULL && strcmp(colon, ":9092") == 0);
  bool is_v6 = formatted[0] == '[';
  colon[is_v6 ? -1 : 0] = '\0';
  bool is_parsed = address_parse(formatted + (is_v6 ? 1 : 0), 9092, &again);
  ASSERT(is_parsed && address_equal(&address, &again));
}
