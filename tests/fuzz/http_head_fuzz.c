/* Heads of HTTP answers, line by line. */
#include "security/http_head.h"

#include "base/assertion.h"
#include <stdio.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT_MS = 60000, SAFE_DAYS = 28 };

static const int64_t NOW_MS = 1700000000000;

static void check_head(const struct http_head *head);
static void check_date(struct bytes text);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct http_head head = {0};
  struct bytes rest = bytes_of(data, size);
  while (rest.size > 0) {
    const uint8_t *end = memchr(rest.data, '\n', rest.size);
    size_t line_bytes = end == NULL ? rest.size : (size_t)(end - rest.data) + 1;
    http_head_read(&head, bytes_of(rest.data, line_bytes));
    check_head(&head);
    rest = bytes_of(rest.data + line_bytes, rest.size - line_bytes);
  }
  check_date(bytes_of(data, size));
  return 0;
}

static void check_head(const struct http_head *head) {
  ASSERT(memchr(head->content_type, '\0', sizeof head->content_type) != NULL);
  for (const char *at = head->content_type; *at != '\0'; at++)
    ASSERT(*at >= ' ' && *at <= '~');
  ASSERT(head->date_ms >= 0 && head->retry_after_ms >= 0);
  int64_t pause_ms = http_head_pause_ms(head, NOW_MS, LIMIT_MS);
  ASSERT(pause_ms >= 0 && pause_ms <= LIMIT_MS);
}

/* Each moment is written in one way, but for the day of the week, which nobody checks. */
static void check_date(struct bytes text) {
  int64_t unix_ms;
  char again[64];
  if (!http_date_read(text, &unix_ms)) return;
  ASSERT(unix_ms >= 0 && unix_ms % 1000 == 0);
  time_t seconds = (time_t)(unix_ms / 1000);
  struct tm moment;
  gmtime_r(&seconds, &moment);
  (void)strftime(again, sizeof again, "%a, %d %b %Y %H:%M:%S GMT", &moment);
  bool is_leap_second = memcmp(text.data + 23, "60", 2) == 0;
  bool is_safe_day = moment.tm_mday <= SAFE_DAYS && memcmp(text.data + 5, again + 5, 2) == 0;
  if (!is_leap_second && is_safe_day)
    ASSERT(text.size == strlen(again) && memcmp(text.data + 5, again + 5, text.size - 5) == 0);
}
