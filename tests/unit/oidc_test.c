#include "security/oidc.h"

#include "base/clock.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS_MAX = 256, TEXT_BYTES = 512 };

typedef size_t data_function(char *data, size_t size, size_t count, void *context);
typedef int progress_function(void *context, int64_t total, int64_t now, int64_t upload_total,
                              int64_t upload_now);
typedef int context_function(CURL *handle, void *context, void *data);

/* A curl that has what the test says: what it was told, and what it answers. */
static struct {
  struct {
    int option;
    long number;
    void *object;
  } options[OPTIONS_MAX];
  int option_count, handles, performed, refused_option;
  char url[TEXT_BYTES], post[TEXT_BYTES], agent[TEXT_BYTES], ca[TEXT_BYTES], headers[8][TEXT_BYTES];
  int header_count;
  data_function *take_head, *take_body;
  progress_function *look_up;
  context_function *on_tls;
  uint64_t tls_options;
  /* The answer. */
  int code;
  long http_status;
  const char *const *head; /* lines, NULL at the end */
  const char *body;
  size_t body_repeats;
  const char *error;
  bool no_handle, waits_for_cancel;
} fake;

static struct log no_log;
static char reason[1024], error[512], lines[4][512];
static int line_count;
static struct secret *password;
static struct token_source *source;

static CURL *fake_init(void) {
  if (fake.no_handle) return NULL;
  fake.handles++;
  return &fake;
}

static void fake_cleanup(CURL *handle) {
  ck_assert_ptr_eq(handle, &fake);
  fake.handles--;
}

static void note_functions(int option, va_list arguments) {
  switch (option) {
  case CURLOPT_HEADERFUNCTION: fake.take_head = va_arg(arguments, data_function *); break;
  case CURLOPT_WRITEFUNCTION: fake.take_body = va_arg(arguments, data_function *); break;
  case CURLOPT_XFERINFOFUNCTION: fake.look_up = va_arg(arguments, progress_function *); break;
  case CURLOPT_SSL_CTX_FUNCTION: fake.on_tls = va_arg(arguments, context_function *); break;
  default: ck_abort_msg("unknown function %d", option);
  }
}

static void note_object(int option, void *object) {
  fake.options[fake.option_count - 1].object = object;
  char *text = object;
  if (option == CURLOPT_URL) snprintf(fake.url, TEXT_BYTES, "%s", text);
  if (option == CURLOPT_POSTFIELDS) snprintf(fake.post, TEXT_BYTES, "%s", text);
  if (option == CURLOPT_USERAGENT) snprintf(fake.agent, TEXT_BYTES, "%s", text);
  if ((option == CURLOPT_CAINFO || option == CURLOPT_CAPATH) && text != NULL)
    snprintf(fake.ca, TEXT_BYTES, "%s", text);
  if (option != CURLOPT_HTTPHEADER) return;
  fake.header_count = 0;
  for (const struct curl_slist *each = object; each != NULL; each = each->next)
    snprintf(fake.headers[fake.header_count++], TEXT_BYTES, "%s", each->data);
}

static int fake_setopt(CURL *handle, int option, ...) {
  ck_assert_ptr_eq(handle, &fake);
  if (option == fake.refused_option) return CURLE_UNKNOWN_OPTION;
  ck_assert_int_lt(fake.option_count, OPTIONS_MAX);
  fake.options[fake.option_count++].option = option;
  va_list arguments;
  va_start(arguments, option);
  if (option < 10000) {
    fake.options[fake.option_count - 1].number = va_arg(arguments, long);
  } else if (option < 20000) {
    note_object(option, va_arg(arguments, void *));
  } else if (option < 30000) {
    note_functions(option, arguments);
  } else {
    const struct curl_blob *blob = va_arg(arguments, void *);
    ck_assert_uint_eq(blob->flags, CURL_BLOB_COPY);
    snprintf(fake.ca, TEXT_BYTES, "%.*s", (int)blob->size, (const char *)blob->data);
  }
  va_end(arguments);
  return CURLE_OK;
}

static void *object_of(int option) {
  for (int i = fake.option_count - 1; i >= 0; i--)
    if (fake.options[i].option == option) return fake.options[i].object;
  ck_abort_msg("option %d was not set", option);
  return NULL;
}

static long number_of(int option) {
  for (int i = fake.option_count - 1; i >= 0; i--)
    if (fake.options[i].option == option) return fake.options[i].number;
  ck_abort_msg("option %d was not set", option);
  return 0;
}

static bool was_set(int option) {
  for (int i = 0; i < fake.option_count; i++)
    if (fake.options[i].option == option) return true;
  return false;
}

static int fake_perform(CURL *handle) {
  fake.performed++;
  while (fake.waits_for_cancel)
    if (fake.look_up(object_of(CURLOPT_XFERINFODATA), 0, 0, 0, 0) != 0) return CURLE_ABORTED_BY_CALLBACK;
  ck_assert_int_eq(fake.look_up(object_of(CURLOPT_XFERINFODATA), 0, 0, 0, 0), 0);
  if (fake.on_tls != NULL)
    ck_assert_int_eq(fake.on_tls(handle, &fake.tls_options, object_of(CURLOPT_SSL_CTX_DATA)), CURLE_OK);
  char text[TEXT_BYTES];
  for (const char *const *line = fake.head; line != NULL && *line != NULL; line++) {
    size_t size = (size_t)snprintf(text, sizeof text, "%s\r\n", *line);
    ck_assert_uint_eq(fake.take_head(text, 1, size, object_of(CURLOPT_HEADERDATA)), size);
  }
  for (size_t i = 0; fake.body != NULL && i < fake.body_repeats; i++) {
    size_t size = (size_t)snprintf(text, sizeof text, "%s", fake.body);
    if (fake.take_body(text, 1, size, object_of(CURLOPT_WRITEDATA)) != size) return CURLE_WRITE_ERROR;
  }
  if (fake.error != NULL) snprintf(object_of(CURLOPT_ERRORBUFFER), CURL_ERROR_SIZE, "%s", fake.error);
  return fake.code;
}

static int fake_getinfo(CURL *handle, int info, ...) {
  ck_assert_ptr_eq(handle, &fake);
  ck_assert_int_eq(info, CURLINFO_RESPONSE_CODE);
  va_list arguments;
  va_start(arguments, info);
  *va_arg(arguments, long *) = fake.http_status;
  va_end(arguments);
  return CURLE_OK;
}

static const char *fake_strerror(int code) {
  (void)code;
  return "something of curl";
}

static uint64_t fake_set_tls_options(void *context, uint64_t options) {
  *(uint64_t *)context |= options;
  return options;
}

static const struct curl curl = {.easy_init = fake_init,
                                 .easy_cleanup = fake_cleanup,
                                 .easy_setopt = fake_setopt,
                                 .easy_perform = fake_perform,
                                 .easy_getinfo = fake_getinfo,
                                 .easy_strerror = fake_strerror,
                                 .SSL_CTX_set_options = fake_set_tls_options,
                                 .wipes = true};

static void sink(void *context, int32_t level, const char *line) {
  (void)context, (void)level;
  ck_assert_int_lt(line_count, 4);
  snprintf(lines[line_count++], sizeof lines[0], "%s", line);
}

static void set_up(void) {
  memset(&fake, 0, sizeof fake);
  fake.http_status = 200;
  fake.body_repeats = 1;
  fake.body = "{\"access_token\":\"the-token\",\"expires_in\":60}";
  no_log = (struct log){.level = LOG_LEVEL_DEBUG, .sink = sink};
  line_count = 0;
  password = secret_create(bytes_of_string("s3cr:t &\xc3\xa9"));
  const struct token_source_settings settings = {.refresh_window = 0.8};
  ck_assert_int_eq(token_source_create(&settings, NULL, &source), STATUS_OK);
}

static void tear_down(void) {
  token_source_destroy(source);
  secret_destroy(password);
  ck_assert_uint_eq(secret_usage().count, 0);
  ck_assert_int_eq(fake.handles, 0);
}

static struct oidc_settings settings_of_test(void) {
  return (struct oidc_settings){.token_endpoint_url = "https://idp.test:8443/token?tenant=1",
                                .client_id = "me & you",
                                .client_secret = password,
                                .scope = "  read write:\xc3\xa9*._- ",
                                .user_agent = "sendoff/1.1.0",
                                .log = &no_log,
                                .curl = &curl};
}

static struct oidc *create(const struct oidc_settings *settings) {
  struct oidc *oidc = NULL;
  int32_t status = oidc_create(settings, &oidc, error, sizeof error);
  ck_assert_msg(status == STATUS_OK, "%s", error);
  return oidc;
}

/* With an oidc of its own. */
static int32_t fetch_with(const struct oidc_settings *settings, struct token **token) {
  struct oidc *oidc = create(settings);
  *token = NULL;
  memset(reason, 0, sizeof reason);
  int32_t status = oidc_fetch(oidc, source, token, reason, sizeof reason);
  oidc_release(oidc);
  return status;
}

static int32_t fetch(struct token **token) {
  const struct oidc_settings settings = settings_of_test();
  return fetch_with(&settings, token);
}

static void expect_failure(int32_t status, const char *says) {
  struct token *token;
  ck_assert_int_eq(fetch(&token), status);
  ck_assert_ptr_null(token);
  ck_assert_msg(strstr(reason, says) != NULL, "%s", reason);
  ck_assert_ptr_null(strstr(reason, "s3cr"));
  ck_assert_ptr_null(strstr(reason, "tenant"));
}

static void expect_refused(const struct oidc_settings *settings, int32_t status, const char *says) {
  struct oidc *oidc = NULL;
  ck_assert_int_eq(oidc_create(settings, &oidc, error, sizeof error), status);
  ck_assert_ptr_null(oidc);
  ck_assert_msg(strstr(error, says) != NULL, "%s", error);
  ck_assert_ptr_null(strstr(error, "s3cr"));
}

START_TEST(the_request_is_as_kafkas_java_client_sends_it) {
  struct token *token;
  ck_assert_int_eq(fetch(&token), STATUS_OK);
  ck_assert(bytes_equal(token_value(token), bytes_of_string("the-token")));
  token_release(token);
  ck_assert_str_eq(fake.url, "https://idp.test:8443/token?tenant=1");
  ck_assert_str_eq(fake.agent, "sendoff/1.1.0");
  ck_assert_str_eq(fake.post, "grant_type=client_credentials&scope=read+write%3A%C3%A9*._-");
  ck_assert_int_eq(number_of(CURLOPT_POST), 1);
  ck_assert_int_eq(number_of(CURLOPT_POSTFIELDSIZE), (long)strlen(fake.post));
  ck_assert_int_eq(fake.header_count, 4);
  ck_assert_str_eq(fake.headers[0], "Accept: application/json");
  ck_assert_str_eq(fake.headers[1], "Cache-Control: no-cache");
  ck_assert_str_eq(fake.headers[2], "Content-Type: application/x-www-form-urlencoded");
  ck_assert_str_eq(fake.headers[3], "Authorization: Basic bWUgJiB5b3U6czNjcjp0ICbDqQ==");
}
END_TEST

START_TEST(the_header_is_encoded_as_a_form_where_that_is_wanted) {
  struct oidc_settings settings = settings_of_test();
  settings.client_id = "a:b";
  settings.url_encode_header = true;
  settings.scope = NULL;
  struct token *token;
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  token_release(token);
  ck_assert_str_eq(fake.headers[3],
                   "Authorization: Basic YSUzQWI6czNjciUzQXQrJTI2JUMzJUE5"); /* a%3Ab:s3cr%3At+%26%C3%A9 */
  ck_assert_str_eq(fake.post, "grant_type=client_credentials");
}
END_TEST

START_TEST(the_request_is_safe) {
  struct token *token;
  ck_assert_int_eq(fetch(&token), STATUS_OK);
  token_release(token);
  ck_assert_int_eq(number_of(CURLOPT_PROTOCOLS), CURLPROTO_HTTPS);
  ck_assert_int_eq(number_of(CURLOPT_FOLLOWLOCATION), 0);
  ck_assert_int_eq(number_of(CURLOPT_SSL_VERIFYPEER), 1);
  ck_assert_int_eq(number_of(CURLOPT_SSL_VERIFYHOST), 2);
  ck_assert_int_eq(number_of(CURLOPT_SSLVERSION), CURL_SSLVERSION_TLSv1_2);
  ck_assert_int_eq(number_of(CURLOPT_NOSIGNAL), 1);
  ck_assert_int_eq(number_of(CURLOPT_NOPROGRESS), 0);
  ck_assert_int_eq(number_of(CURLOPT_HEADEROPT), CURLHEADER_SEPARATE);
  ck_assert_int_eq(number_of(CURLOPT_CONNECTTIMEOUT_MS), 10000);
  ck_assert_int_eq(number_of(CURLOPT_TIMEOUT_MS), 30000);
  ck_assert(!was_set(CURLOPT_CAINFO) && !was_set(CURLOPT_CAPATH) && !was_set(CURLOPT_CAINFO_BLOB));
  ck_assert_uint_eq(fake.tls_options, CURL_SSL_OP_CLEANSE_PLAINTEXT);
}
END_TEST

START_TEST(a_curl_with_another_tls_library_is_left_its_own_ways) {
  struct curl other = curl;
  other.SSL_CTX_set_options = NULL;
  struct oidc_settings settings = settings_of_test();
  settings.curl = &other;
  struct token *token;
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  token_release(token);
  ck_assert(!was_set(CURLOPT_SSL_CTX_FUNCTION));
}
END_TEST

START_TEST(timeouts_are_kept_within_limits) {
  struct oidc_settings settings = settings_of_test();
  settings.connect_timeout_ms = 1500;
  settings.read_timeout_ms = INT32_MAX;
  struct token *token;
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  token_release(token);
  ck_assert_int_eq(number_of(CURLOPT_CONNECTTIMEOUT_MS), 1500);
  ck_assert_int_eq(number_of(CURLOPT_TIMEOUT_MS), 301500);
}
END_TEST

START_TEST(trust_that_is_set_replaces_the_systems) {
  struct oidc_settings settings = settings_of_test();
  struct token *token;
  settings.ca_location = TEST_SOURCE_DIRECTORY "/unit/oidc_test.c";
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  token_release(token);
  ck_assert_str_eq(fake.ca, settings.ca_location);
  ck_assert_ptr_null(object_of(CURLOPT_CAPATH));
  settings.ca_location = TEST_SOURCE_DIRECTORY "/unit";
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  token_release(token);
  ck_assert_str_eq(fake.ca, settings.ca_location);
  ck_assert_ptr_null(object_of(CURLOPT_CAINFO));
}
END_TEST

START_TEST(a_pem_text_replaces_the_systems_trust) {
  struct oidc_settings settings = settings_of_test();
  struct token *token;
  settings.ca_pem = "-----BEGIN";
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  token_release(token);
  ck_assert_str_eq(fake.ca, "-----BEGIN");
  ck_assert_ptr_null(object_of(CURLOPT_CAINFO));
  ck_assert_ptr_null(object_of(CURLOPT_CAPATH));
  fake.refused_option = CURLOPT_CAINFO_BLOB;
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_LOGIN_FAILED);
  ck_assert_ptr_nonnull(strstr(reason, "https.ca.pem, which needs 7.77"));
}
END_TEST

START_TEST(a_location_that_is_not_there_is_refused) {
  struct oidc_settings settings = settings_of_test();
  settings.ca_location = TEST_SOURCE_DIRECTORY "/no-such-file";
  expect_refused(&settings, STATUS_FILE_UNREADABLE, "https.ca.location: there is no file");
  settings.ca_location = TEST_SOURCE_DIRECTORY;
  settings.ca_pem = "x";
  expect_refused(&settings, STATUS_INVALID_SETTING, "only one of https.ca.location and https.ca.pem");
}
END_TEST

static const char *const bad_urls[] = {
    "",
    "http://idp.test/token",
    "HTTP://idp.test/token",
    "file:///etc/passwd",
    "ftp://idp.test/token",
    "https:/idp.test/token",
    "https://",
    "https:///token",
    "https://?x",
    "https://:443/token",
    "https://user@idp.test/token",
    "https://user:s3cr@idp.test/token",
    "https://idp.test/token#part",
    "https://idp.test/to ken",
    "https://idp.test/token\r\nX: y",
    "https://idp.test\\@evil.test/",
    "https://idp.test/\xc3\xa9",
    " https://idp.test/token",
    "idp.test/token",
};

START_TEST(a_url_that_is_not_plain_https_is_refused) {
  struct oidc_settings settings = settings_of_test();
  settings.token_endpoint_url = bad_urls[_i];
  expect_refused(&settings, STATUS_INVALID_SETTING, "sasl.oauthbearer.token.endpoint.url");
}
END_TEST

START_TEST(urls_have_to_be_allowed) {
  static const char *const allowed[] = {"https://other.test/", "https://idp.test/token"};
  struct oidc_settings settings = settings_of_test();
  settings.allowed_urls = allowed;
  settings.allowed_url_count = 2;
  expect_refused(&settings, STATUS_INVALID_SETTING, "not among the allowed URLs");
  settings.token_endpoint_url = "https://idp.test/token/";
  expect_refused(&settings, STATUS_INVALID_SETTING, "not among the allowed URLs");
  settings.token_endpoint_url = "https://idp.test/token";
  oidc_release(create(&settings));
  settings.allowed_url_count = 0;
  settings.token_endpoint_url = "HTTPS://[::1]:1/?a=b@c";
  oidc_release(create(&settings));
}
END_TEST

START_TEST(what_is_missing_is_told_by_its_setting) {
  struct oidc_settings settings = settings_of_test();
  settings.token_endpoint_url = NULL;
  expect_refused(&settings, STATUS_INVALID_SETTING, "needs sasl.oauthbearer.token.endpoint.url");
  settings = settings_of_test();
  settings.client_id = NULL;
  expect_refused(&settings, STATUS_INVALID_SETTING, "client.id");
  settings.client_id = "";
  expect_refused(&settings, STATUS_INVALID_SETTING, "client.id");
  settings.client_id = "a:b";
  expect_refused(&settings, STATUS_INVALID_SETTING, "sasl.oauthbearer.header.urlencode");
  settings = settings_of_test();
  settings.client_secret = NULL;
  expect_refused(&settings, STATUS_INVALID_SETTING, "client.secret");
}
END_TEST

START_TEST(extensions_are_taken_apart) {
  struct oidc_settings settings = settings_of_test();
  settings.extensions = "logicalCluster=lkc-1,identityPoolId=a=b c";
  struct token *token;
  ck_assert_int_eq(fetch_with(&settings, &token), STATUS_OK);
  ck_assert_uint_eq(token_extension_count(token), 2);
  ck_assert_str_eq(token_extension_at(token, 0).name, "logicalCluster");
  ck_assert_str_eq(token_extension_at(token, 0).value, "lkc-1");
  ck_assert_str_eq(token_extension_at(token, 1).name, "identityPoolId");
  ck_assert_str_eq(token_extension_at(token, 1).value, "a=b c");
  token_release(token);
}
END_TEST

static const char *const bad_extensions[] = {"a",      "=b",    "a=",     "a=b,,c=d", "a=b,a=c",
                                             "auth=x", "a b=c", "a=\x01", "a=b,c"};

START_TEST(extensions_that_kafka_does_not_take_are_refused) {
  struct oidc_settings settings = settings_of_test();
  settings.extensions = bad_extensions[_i];
  expect_refused(&settings, STATUS_INVALID_SETTING, "extension");
}
END_TEST

START_TEST(too_many_extensions_are_refused) {
  char text[65 * 5] = "";
  for (int i = 0; i < 65; i++)
    snprintf(text + 5 * i, sizeof text - 5 * (size_t)i, "%c%c=v,", 'a' + i / 26, 'a' + i % 26);
  struct oidc_settings settings = settings_of_test();
  settings.extensions = text;
  expect_refused(&settings, STATUS_INVALID_SETTING, "at most 64");
  text[64 * 5 - 1] = '\0';
  oidc_release(create(&settings));
}
END_TEST

START_TEST(an_answer_above_64_kib_is_given_up) {
  fake.body = "0123456789abcdef";
  fake.body_repeats = 4097;
  expect_failure(STATUS_LOGIN_FAILED, "https://idp.test:8443/token: its answer is larger than 64 KiB");
  fake.body_repeats = 4096;
  expect_failure(STATUS_LOGIN_FAILED, "not a JSON object");
}
END_TEST

static const struct {
  int code, status;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, STATUS_DISCONNECTED},     {CURLE_COULDNT_CONNECT, STATUS_DISCONNECTED},
    {CURLE_OPERATION_TIMEDOUT, STATUS_DISCONNECTED},       {CURLE_SSL_CONNECT_ERROR, STATUS_DISCONNECTED},
    {CURLE_PEER_FAILED_VERIFICATION, STATUS_LOGIN_FAILED}, {CURLE_SSL_CACERT_BADFILE, STATUS_LOGIN_FAILED},
    {CURLE_OUT_OF_MEMORY, STATUS_OUT_OF_MEMORY},
};

START_TEST(what_curl_says_is_told) {
  fake.code = failures[_i].code;
  expect_failure(failures[_i].status, "https://idp.test:8443/token cannot be asked: something of curl");
  fake.error = "details\nwith a line";
  expect_failure(failures[_i].status, "https://idp.test:8443/token cannot be asked: details?with a line");
  fake.error = "it was s3cr:t &\xc3\xa9, as bWUgJiB5b3U6czNjcjp0ICbDqQ==";
  expect_failure(failures[_i].status, "cannot be asked: it was [hidden], as [hidden]");
}
END_TEST

START_TEST(an_old_curl_is_told) {
  fake.refused_option = CURLOPT_HEADEROPT;
  expect_failure(STATUS_LOGIN_FAILED, "libcurl is too old");
  fake.refused_option = CURLOPT_HTTPHEADER;
  expect_failure(STATUS_LOGIN_FAILED, "libcurl is too old");
  ck_assert_int_eq(fake.performed, 0);
  fake.no_handle = true;
  expect_failure(STATUS_OUT_OF_MEMORY, "no memory");
}
END_TEST

START_TEST(what_the_server_says_is_told_without_secrets) {
  fake.http_status = 401;
  fake.body = "{\"error\":\"invalid_client\",\"error_description\":\"not s3cr:t &\\u00e9\"}";
  expect_failure(STATUS_LOGIN_FAILED,
                 "https://idp.test:8443/token: it answered 401 (client id or secret is refused): "
                 "invalid_client: not [hidden]");
}
END_TEST

START_TEST(the_clock_of_the_server_is_told) {
  static const char *const head[] = {"HTTP/1.1 200 OK", "Date: Sun, 06 Nov 1994 08:49:37 GMT", "", NULL};
  fake.head = head;
  fake.body = "{\"access_token\":\"e30.eyJleHAiOjF9.\"}"; /* {"exp":1} */
  expect_failure(STATUS_LOGIN_FAILED, "that of the server 1994-11-06T08:49:37Z");
}
END_TEST

/* Runs as the source's own thread calls it; the first answer is a 429. */
static int32_t fetch_twice(void *oidc, struct token_source *asking, struct token **token, char *text,
                           size_t size) {
  int32_t status = oidc_fetch(oidc, asking, token, text, size);
  fake.http_status = 200;
  return status;
}

START_TEST(retry_after_is_kept) {
  static const char *const head[] = {"HTTP/1.1 429 Too Many Requests", "Retry-After: 1", "", NULL};
  fake.http_status = 429;
  fake.head = head;
  const struct oidc_settings settings = settings_of_test();
  const struct token_source_settings fetching = {.fetch = fetch_twice,
                                                 .release = oidc_release,
                                                 .context = create(&settings),
                                                 .refresh_window = 0.8,
                                                 .retry_backoff_us = 1000,
                                                 .retry_backoff_max_us = 1000};
  struct token_source *own;
  struct token *token;
  ck_assert_int_eq(token_source_create(&fetching, NULL, &own), STATUS_OK);
  int64_t begin_us = clock_monotonic_us();
  ck_assert_int_eq(token_source_take(own, begin_us + INT64_C(60000000), &token, reason, sizeof reason),
                   STATUS_OK);
  ck_assert_int_ge(clock_monotonic_us() - begin_us, 1000000);
  token_release(token);
  token_source_destroy(own);
  ck_assert_int_eq(fake.performed, 2);
}
END_TEST

static void *close_source(void *argument) {
  (void)argument;
  token_source_close(source);
  return NULL;
}

START_TEST(closing_ends_a_request) {
  fake.waits_for_cancel = true;
  pthread_t closer;
  ck_assert_int_eq(pthread_create(&closer, NULL, close_source, NULL), 0);
  expect_failure(STATUS_CLOSED, "given up");
  ck_assert_int_eq(pthread_join(closer, NULL), 0);
}
END_TEST

START_TEST(a_curl_that_does_not_wipe_is_logged) {
  const struct oidc_settings settings = settings_of_test();
  oidc_release(create(&settings));
  ck_assert_int_eq(line_count, 0);
  struct curl other = curl;
  other.wipes = false;
  struct oidc_settings with_other = settings_of_test();
  with_other.curl = &other;
  oidc_release(create(&with_other));
  ck_assert_int_eq(line_count, 1);
  ck_assert_ptr_nonnull(strstr(lines[0], "not wiped"));
  oidc_release(NULL);
}
END_TEST

START_TEST(missing_memory_is_told) {
  struct oidc_settings settings = settings_of_test();
  settings.extensions = "a=b";
  settings.url_encode_header = true;
  settings.subject_claim = "sub";
  settings.ca_pem = "x";
  size_t before = secret_usage().count;
  uint32_t count = 0;
  for (bool failed = true; failed; count++) {
    struct oidc *oidc = NULL;
    struct token *token = NULL;
    failing_allocator_start(count);
    int32_t status = oidc_create(&settings, &oidc, error, sizeof error);
    if (status == STATUS_OK) status = oidc_fetch(oidc, source, &token, reason, sizeof reason);
    failed = failing_allocator_stop();
    ck_assert(status == STATUS_OK || (failed && status == STATUS_OUT_OF_MEMORY));
    ck_assert_int_eq(status == STATUS_OK, token != NULL);
    token_release(token);
    oidc_release(oidc);
    ck_assert_uint_eq(secret_usage().count, before);
  }
  ck_assert_uint_ge(count, 15);
}
END_TEST

static void add_request_tests(TCase *test_case) {
  tcase_add_test(test_case, the_request_is_as_kafkas_java_client_sends_it);
  tcase_add_test(test_case, the_header_is_encoded_as_a_form_where_that_is_wanted);
  tcase_add_test(test_case, the_request_is_safe);
  tcase_add_test(test_case, a_curl_with_another_tls_library_is_left_its_own_ways);
  tcase_add_test(test_case, timeouts_are_kept_within_limits);
  tcase_add_test(test_case, trust_that_is_set_replaces_the_systems);
  tcase_add_test(test_case, a_pem_text_replaces_the_systems_trust);
  tcase_add_test(test_case, a_location_that_is_not_there_is_refused);
  tcase_add_test(test_case, an_answer_above_64_kib_is_given_up);
  tcase_add_loop_test(test_case, what_curl_says_is_told, 0, sizeof failures / sizeof failures[0]);
  tcase_add_test(test_case, an_old_curl_is_told);
  tcase_add_test(test_case, what_the_server_says_is_told_without_secrets);
  tcase_add_test(test_case, the_clock_of_the_server_is_told);
  tcase_add_test(test_case, retry_after_is_kept);
  tcase_add_test(test_case, closing_ends_a_request);
}

int main(void) {
  Suite *suite = suite_create("oidc");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, set_up, tear_down);
  add_request_tests(test_case);
  tcase_add_loop_test(test_case, a_url_that_is_not_plain_https_is_refused, 0,
                      sizeof bad_urls / sizeof bad_urls[0]);
  tcase_add_test(test_case, urls_have_to_be_allowed);
  tcase_add_test(test_case, what_is_missing_is_told_by_its_setting);
  tcase_add_test(test_case, extensions_are_taken_apart);
  tcase_add_loop_test(test_case, extensions_that_kafka_does_not_take_are_refused, 0,
                      sizeof bad_extensions / sizeof bad_extensions[0]);
  tcase_add_test(test_case, too_many_extensions_are_refused);
  tcase_add_test(test_case, a_curl_that_does_not_wipe_is_logged);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
