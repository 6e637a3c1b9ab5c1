#include "link.h"

#include "../programs/support.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 17, QUEUE_BYTES_MAX = 8 << 20, MUTE_MS_MAX = 200, DRIBBLE_INTERVAL_US = 1000 };

uint64_t proxy_draw(struct proxy *proxy, uint64_t from, uint64_t to) {
  proxy->random ^= proxy->random << 13;
  proxy->random ^= proxy->random >> 7;
  proxy->random ^= proxy->random << 17;
  return from + proxy->random % (to - from + 1);
}

static void half_init(struct half *half, struct link *link, int socket) {
  int one = 1;
  *half = (struct half){.link = link, .socket = socket, .cut_after = UINT64_MAX};
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.data.ptr = half};
  if (epoll_ctl(link->proxy->epoll, EPOLL_CTL_ADD, socket, &event) != 0) fail("epoll", strerror(errno));
}

/* Who cannot take more is not written to, and who cannot pass on what it gets is not read. */
static void watch(struct half *half, const struct half *other) {
  const struct link *link = half->link;
  bool slow = link->proxy->faults.dribble_bytes != 0;
  uint32_t wanted = 0;
  if (other->leaving.size < QUEUE_BYTES_MAX && link->held_bytes < QUEUE_BYTES_MAX) wanted |= EPOLLIN;
  if (half->leaving.size > 0 && !slow) wanted |= EPOLLOUT;
  if (wanted == half->watched) return;
  half->watched = wanted;
  struct epoll_event event = {.events = wanted, .data.ptr = half};
  if (epoll_ctl(link->proxy->epoll, EPOLL_CTL_MOD, half->socket, &event) != 0) fail("epoll", strerror(errno));
}

void link_create(struct proxy *proxy, int client, int broker) {
  struct link *link = calloc(1, sizeof *link);
  if (link == NULL) fail("link", "no memory");
  const struct faults *faults = &proxy->faults;
  link->proxy = proxy;
  link->next = proxy->links;
  proxy->links = link;
  proxy->tally.connections++;
  half_init(&link->client, link, client);
  half_init(&link->broker, link, broker);
  link->end_us = INT64_MAX;
  if (faults->life_max_ms > 0)
    link->end_us = now_us() + 1000 * (int64_t)proxy_draw(proxy, faults->life_min_ms, faults->life_max_ms);
  watch(&link->client, &link->broker);
  watch(&link->broker, &link->client);
}

static void half_end(struct half *half, enum link_ending ending) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  if (ending == LINK_RESET) (void)setsockopt(half->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  (void)close(half->socket);
  byte_queue_deinit(&half->arriving);
  byte_queue_deinit(&half->leaving);
}

static void pop_answer(struct link *link) {
  struct held_answer *answer = link->first_answer;
  link->first_answer = answer->next;
  if (link->first_answer == NULL) link->last_answer = NULL;
  link->held_bytes -= answer->size;
  free(answer);
}

void link_end(struct link *link, enum link_ending ending) {
  if (link->dead) return;
  link->dead = true;
  link->proxy->tally.ended++;
  half_end(&link->client, ending);
  half_end(&link->broker, ending);
  while (link->first_answer != NULL)
    pop_answer(link);
  for (; link->calls_ended < link->calls_begun; link->calls_ended++)
    free(link->calls[link->calls_ended % CALLS_MAX].batches);
}

void link_sweep(struct proxy *proxy) {
  struct link **at = &proxy->links;
  while (*at != NULL) {
    struct link *link = *at;
    if (link->dead) {
      *at = link->next;
      free(link);
    } else {
      at = &link->next;
    }
  }
}

/* ---- Requests ---- */

static bool is_written(const struct proxy *proxy, uint32_t checksum) {
  size_t count = proxy->written_count < BATCHES_REMEMBERED ? proxy->written_count : BATCHES_REMEMBERED;
  for (size_t i = 0; i < count; i++)
    if (proxy->written[i] == checksum) return true;
  return false;
}

static void remember_batch(struct call *call, uint32_t checksum) {
  uint32_t *batches = realloc(call->batches, (call->batch_count + 1) * sizeof *batches);
  if (batches == NULL) fail("call", "no memory");
  batches[call->batch_count++] = checksum;
  call->batches = batches;
}

static void damage_batches(struct proxy *proxy, struct call *call, uint8_t *frame, size_t size) {
  size_t at = 0;
  for (uint8_t *batch; (batch = frame_next_batch(frame, size, &at)) != NULL;) {
    if (proxy->faults.alter_percent > proxy_draw(proxy, 0, 99))
      proxy->tally.altered += batch_alter(batch, (uint32_t)proxy_draw(proxy, 0, UINT32_MAX - 1));
    if (!proxy->faults.restamp) continue;
    if (is_written(proxy, batch_checksum(batch))) {
      batch_restamp(batch);
      proxy->tally.restamped++;
    } else {
      remember_batch(call, batch_checksum(batch));
    }
  }
}

static void arm_cut(struct half *half, enum cut_side side) {
  struct faults *faults = &half->link->proxy->faults;
  if (faults->cut != side) return;
  half->cut_after = half->leaving.size + faults->cut_at;
  faults->cut = CUT_NONE;
}

static void pass_request(struct link *link, uint8_t *frame, size_t size) {
  struct proxy *proxy = link->proxy;
  struct request_head head = frame_parse_head(frame, size);
  if (link->calls_begun - link->calls_ended == CALLS_MAX) fail("link", "owes too many answers");
  struct call *call = &link->calls[link->calls_begun++ % CALLS_MAX];
  *call = (struct call){.produce = head.api_key == API_PRODUCE};
  memcpy(link->client_id, head.client_id, sizeof link->client_id);
  if (call->produce) {
    if (proxy->faults.alter_percent > 0 || proxy->faults.restamp) damage_batches(proxy, call, frame, size);
    arm_cut(&link->broker, CUT_REQUEST);
  }
  byte_queue_push(&link->broker.leaving, frame, size);
}

/* ---- Answers ---- */

static void drop_answer(struct link *link, const struct call *call) {
  struct proxy *proxy = link->proxy;
  for (uint32_t i = 0; i < call->batch_count; i++)
    proxy->written[proxy->written_count++ % BATCHES_REMEMBERED] = call->batches[i];
  proxy->tally.dropped++;
  if (link->mute) return;
  link->mute = true;
  int64_t end_us = now_us() + 1000 * (int64_t)proxy_draw(proxy, 0, MUTE_MS_MAX);
  if (end_us < link->end_us) link->end_us = end_us;
}

static void keep_answer(struct link *link, bool produce, const uint8_t *frame, size_t size) {
  struct proxy *proxy = link->proxy;
  struct held_answer *answer = malloc(sizeof *answer + size);
  if (answer == NULL) fail("answer", "no memory");
  *answer = (struct held_answer){.release_us = now_us(), .produce = produce, .size = size};
  memcpy(answer->bytes, frame, size);
  const struct faults *faults = &proxy->faults;
  if (faults->delay_max_ms > 0)
    answer->release_us += 1000 * (int64_t)proxy_draw(proxy, faults->delay_min_ms, faults->delay_max_ms);
  if (link->last_answer == NULL)
    link->first_answer = answer;
  else
    link->last_answer->next = answer;
  link->last_answer = answer;
  link->held_bytes += size;
}

static void pass_answer(struct link *link, uint8_t *frame, size_t size) {
  struct proxy *proxy = link->proxy;
  if (link->calls_ended == link->calls_begun) fail("broker", "answers what was not asked");
  struct call *call = &link->calls[link->calls_ended++ % CALLS_MAX];
  proxy->tally.produce_answers += call->produce;
  if (call->produce && (link->mute || proxy->faults.drop_percent > proxy_draw(proxy, 0, 99)))
    drop_answer(link, call);
  free(call->batches);
  call->batches = NULL;
  if (!link->mute) keep_answer(link, call->produce, frame, size);
}

/* While holding, logins and metadata still pass, or who has just connected would have nothing to be held. */
static bool may_leave(const struct link *link) {
  const struct held_answer *answer = link->first_answer;
  return answer != NULL && !(link->proxy->faults.holding && answer->produce);
}

static void release_answers(struct link *link, int64_t at_us) {
  while (may_leave(link) && link->first_answer->release_us <= at_us) {
    const struct held_answer *answer = link->first_answer;
    if (answer->produce) arm_cut(&link->client, CUT_ANSWER);
    byte_queue_push(&link->client.leaving, answer->bytes, answer->size);
    pop_answer(link);
  }
}

/* ---- Bytes ---- */

static void pass_frames(struct half *half) {
  struct link *link = half->link;
  struct byte_queue *arriving = &half->arriving;
  for (;;) {
    size_t size = frame_bytes(byte_queue_front(arriving), arriving->size);
    if (size == 0 || size > arriving->size) return;
    if (half == &link->client)
      pass_request(link, byte_queue_front(arriving), size);
    else
      pass_answer(link, byte_queue_front(arriving), size);
    byte_queue_drop(arriving, size);
  }
}

static void flush(struct half *half) {
  struct link *link = half->link;
  size_t size = half->leaving.size;
  uint64_t dribble_bytes = link->proxy->faults.dribble_bytes;
  if (dribble_bytes != 0 && size > dribble_bytes) size = dribble_bytes;
  if (size > half->cut_after) size = (size_t)half->cut_after;
  ssize_t sent = size == 0 ? 0 : send(half->socket, byte_queue_front(&half->leaving), size, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN && errno != EINPROGRESS) {
    link_end(link, LINK_RESET);
  } else if (sent > 0) {
    byte_queue_drop(&half->leaving, (size_t)sent);
    if (half->cut_after != UINT64_MAX) half->cut_after -= (uint64_t)sent;
  }
  if (half->cut_after == 0 && !link->dead) {
    link->proxy->tally.cut++;
    link_end(link, LINK_CLOSE);
  }
}

/* The end of one side ends the other. */
static void receive(struct half *half) {
  struct link *link = half->link;
  uint8_t *room = byte_queue_reserve(&half->arriving, READ_BYTES);
  ssize_t received = recv(half->socket, room, READ_BYTES, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) {
    link_end(link, received == 0 ? LINK_CLOSE : LINK_RESET);
    return;
  }
  half->arriving.size += (size_t)received;
  pass_frames(half);
}

void link_serve(struct half *half, uint32_t events) {
  struct link *link = half->link;
  if (!link->dead && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) receive(half);
  if (!link->dead && (events & EPOLLOUT) != 0) flush(half);
}

int64_t link_step(struct link *link, int64_t at_us) {
  if (link->dead) return INT64_MAX;
  if (link->end_us <= at_us) {
    link_end(link, proxy_draw(link->proxy, 0, 1) == 0 ? LINK_CLOSE : LINK_RESET);
    return INT64_MAX;
  }
  release_answers(link, at_us);
  bool slow = link->proxy->faults.dribble_bytes != 0;
  if (!slow || link->dribble_us <= at_us) {
    link->dribble_us = at_us + DRIBBLE_INTERVAL_US;
    flush(&link->client);
    if (!link->dead) flush(&link->broker);
    if (link->dead) return INT64_MAX;
  }
  watch(&link->client, &link->broker);
  watch(&link->broker, &link->client);
  int64_t next_us = link->end_us;
  if (may_leave(link) && link->first_answer->release_us < next_us) next_us = link->first_answer->release_us;
  if (slow && link->client.leaving.size + link->broker.leaving.size > 0 && link->dribble_us < next_us)
    next_us = link->dribble_us;
  return next_us;
}

uint64_t link_count_owed(const struct proxy *proxy, const char *client_id, bool only_held) {
  uint64_t count = 0;
  for (const struct link *link = proxy->links; link != NULL; link = link->next) {
    if (link->dead || strcmp(link->client_id, client_id) != 0) continue;
    for (const struct held_answer *answer = link->first_answer; answer != NULL; answer = answer->next)
      count += answer->produce;
    for (uint64_t i = link->calls_ended; i < link->calls_begun && !only_held; i++)
      count += link->calls[i % CALLS_MAX].produce;
  }
  return count;
}
