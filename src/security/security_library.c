#include "security/security_library.h"

#include "base/status.h"
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#ifdef SENDOFF_OWN_OPENSSL
enum { IS_OWN = 1 };
#else
enum { IS_OWN = 0 };
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic uint32_t started_count;

static void start(void);

void security_library_init(void) {
  (void)pthread_once(&once, start);
}

int32_t security_library_require(char *error, size_t error_size) {
  (void)error, (void)error_size;
  security_library_init();
  return STATUS_OK;
}

bool security_library_is_own(void) {
  return IS_OWN;
}

void security_library_started(void) {
  atomic_fetch_add(&started_count, 1);
}

uint32_t security_library_count(void) {
  return atomic_load(&started_count);
}

/* Where memory is missing, each later call of OpenSSL's says so. */
static void start(void) {
  if (IS_OWN) {
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    (void)OSSL_PROVIDER_set_default_search_path(NULL, "/dev/null"); /* no file is below it */
  } else {
    (void)OPENSSL_init_ssl(0, NULL);
    security_library_started();
  }
}
