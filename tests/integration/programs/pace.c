#include "pace.h"

#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BURST_US = 4000 };

static void *read_limits(void *argument) {
  struct pace *pace = argument;
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    static const char word[] = "limit ";
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "end") == 0)
      atomic_store(&pace->told_to_end, 1);
    else if (strncmp(line, word, sizeof word - 1) == 0)
      atomic_store(&pace->limit, parse_count(line + sizeof word - 1));
    else
      fail(line, "is no command");
  }
  atomic_store(&pace->limit, UINT64_MAX);
  return NULL;
}

void pace_init(struct pace *pace, uint64_t rate) {
  if (rate == 0) fail("rate", "is 0");
  pace->rate = rate;
  pace->begun_us = now_us();
  pthread_t reader;
  if (pthread_create(&reader, NULL, read_limits, pace) != 0) fail("limits", "no thread");
  (void)pthread_detach(reader);
}

static bool is_due(const struct pace *pace, uint64_t number) {
  uint64_t elapsed_us = (uint64_t)(now_us() - pace->begun_us);
  return number < atomic_load(&pace->limit) && number * 1000000 <= elapsed_us * pace->rate;
}

bool pace_wait(struct pace *pace, uint64_t number) {
  while (!atomic_load(&pace->told_to_end) && !is_due(pace, number)) {
    int64_t before_us = now_us();
    sleep_us(BURST_US);
    if (number >= atomic_load(&pace->limit)) pace->begun_us += now_us() - before_us;
  }
  return !atomic_load(&pace->told_to_end);
}
