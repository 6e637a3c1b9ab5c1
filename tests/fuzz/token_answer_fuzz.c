/* What a token endpoint may send: lines of a head, an empty line, a body. The first byte chooses the status.
 */
#include "security/token_answer.h"

#include "base/assertion.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW_MS = 1000000000, PAUSE_MS_MAX = 60000 };

static struct bytes read_head(struct http_head *head, struct bytes rest);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int32_t statuses[] = {200, 200, 200, 201, 302, 400, 401, 429, 500};
  if (size == 0) return 0;
  struct http_head head = {0};
  struct bytes body = read_head(&head, bytes_of(data + 1, size - 1));
  int64_t pause_ms = http_head_pause_ms(&head, NOW_MS, PAUSE_MS_MAX);
  ASSERT(pause_ms >= 0 && pause_ms <= PAUSE_MS_MAX);
  ASSERT(strlen(head.content_type) < sizeof head.content_type);
  const struct bytes secret = bytes_of_string("hunter2hunter2");
  const struct token_answer answer = {.http_status =
                                          statuses[data[0] % (sizeof statuses / sizeof statuses[0])],
                                      .head = &head,
                                      .body = body,
                                      .now_ms = NOW_MS,
                                      .secrets = &secret,
                                      .secret_count = 1};
  struct token *token = NULL;
  char reason[512] = "";
  int32_t status = token_answer_read(&answer, &token, reason, sizeof reason);
  ASSERT((status == STATUS_OK) == (token != NULL));
  if (status == STATUS_OK) {
    ASSERT(token_expires_ms(token) > NOW_MS);
    ASSERT(token_value(token).size > 0 &&
           memchr(token_value(token).data, 1, token_value(token).size) == NULL);
    ASSERT(answer.http_status == 200 || answer.http_status == 201);
  } else {
    ASSERT(status == STATUS_LOGIN_FAILED || status == STATUS_DISCONNECTED);
    ASSERT(reason[0] != '\0' && strstr(reason, "hunter2hunter2") == NULL);
    for (const char *at = reason; *at != '\0'; at++)
      ASSERT(*at >= ' ' && *at <= '~');
  }
  token_release(token);
  return 0;
}

/* Returns what follows the head. */
static struct bytes read_head(struct http_head *head, struct bytes rest) {
  while (rest.size > 0) {
    const uint8_t *end = memchr(rest.data, '\n', rest.size);
    size_t size = end == NULL ? rest.size : (size_t)(end - rest.data) + 1;
    struct bytes line = bytes_of(rest.data, size);
    rest = bytes_of(rest.data + size, rest.size - size);
    if (size == 1) break;
    http_head_read(head, line);
  }
  return rest;
}
