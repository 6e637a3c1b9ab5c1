#include "security/curl.h"

#include "base/status.h"
#include <check.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static char error[256];

/* Whether the system has it: what curl_load finds has to agree. */
static bool is_installed(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  return library != NULL;
}

START_TEST(it_is_loaded_where_it_is_installed) {
  const struct curl *curl = NULL;
  int32_t status = curl_load(&curl, error, sizeof error);
  if (!is_installed()) {
    ck_assert_int_eq(status, STATUS_NOT_CONFIGURED);
    ck_assert_ptr_nonnull(strstr(error, "libcurl4"));
    ck_assert_ptr_null(curl);
    return;
  }
  ck_assert_msg(status == STATUS_OK, "%s", error);
  ck_assert(curl->easy_init != NULL);
  ck_assert(curl->easy_cleanup != NULL);
  ck_assert(curl->easy_setopt != NULL);
  ck_assert(curl->easy_perform != NULL);
  ck_assert(curl->easy_getinfo != NULL);
  ck_assert_ptr_nonnull(strstr(curl->version(), "libcurl/"));
  ck_assert_ptr_nonnull(curl->easy_strerror(CURLE_OPERATION_TIMEDOUT));
  ck_assert_int_eq(curl->SSL_CTX_set_options != NULL, strstr(curl->version(), " OpenSSL/3") != NULL);
  const struct curl *again = NULL;
  ck_assert_int_eq(curl_load(&again, error, sizeof error), STATUS_OK);
  ck_assert_ptr_eq(again, curl);
}
END_TEST

START_TEST(what_we_start_wipes_what_it_frees) {
  const struct curl *curl = NULL;
  int32_t status = curl_load(&curl, error, sizeof error);
  ck_assert_int_eq(status == STATUS_OK, is_installed());
  if (status == STATUS_OK) ck_assert(curl->wipes);
}
END_TEST

/* As a host does that uses curl itself. */
START_TEST(what_the_host_has_started_does_not_wipe) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) library = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  const struct curl *curl = NULL;
  if (library != NULL) {
    int (*global_init)(long flags);
    void *symbol = dlsym(library, "curl_global_init");
    memcpy(&global_init, &symbol, sizeof symbol);
    ck_assert_int_eq(global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
  }
  int32_t status = curl_load(&curl, error, sizeof error);
  ck_assert_int_eq(status == STATUS_OK, library != NULL);
  if (status == STATUS_OK) ck_assert(!curl->wipes);
}
END_TEST

/* Our numbers against the library's own: it refuses an option that it does not have. */
START_TEST(its_options_have_our_numbers) {
  static const int numbers[] = {CURLOPT_POST,          CURLOPT_NOPROGRESS,     CURLOPT_FOLLOWLOCATION,
                                CURLOPT_POSTFIELDSIZE, CURLOPT_NOSIGNAL,       CURLOPT_TIMEOUT_MS,
                                CURLOPT_PROTOCOLS,     CURLOPT_SSL_VERIFYPEER, CURLOPT_CONNECTTIMEOUT_MS,
                                CURLOPT_HEADEROPT};
  static const int objects[] = {CURLOPT_WRITEDATA,       CURLOPT_URL,           CURLOPT_ERRORBUFFER,
                                CURLOPT_POSTFIELDS,      CURLOPT_USERAGENT,     CURLOPT_HTTPHEADER,
                                CURLOPT_HEADERDATA,      CURLOPT_CAPATH,        CURLOPT_CAINFO,
                                CURLOPT_XFERINFODATA,    CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION,
                                CURLOPT_XFERINFOFUNCTION};
  const struct curl *curl = NULL;
  int32_t status = curl_load(&curl, error, sizeof error);
  ck_assert_int_eq(status == STATUS_OK, is_installed());
  if (status != STATUS_OK) return;
  CURL *handle = curl->easy_init();
  ck_assert_ptr_nonnull(handle);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    ck_assert_msg(curl->easy_setopt(handle, numbers[i], 1L) == CURLE_OK, "%d", numbers[i]);
  for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
    ck_assert_msg(curl->easy_setopt(handle, objects[i], NULL) == CURLE_OK, "%d", objects[i]);
  ck_assert_int_eq(curl->easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L), CURLE_OK);
  ck_assert_int_eq(curl->easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2), CURLE_OK);
  ck_assert_int_eq(curl->easy_setopt(handle, 9999, 1L), CURLE_UNKNOWN_OPTION);
  long response = 1;
  ck_assert_int_eq(curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response), CURLE_OK);
  ck_assert_int_eq(response, 0);
  curl->easy_cleanup(handle);
}
END_TEST

static void *load(void *loaded) {
  char text[256];
  const struct curl *curl = NULL;
  if (curl_load(&curl, text, sizeof text) == STATUS_OK) *(const struct curl **)loaded = curl;
  return NULL;
}

START_TEST(threads_may_load_it_at_once) {
  pthread_t threads[4];
  const struct curl *loaded[4] = {NULL};
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, load, &loaded[i]), 0);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  ck_assert_int_eq(loaded[0] != NULL, is_installed());
  for (int i = 1; i < 4; i++)
    ck_assert_ptr_eq(loaded[i], loaded[0]);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("curl");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, it_is_loaded_where_it_is_installed);
  tcase_add_test(test_case, what_we_start_wipes_what_it_frees);
  tcase_add_test(test_case, what_the_host_has_started_does_not_wipe);
  tcase_add_test(test_case, its_options_have_our_numbers);
  tcase_add_test(test_case, threads_may_load_it_at_once);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
