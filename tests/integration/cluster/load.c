#include "load.h"

#include "../programs/support.h"
#include "checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_INTERVAL_US = 10000, PAD_BYTES_MAX = 160 };

static void map_ledger(struct load *load, const char *path) {
  size_t size = load->record_count * sizeof *load->ledger;
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, (off_t)size) != 0) fail(path, strerror(errno));
  void *ledger = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (ledger == MAP_FAILED) fail(path, strerror(errno));
  load->ledger = ledger;
  (void)close(file);
}

void load_init(struct load *load, char *const arguments[LOAD_ARGUMENTS]) {
  load->prefix = arguments[0];
  load->topic_count = parse_count(arguments[1]);
  load->run = (uint32_t)parse_count(arguments[2]);
  load->record_count = parse_count(arguments[3]);
  if (load->topic_count == 0 || load->record_count == 0) fail("count", "is 0");
  if (strlen(load->prefix) + 7 > LOAD_TOPIC_BYTES_MAX) fail("topic", "is too long");
  map_ledger(load, arguments[5]);
  pace_init(&load->pace, parse_count(arguments[4]));
  load->started_us = now_us();
  struct timespec wall;
  (void)clock_gettime(CLOCK_REALTIME, &wall);
  load->started_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

/* The finalizer of splitmix64: well mixed bits of run and id. */
static uint64_t mix(uint64_t bits) {
  bits += 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

static size_t write_pad(char *pad, uint64_t bits) {
  size_t size = bits % PAD_BYTES_MAX + 1;
  for (size_t i = 0; i < size; i++) {
    if (i % 8 == 0) bits = mix(bits);
    pad[i] = (char)('a' + (bits >> 8 * (i % 8) & 15));
  }
  pad[size] = '\0';
  return size;
}

static struct load_record make_record(struct load *load, uint64_t id) {
  static char topic[LOAD_TOPIC_BYTES_MAX], key[LOAD_KEY_BYTES + 1], text[LOAD_TEXT_BYTES_MAX];
  char pad[PAD_BYTES_MAX + 2];
  uint64_t bits = mix((uint64_t)load->run << 40 ^ id);
  unsigned int key_index = (unsigned int)(bits >> 32) % LOAD_KEYS;
  if (load->topic_count == 1)
    (void)snprintf(topic, sizeof topic, "%s", load->prefix);
  else
    (void)snprintf(topic, sizeof topic, "%s-%05" PRIu64, load->prefix, id % load->topic_count);
  (void)snprintf(key, sizeof key, "user-%05u", key_index);
  (void)write_pad(pad, bits);
  int size =
      snprintf(text, sizeof text, "run=%08" PRIx32 " topic=%s key=%s n=%" PRIu32 " id=%" PRIu64 " pad=%s",
               load->run, topic, key, load->counters[key_index]++, id, pad);
  size += snprintf(text + size, sizeof text - (size_t)size, " crc=%08" PRIx32, crc32_of(text, (size_t)size));
  return (struct load_record){id, topic, key, text, (size_t)size};
}

void load_run(struct load *load, bool (*send)(void *user, const struct load_record *record), void *user) {
  for (uint64_t id = 0; id < load->record_count; id++) {
    if (!pace_wait(&load->pace, id)) return;
    struct load_record record = make_record(load, id);
    load->ledger[id].accepted = 1;
    if (!send(user, &record)) {
      load->ledger[id].accepted = 0;
      load->refused++;
    }
    atomic_store(&load->sent, id + 1);
  }
}

static void count_reason(struct load *load, int32_t status) {
  size_t i = 0;
  while (i < load->reason_count && load->reasons[i].status != status)
    i++;
  if (i == LOAD_REASONS_MAX) fail("reasons", "are too many");
  if (i == load->reason_count) load->reasons[load->reason_count++].status = status;
  load->reasons[i].count++;
}

void load_report(struct load *load, uint64_t id, enum load_outcome outcome, int32_t partition, int64_t offset,
                 int32_t status) {
  if (id >= load->record_count || outcome < LOAD_DELIVERED || outcome > LOAD_UNKNOWN)
    fail("report", "makes no sense");
  struct ledger_entry *entry = &load->ledger[id];
  entry->offset = offset;
  entry->partition = partition;
  entry->status = status;
  entry->outcome = (uint8_t)outcome;
  entry->reported_ms = (uint32_t)((now_us() - load->started_us) / 1000);
  if (entry->reports < UINT8_MAX) entry->reports++;
  load->outcomes[outcome]++;
  if (outcome >= LOAD_NOT_DELIVERED) count_reason(load, status);
}

void load_print_outcomes(const struct load *load) {
  (void)printf("\"started_ms\": %" PRId64 ", \"accepted\": %" PRIu64 ", \"refused\": %" PRIu64
               ", \"delivered\": %" PRIu64 ", \"delivered_offset_unknown\": %" PRIu64
               ", \"not_delivered\": %" PRIu64 ", \"unknown\": %" PRIu64,
               load->started_ms, atomic_load(&load->sent) - load->refused, load->refused,
               load->outcomes[LOAD_DELIVERED], load->outcomes[LOAD_DELIVERED_OFFSET_UNKNOWN],
               load->outcomes[LOAD_NOT_DELIVERED], load->outcomes[LOAD_UNKNOWN]);
  (void)printf(", \"reasons\": {");
  for (size_t i = 0; i < load->reason_count; i++)
    (void)printf("%s\"%" PRId32 "\": %" PRIu64, i == 0 ? "" : ", ", load->reasons[i].status,
                 load->reasons[i].count);
  (void)printf("}");
}

int load_wait_progress(struct load *load) {
  sleep_us(PROGRESS_INTERVAL_US);
  return !atomic_load(&load->finished);
}
