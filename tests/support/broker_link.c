#include "support/broker_link.h"
#include "base/status.h"
#include "protocol/api.h"
#include "protocol/fetch.h"
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

static bool receive_exactly(struct broker_link *link, uint8_t *to, size_t size);

bool broker_link_open(struct broker_link *link, uint16_t port) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  *link = (struct broker_link){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ck_assert_int_ge(link->socket, 0);
  if (connect(link->socket, (const struct sockaddr *)&address, sizeof address) == 0) return true;
  broker_link_close(link);
  return false;
}

void broker_link_close(struct broker_link *link) {
  close(link->socket);
  wire_writer_deinit(&link->request);
  wire_writer_deinit(&link->response);
}

struct wire_writer *broker_link_begin(struct broker_link *link, int16_t api_key, int16_t api_version) {
  struct request_header header = {.api_key = api_key,
                                  .api_version = api_version,
                                  .correlation_id = ++link->correlation_id,
                                  .client_id = bytes_of_string("link")};
  link->api_key = api_key;
  link->api_version = api_version;
  wire_writer_reset(&link->request);
  request_header_write(&link->request, &header);
  return &link->request;
}

bool broker_link_send(struct broker_link *link) {
  request_frame_finish(&link->request, 0);
  ck_assert(!link->request.failed);
  for (size_t at = 0; at < link->request.size;) {
    ssize_t count = send(link->socket, link->request.data + at, link->request.size - at, MSG_NOSIGNAL);
    if (count <= 0) return false;
    at += (size_t)count;
  }
  return true;
}

bool broker_link_receive(struct broker_link *link, int32_t correlation_id) {
  uint8_t length[REQUEST_SIZE_BYTES];
  if (!receive_exactly(link, length, sizeof length)) return false;
  size_t size = bytes_load_u32(length);
  ck_assert_uint_lt(size, 200000000);
  wire_writer_reset(&link->response);
  uint8_t *to = wire_reserve(&link->response, size);
  ck_assert_ptr_nonnull(to);
  if (!receive_exactly(link, to, size)) return false;
  link->reader = wire_reader_of(bytes_of(to, size));
  ck_assert_int_eq(response_header_read(&link->reader, link->api_key, link->api_version), correlation_id);
  return true;
}

bool broker_link_is_readable(const struct broker_link *link, int wait_ms) {
  struct pollfd polled = {.fd = link->socket, .events = POLLIN};
  return poll(&polled, 1, wait_ms) == 1;
}

bool broker_link_send_batch(struct broker_link *link, int16_t acks, const char *topic, int32_t partition,
                            const struct batch_plan *plan) {
  struct wire_writer packed = {0};
  struct bytes batch = batch_plan_write(plan, &packed);
  struct produce_request request = {.acks = acks, .timeout_ms = 1000, .topic_count = 1};
  struct produce_request_topic named = {.name = bytes_of_string(topic), .partition_count = 1};
  struct produce_request_partition to = {.index = partition, .records_bytes = batch.size};
  struct wire_writer *writer = broker_link_begin(link, API_PRODUCE, 9);
  produce_request_write(writer, 9, &request);
  produce_request_write_topic(writer, 9, &named);
  produce_request_write_partition(writer, 9, &to);
  wire_write_raw(writer, batch);
  produce_request_write_partition_end(writer, 9);
  produce_request_write_topic_end(writer, 9);
  produce_request_write_end(writer, 9);
  wire_writer_deinit(&packed);
  return broker_link_send(link);
}

int16_t broker_link_receive_produced(struct broker_link *link, int32_t correlation_id, int64_t *base_offset) {
  struct produce_response_topic topic;
  struct produce_response_partition answer;
  struct produce_response_end end;
  link->api_key = API_PRODUCE;
  link->api_version = 9;
  ck_assert(broker_link_receive(link, correlation_id));
  ck_assert_int_eq(produce_response_read(&link->reader, 9), 1);
  produce_response_read_topic(&link->reader, 9, &topic);
  produce_response_read_partition(&link->reader, 9, &answer);
  produce_response_read_topic_end(&link->reader, 9);
  produce_response_read_end(&link->reader, 9, &end);
  ck_assert(!link->reader.failed);
  if (base_offset != NULL) *base_offset = answer.base_offset;
  return answer.error_code;
}

bool broker_link_send_fetch(struct broker_link *link, const char *topic, int32_t partition, int64_t offset,
                            int32_t max_wait_ms) {
  struct fetch_request request = {
      .replica_id = -1, .max_wait_ms = max_wait_ms, .min_bytes = 1, .max_bytes = 100 << 20, .topic_count = 1};
  struct fetch_topic named = {.name = bytes_of_string(topic), .partition_count = 1};
  struct fetch_request_partition from = {.index = partition,
                                         .current_leader_epoch = -1,
                                         .fetch_offset = offset,
                                         .last_fetched_epoch = -1,
                                         .log_start_offset = -1,
                                         .partition_max_bytes = 100 << 20};
  struct wire_writer *writer = broker_link_begin(link, API_FETCH, 12);
  fetch_request_write(writer, 12, &request);
  fetch_request_write_topic(writer, 12, &named);
  fetch_request_write_partition(writer, 12, &from);
  fetch_request_write_topic_end(writer, 12);
  fetch_request_write_end(writer, 12, bytes_of_string(""));
  return broker_link_send(link);
}

size_t broker_link_receive_fetched(struct broker_link *link, int32_t correlation_id) {
  struct fetch_response response;
  struct fetch_topic topic;
  struct fetch_response_partition answer;
  link->api_key = API_FETCH;
  link->api_version = 12;
  ck_assert(broker_link_receive(link, correlation_id));
  fetch_response_read(&link->reader, 12, &response);
  ck_assert_int_eq(response.topic_count, 1);
  fetch_response_read_topic(&link->reader, 12, &topic);
  fetch_response_read_partition(&link->reader, 12, &answer);
  fetch_response_read_topic_end(&link->reader, 12);
  fetch_response_read_end(&link->reader, 12);
  ck_assert(!link->reader.failed);
  ck_assert_int_eq(answer.error_code, STATUS_OK);
  return answer.records.size;
}

static bool receive_exactly(struct broker_link *link, uint8_t *to, size_t size) {
  for (size_t at = 0; at < size;) {
    ck_assert_msg(broker_link_is_readable(link, PATIENCE_MS), "no answer came");
    ssize_t count = recv(link->socket, to + at, size - at, 0);
    if (count <= 0) return false;
    at += (size_t)count;
  }
  return true;
}
