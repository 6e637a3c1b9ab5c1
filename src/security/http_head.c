#include "security/http_head.h"

#include <time.h>

static bool has_prefix(struct bytes line, const char *prefix);
static struct bytes value_of(struct bytes line, const char *name);
static struct bytes trimmed(struct bytes text);
static bool read_number(const uint8_t *digits, size_t count, int *number);
static bool read_seconds(struct bytes text, int64_t *seconds);
static int index_of(struct bytes text, const char *names, int count);

void http_head_read(struct http_head *head, struct bytes line) {
  if (has_prefix(line, "http/")) {
    *head = (struct http_head){0};
    return;
  }
  struct bytes value = value_of(line, "date:");
  if (value.data != NULL && !http_date_read(value, &head->date_ms)) head->date_ms = 0;
  value = value_of(line, "content-type:");
  if (value.data != NULL) {
    size_t size = value.size < sizeof head->content_type - 1 ? value.size : sizeof head->content_type - 1;
    for (size_t i = 0; i < size; i++)
      head->content_type[i] = value.data[i] >= ' ' && value.data[i] <= '~' ? (char)value.data[i] : '?';
    head->content_type[size] = '\0';
  }
  value = value_of(line, "retry-after:");
  int64_t seconds;
  if (value.data != NULL && read_seconds(value, &seconds)) {
    head->retry_after_ms = seconds * 1000;
    head->retry_is_moment = false;
  } else if (value.data != NULL && http_date_read(value, &head->retry_after_ms)) {
    head->retry_is_moment = true;
  }
}

int64_t http_head_pause_ms(const struct http_head *head, int64_t now_ms, int64_t limit_ms) {
  int64_t pause_ms = head->retry_after_ms;
  /* A moment is one of the server's clock, which may differ from ours. */
  if (head->retry_is_moment) pause_ms -= head->date_ms != 0 ? head->date_ms : now_ms;
  if (pause_ms < 0) return 0;
  return pause_ms < limit_ms ? pause_ms : limit_ms;
}

/* IMF-fixdate of RFC 9110, section 5.6.7. */
bool http_date_read(struct bytes text, int64_t *unix_ms) {
  static const char shape[] = "aaa, 00 aaa 0000 00:00:00 GMT";
  if (text.size != sizeof shape - 1) return false;
  for (size_t i = 0; i < text.size; i++) {
    char c = (char)text.data[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
    if (shape[i] == 'a' ? !letter : shape[i] == '0' ? !digit : c != shape[i]) return false;
  }
  struct tm moment = {0};
  moment.tm_mon = index_of(bytes_of(text.data + 8, 3), "JanFebMarAprMayJunJulAugSepOctNovDec", 12);
  if (moment.tm_mon < 0 || !read_number(text.data + 5, 2, &moment.tm_mday) ||
      !read_number(text.data + 12, 4, &moment.tm_year) || !read_number(text.data + 17, 2, &moment.tm_hour) ||
      !read_number(text.data + 20, 2, &moment.tm_min) || !read_number(text.data + 23, 2, &moment.tm_sec))
    return false;
  bool fits = moment.tm_mday >= 1 && moment.tm_mday <= 31 && moment.tm_year >= 1970 && moment.tm_hour <= 23 &&
              moment.tm_min <= 59 && moment.tm_sec <= 60;
  if (!fits) return false;
  moment.tm_year -= 1900;
  *unix_ms = (int64_t)timegm(&moment) * 1000;
  return true;
}

static bool has_prefix(struct bytes line, const char *prefix) {
  size_t i = 0;
  for (; prefix[i] != '\0'; i++) {
    if (i == line.size) return false;
    uint8_t c = line.data[i];
    if (c >= 'A' && c <= 'Z') c = (uint8_t)(c | 0x20);
    if (c != (uint8_t)prefix[i]) return false;
  }
  return true;
}

/* Null if the line is about something else. name has its colon, in small letters. */
static struct bytes value_of(struct bytes line, const char *name) {
  if (!has_prefix(line, name)) return bytes_of(NULL, 0);
  size_t size = strlen(name);
  return trimmed(bytes_of(line.data + size, line.size - size));
}

static struct bytes trimmed(struct bytes text) {
  while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
    text = bytes_of(text.data + 1, text.size - 1);
  while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t' ||
                           text.data[text.size - 1] == '\r' || text.data[text.size - 1] == '\n'))
    text.size--;
  return text;
}

static bool read_number(const uint8_t *digits, size_t count, int *number) {
  int sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (digits[i] < '0' || digits[i] > '9') return false;
    sum = sum * 10 + digits[i] - '0';
  }
  *number = sum;
  return true;
}

static bool read_seconds(struct bytes text, int64_t *seconds) {
  int number;
  if (text.size == 0 || text.size > 9 || !read_number(text.data, text.size, &number)) return false;
  *seconds = number;
  return true;
}

static int index_of(struct bytes text, const char *names, int count) {
  for (int i = 0; i < count; i++)
    if (memcmp(text.data, names + i * 3, 3) == 0) return i;
  return -1;
}
