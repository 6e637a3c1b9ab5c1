/* Fetches tokens for a token source, from a source of its own that can be replaced while it runs: other
 * client credentials, another endpoint. */
#ifndef PRODUCER_TOKEN_FETCHER_H
#define PRODUCER_TOKEN_FETCHER_H

#include "producer/security_settings.h"
#include "security/token_source.h"

struct token_fetcher;
struct token_fetcher_source;

/* What settings->token_method names; not the host. Statuses: OK, INVALID_SETTING, NOT_CONFIGURED,
 * FILE_UNREADABLE, OUT_OF_MEMORY. */
int32_t token_fetcher_source_create(const struct security_settings *settings, const struct log *log,
                                    struct token_fetcher_source **source, struct config_error *error);
/* NULL is allowed. */
void token_fetcher_source_destroy(struct token_fetcher_source *source);

/* Takes the source over, also on failure. Statuses: OK, OUT_OF_MEMORY. */
int32_t token_fetcher_create(struct token_fetcher_source *source, struct token_fetcher **fetcher);
/* No fetch is under way. NULL is allowed. */
void token_fetcher_destroy(struct token_fetcher *fetcher);

/* Takes the source over; the next fetch uses it. Any thread. */
void token_fetcher_replace(struct token_fetcher *fetcher, struct token_fetcher_source *source);

/* For token_source_settings.fetch, with the fetcher as its context. One at a time. */
int32_t token_fetcher_fetch(void *fetcher, struct token_source *source, struct token **token, char *reason,
                            size_t reason_size);

#endif
