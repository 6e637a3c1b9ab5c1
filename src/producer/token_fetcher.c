#include "producer/token_fetcher.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/condition.h"
#include "base/lock.h"
#include "base/status.h"

struct token_fetcher_source {
  int32_t (*fetch)(void *context, struct token_source *source, struct token **token, char *reason,
                   size_t reason_size);
  void (*release)(void *context);
  void *context;
};

LOCK_ROLE(token_fetcher_guard);

/* lock guards next. current belongs to the thread that fetches. */
struct token_fetcher {
  struct lock lock;
  struct token_fetcher_source *current;
  struct token_fetcher_source *next GUARDED_BY(token_fetcher_guard); /* NULL: current is the newest */
};
LOCK_GUARD(token_fetcher_guard, token_fetcher, lock);

int32_t token_fetcher_source_create(const struct security_settings *settings, const struct log *log,
                                    struct token_fetcher_source **source, struct config_error *error) {
  struct token_fetcher_source *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  int32_t status;
  ASSERT(settings->token_method != TOKEN_METHOD_HOST);
  if (settings->token_method == TOKEN_METHOD_OIDC) {
    struct oidc_settings oidc_settings = settings->oidc;
    struct oidc *oidc = NULL;
    oidc_settings.user_agent = "sendoff/" SENDOFF_VERSION_TEXT;
    oidc_settings.log = log;
    status = oidc_create(&oidc_settings, &oidc, error->text, sizeof error->text);
    *created = (struct token_fetcher_source){.fetch = oidc_fetch, .release = oidc_release, .context = oidc};
  } else {
    struct unsecured_token *unsecured = NULL;
    status = unsecured_token_create(&settings->unsecured, &unsecured, error->text, sizeof error->text);
    *created = (struct token_fetcher_source){
        .fetch = unsecured_token_fetch, .release = unsecured_token_release, .context = unsecured};
  }
  if (status != STATUS_OK) {
    allocator_free(created);
    return status;
  }
  *source = created;
  return STATUS_OK;
}

void token_fetcher_source_destroy(struct token_fetcher_source *source) {
  if (source == NULL) return;
  source->release(source->context);
  allocator_free(source);
}

int32_t token_fetcher_create(struct token_fetcher_source *source, struct token_fetcher **fetcher) {
  struct token_fetcher *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) {
    token_fetcher_source_destroy(source);
    return STATUS_OUT_OF_MEMORY;
  }
  lock_init(&created->lock);
  created->current = source;
  *fetcher = created;
  return STATUS_OK;
}

void token_fetcher_destroy(struct token_fetcher *fetcher) NO_THREAD_SAFETY_ANALYSIS {
  if (fetcher == NULL) return;
  token_fetcher_source_destroy(fetcher->current);
  token_fetcher_source_destroy(fetcher->next);
  lock_deinit(&fetcher->lock);
  allocator_free(fetcher);
}

void token_fetcher_replace(struct token_fetcher *fetcher, struct token_fetcher_source *source) {
  token_fetcher_guard_acquire(fetcher);
  struct token_fetcher_source *skipped = fetcher->next;
  fetcher->next = source;
  token_fetcher_guard_release(fetcher);
  token_fetcher_source_destroy(skipped);
}

int32_t token_fetcher_fetch(void *context, struct token_source *source, struct token **token, char *reason,
                            size_t reason_size) {
  struct token_fetcher *fetcher = context;
  token_fetcher_guard_acquire(fetcher);
  struct token_fetcher_source *replaced = NULL;
  if (fetcher->next != NULL) {
    replaced = fetcher->current;
    fetcher->current = fetcher->next;
    fetcher->next = NULL;
  }
  token_fetcher_guard_release(fetcher);
  token_fetcher_source_destroy(replaced);
  return fetcher->current->fetch(fetcher->current->context, source, token, reason, reason_size);
}
