/* What is of interest in the head of an HTTP answer (RFC 9110). libcurl hands the lines over one by one. */
#ifndef SECURITY_HTTP_HEAD_H
#define SECURITY_HTTP_HEAD_H

#include "base/bytes.h"

/* Zero where the answer does not say. */
struct http_head {
  int64_t date_ms;        /* the server's clock, Unix time */
  int64_t retry_after_ms; /* a duration, or, if retry_is_moment, Unix time */
  bool retry_is_moment;
  char content_type[64]; /* printable */
};

/* Takes notice of a line, with or without its end; of what it does not know, none. A status line begins anew:
 * only the last head counts. */
void http_head_read(struct http_head *head, struct bytes line);

/* How long to wait before the request is repeated, 0 if the server did not say; at most limit_ms. */
int64_t http_head_pause_ms(const struct http_head *head, int64_t now_ms, int64_t limit_ms);

/* "Sun, 06 Nov 1994 08:49:37 GMT"; the older forms are not read. False: it is none. */
bool http_date_read(struct bytes text, int64_t *unix_ms);

#endif
