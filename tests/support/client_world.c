#include "support/client_world.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/status.h"
#include "protocol/request_header.h"
#include <stdio.h>
#include <stdlib.h>

enum { ADDRESSES_MAX = 128, HOST_BYTES = 64 };

/* Addresses as a text names them; hosts holds what they point to. */
struct address_list {
  struct broker_address addresses[ADDRESSES_MAX];
  char hosts[ADDRESSES_MAX][HOST_BYTES];
  uint32_t count;
};

static uint32_t completed_calls;

static void parse_list(const char *text, struct address_list *list);
static void remember_event(void *context, int32_t node_id, int32_t status, const char *text);
static void remember_result(struct request *request, const struct request_result *result);

void client_world_init(struct client_world *world) {
  *world = (struct client_world){.event_count = 0};
  fake_broker_init(&world->broker, CLIENT_WORLD_S);
  world->transport = world->broker.transport;
  world->settings =
      (struct network_client_settings){.client_id = bytes_of_string("test"),
                                       .software_name = bytes_of_string("sendoff"),
                                       .software_version = bytes_of_string("1.0.0"),
                                       .max_in_flight = 5,
                                       .request_timeout_us = 30 * (int64_t)CLIENT_WORLD_S,
                                       .connection_setup_timeout_us = 10 * (int64_t)CLIENT_WORLD_S,
                                       .connection_setup_timeout_max_us = 30 * (int64_t)CLIENT_WORLD_S,
                                       .reconnect_backoff_us = 50 * (int64_t)CLIENT_WORLD_MS,
                                       .reconnect_backoff_max_us = 1000 * (int64_t)CLIENT_WORLD_MS,
                                       .connections_max_idle_us = 540 * (int64_t)CLIENT_WORLD_S,
                                       .receive_message_max_bytes = 100 * 1000,
                                       .seed = 42,
                                       .on_connection = remember_event,
                                       .context = world};
}

void client_world_start(struct client_world *world, const char *bootstrap) {
  static struct address_list list;
  parse_list(bootstrap, &list);
  int32_t status = network_client_create(&world->settings, fake_transport_base(world->transport),
                                         list.addresses, list.count, &world->client);
  ASSERT(status == STATUS_OK);
}

void client_world_deinit(struct client_world *world) {
  if (world->client != NULL)
    network_client_destroy(world->client);
  else
    fake_transport_base(world->transport)->operations->destroy(fake_transport_base(world->transport));
  fake_broker_deinit(&world->broker);
}

int64_t client_world_now_us(const struct client_world *world) {
  return fake_transport_now_us(world->transport);
}

void client_world_run(struct client_world *world, int64_t duration_us) {
  int64_t end_us = client_world_now_us(world) + duration_us;
  while (client_world_now_us(world) < end_us)
    network_client_poll(world->client, client_world_now_us(world), end_us, fake_transport_clock_us,
                        world->transport);
  client_world_step(world);
}

void client_world_step(struct client_world *world) {
  int64_t now_us = client_world_now_us(world);
  network_client_poll(world->client, now_us, now_us, fake_transport_clock_us, world->transport);
}

bool client_world_connect(struct client_world *world, int32_t node_id) {
  int64_t end_us = client_world_now_us(world) + 60 * (int64_t)CLIENT_WORLD_S;
  while (!network_client_ready(world->client, node_id, client_world_now_us(world))) {
    int64_t now_us = client_world_now_us(world);
    if (now_us >= end_us) return false;
    int64_t ready_at_us = network_client_ready_at_us(world->client, node_id);
    network_client_poll(world->client, now_us, ready_at_us < end_us ? ready_at_us : end_us,
                        fake_transport_clock_us, world->transport);
  }
  return true;
}

bool client_world_is_ready(struct client_world *world, int32_t node_id) {
  return network_client_is_ready(world->client, node_id, client_world_now_us(world));
}

void client_world_set_brokers(struct client_world *world, const char *brokers) {
  static struct address_list list;
  parse_list(brokers, &list);
  int32_t status =
      network_client_set_brokers(world->client, list.addresses, list.count, client_world_now_us(world));
  ASSERT(status == STATUS_OK);
}

void call_init(struct call *call, struct client_world *world, size_t size) {
  *call = (struct call){.world = world};
  const struct request_header header = {.api_key = API_METADATA,
                                        .api_version = 9,
                                        .correlation_id = network_client_next_correlation(world->client),
                                        .client_id = bytes_of_string("test")};
  request_header_write(&call->frame, &header);
  ASSERT(call->frame.size <= size);
  while (call->frame.size < size)
    wire_write_int8(&call->frame, (int8_t)call->frame.size);
  request_frame_finish(&call->frame, 0);
  ASSERT(!call->frame.failed);
  call->segment = (struct transport_segment){.data = call->frame.data, .size = call->frame.size};
  call->request = (struct request){.api_key = header.api_key,
                                   .api_version = header.api_version,
                                   .correlation_id = header.correlation_id,
                                   .expects_response = true,
                                   .segments = &call->segment,
                                   .segment_count = 1,
                                   .timeout_us = world->settings.request_timeout_us,
                                   .complete = remember_result,
                                   .context = call};
}

void call_send(struct call *call, int32_t node_id) {
  network_client_send(call->world->client, node_id, &call->request, client_world_now_us(call->world));
}

void call_deinit(struct call *call) {
  wire_writer_deinit(&call->frame);
}

void call_answer(struct call *call, const char *body) {
  struct fake_broker *broker = &call->world->broker;
  for (uint32_t i = broker->request_count; i-- > 0;) {
    if (broker->requests[i].correlation_id != call->request.correlation_id ||
        broker->requests[i].api_key != call->request.api_key)
      continue;
    fake_broker_answer(broker, &broker->requests[i], bytes_of_string(body));
    return;
  }
  ASSERT(false); /* the request has not arrived */
}

static void parse_list(const char *text, struct address_list *list) {
  list->count = 0;
  while (*text != '\0') {
    ASSERT(list->count < ADDRESSES_MAX);
    struct broker_address *address = &list->addresses[list->count];
    char *host = list->hosts[list->count];
    char *after;
    address->node_id = -1;
    long id = strtol(text, &after, 10);
    if (*after == '=') {
      address->node_id = (int32_t)id;
      text = after + 1;
    }
    size_t size = strcspn(text, ":");
    ASSERT(size < HOST_BYTES && text[size] == ':');
    memcpy(host, text, size);
    address->host = bytes_of(host, size);
    address->port = (int32_t)strtol(text + size + 1, &after, 10);
    text = after + strspn(after, " ");
    list->count++;
  }
}

static void remember_event(void *context, int32_t node_id, int32_t status, const char *text) {
  struct client_world *world = context;
  ASSERT(world->event_count < CLIENT_WORLD_EVENTS_MAX);
  struct client_world_event *event = &world->events[world->event_count++];
  event->node_id = node_id;
  event->status = status;
  snprintf(event->text, sizeof event->text, "%s", text);
}

static void remember_result(struct request *request, const struct request_result *result) {
  struct call *call = request->context;
  call->completed_count++;
  call->order = ++completed_calls;
  call->result = *result;
  call->body_size = wire_reader_left(&result->body);
  size_t kept = call->body_size < sizeof call->body ? call->body_size : sizeof call->body;
  if (kept > 0) memcpy(call->body, result->body.at, kept);
  if (call->then != NULL) call->then(call);
}
