#include "security/curl.h"

#include "base/allocator.h"
#include "base/lock.h"
#include "base/secret.h"
#include "base/status.h"
#include "security/security_library.h"
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

typedef int global_init_mem_function(long flags, void *(*allocate)(size_t), void (*release)(void *),
                                     void *(*reallocate)(void *, size_t), char *(*copy)(const char *),
                                     void *(*allocate_zeroed)(size_t, size_t));

/* In front of each block that curl gets, so that all of it can be wiped. */
union block_head {
  size_t size;
  max_align_t alignment;
};

#if defined(__APPLE__)
static const char *const names[] = {"libcurl.4.dylib"};
#else
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
#endif
enum { NAME_COUNT = sizeof names / sizeof names[0] };

static struct lock lock = LOCK_INITIALIZER;
static struct curl loaded; /* both under lock until is_loaded, never changed afterwards */
static bool is_loaded GUARDED_BY(lock);
static atomic_uint block_count; /* ever handed to curl */

static int32_t load(char *error, size_t error_size) REQUIRES(lock);
static bool find_functions(void *library, struct curl *curl, global_init_mem_function **init);
static void *find(void *library, const char *name);
static bool start(struct curl *curl, global_init_mem_function *init);
static void *block_allocate(size_t size);
static void *block_allocate_zeroed(size_t count, size_t size);
static void *block_reallocate(void *memory, size_t size);
static char *block_copy(const char *text);
static void block_release(void *memory);

int32_t curl_load(const struct curl **curl, char *error, size_t error_size) {
  lock_acquire(&lock);
  int32_t status = is_loaded ? STATUS_OK : load(error, error_size);
  lock_release(&lock);
  if (status == STATUS_OK) *curl = &loaded;
  return status;
}

static int32_t load(char *error, size_t error_size) {
  void *library = NULL;
  for (uint32_t i = 0; i < NAME_COUNT && library == NULL; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(error, error_size,
             "OIDC needs libcurl, which is not installed (Debian and Ubuntu: libcurl4; Red "
             "Hat, Fedora and Alpine: libcurl)");
    return STATUS_NOT_CONFIGURED;
  }
  struct curl found = {0};
  global_init_mem_function *init;
  if (!find_functions(library, &found, &init)) {
    dlclose(library);
    snprintf(error, error_size, "OIDC needs libcurl 7.32 or newer, the one installed is older");
    return STATUS_NOT_CONFIGURED;
  }
  if (!start(&found, init)) { /* it stays loaded: what it has begun cannot be taken back */
    snprintf(error, error_size, "libcurl could not be started: no memory");
    return STATUS_OUT_OF_MEMORY;
  }
  loaded = found;
  is_loaded = true;
  security_library_started();
  return STATUS_OK;
}

static bool find_functions(void *library, struct curl *curl, global_init_mem_function **init) {
  const struct {
    const char *name;
    void *function;
  } wanted[] = {
      {"curl_global_init_mem", init},
      {"curl_easy_init", &curl->easy_init},
      {"curl_easy_cleanup", &curl->easy_cleanup},
      {"curl_easy_setopt", &curl->easy_setopt},
      {"curl_easy_perform", &curl->easy_perform},
      {"curl_easy_getinfo", &curl->easy_getinfo},
      {"curl_easy_strerror", &curl->easy_strerror},
      {"curl_version", &curl->version},
  };
  for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    void *symbol = find(library, wanted[i].name);
    if (symbol == NULL) return false;
    memcpy(wanted[i].function, &symbol,
           sizeof symbol); /* POSIX's way from one kind of pointer to the other */
  }
  /* dlsym looks through the libraries that curl is linked to; its first one with this name is its OpenSSL. In
   * curl_version inactive TLS libraries are in parentheses. */
  if (strstr(curl->version(), " OpenSSL/3") != NULL) {
    void *symbol = find(library, "SSL_CTX_set_options");
    memcpy(&curl->SSL_CTX_set_options, &symbol, sizeof symbol);
  }
  return true;
}

static void *find(void *library, const char *name) {
  return dlsym(library, name);
}

static bool start(struct curl *curl, global_init_mem_function *init) {
  int code = init(CURL_GLOBAL_DEFAULT, block_allocate, block_release, block_reallocate, block_copy,
                  block_allocate_zeroed);
  if (code != CURLE_OK) return false;
  /* If the host was first, curl has taken no notice of our functions. */
  unsigned before = atomic_load(&block_count);
  CURL *handle = curl->easy_init();
  if (handle == NULL) return false;
  curl->wipes = atomic_load(&block_count) != before;
  curl->easy_cleanup(handle);
  return true;
}

static void *block_allocate(size_t size) {
  union block_head *head;
  if (size > SIZE_MAX - sizeof *head) return NULL;
  head = allocator_allocate(sizeof *head + size);
  if (head == NULL) return NULL;
  head->size = size;
  atomic_fetch_add_explicit(&block_count, 1, memory_order_relaxed);
  return head + 1;
}

static void *block_allocate_zeroed(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) return NULL;
  void *memory = block_allocate(total);
  if (memory != NULL) memset(memory, 0, total);
  return memory;
}

/* Never in place: what realloc leaves behind would not be wiped. */
static void *block_reallocate(void *memory, size_t size) {
  void *moved = block_allocate(size);
  if (moved == NULL || memory == NULL) return moved;
  const union block_head *head = (const union block_head *)memory - 1;
  memcpy(moved, memory, head->size < size ? head->size : size);
  block_release(memory);
  return moved;
}

static char *block_copy(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = block_allocate(size);
  return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void block_release(void *memory) {
  if (memory == NULL) return;
  union block_head *head = (union block_head *)memory - 1;
  secret_wipe(memory, head->size);
  allocator_free(head);
}
