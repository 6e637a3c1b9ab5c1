#include "security/oidc.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/status.h"
#include "security/base64.h"
#include "security/sasl_text.h"
#include "security/token_answer.h"
#include <stdio.h>
#include <sys/stat.h>

enum {
  ANSWER_BYTES_MAX = 64 * 1024,
  CONNECT_TIMEOUT_MS = 10000, /* Kafka's Java client has none of its own for either */
  READ_TIMEOUT_MS = 20000,
  TIMEOUT_MS_MAX = 300000,
  PAUSE_MS_MAX = 60000,
  EXTENSIONS_MAX = 64,
  HEADER_COUNT = 4,
  SECRET_COUNT = 3,
};

/* Immutable once it is made. */
struct oidc {
  const struct curl *curl;
  const struct log *log;
  char *url, *body, *user_agent, *ca_location, *ca_pem, *subject_claim, *extension_text;
  bool ca_is_directory;
  int32_t connect_timeout_ms, read_timeout_ms;
  struct secret *authorization; /* the whole header */
  struct secret *client_secret, *encoded_secret;
  struct bytes secrets[SECRET_COUNT]; /* views of what has to be hidden */
  struct token_extension extensions[EXTENSIONS_MAX];
  uint32_t extension_count;
};

/* One request. */
struct exchange {
  struct token_source *source;
  struct http_head head;
  struct secret *body; /* ANSWER_BYTES_MAX */
  size_t body_size;
  bool too_large;
  char error[CURL_ERROR_SIZE];
};

static int32_t check(const struct oidc_settings *settings, char *error, size_t error_size);
static int32_t check_url(const struct oidc_settings *settings, char *error, size_t error_size);
static bool is_https_url(const char *url);
static int32_t check_ca(const struct oidc_settings *settings, bool *is_directory, char *error,
                        size_t error_size);
static int32_t fill(struct oidc *oidc, const struct oidc_settings *settings, char *error, size_t error_size);
static bool keep(char **to, const char *text);
static int32_t split_extensions(struct oidc *oidc, char *error, size_t error_size);
static struct secret *authorization_of(const struct oidc_settings *settings, struct secret **encoded_secret);
static char *body_of(const char *scope);
static size_t url_encode(struct bytes text, char *to);
static int32_t clamped_timeout(int32_t timeout_ms, int32_t otherwise);
static int32_t perform(const struct oidc *oidc, struct exchange *exchange, int32_t *http_status, char *reason,
                       size_t reason_size);
static int set_options(const struct oidc *oidc, struct exchange *exchange, CURL *handle);
static int set_trust(const struct oidc *oidc, CURL *handle);
static int cleanse_plaintext(CURL *handle, void *context, void *oidc);
static size_t take_head(char *data, size_t size, size_t count, void *exchange);
static size_t take_body(char *data, size_t size, size_t count, void *exchange);
static int look_up(void *exchange, int64_t total, int64_t now, int64_t upload_total, int64_t upload_now);
static int32_t explain(const struct oidc *oidc, const struct exchange *exchange, int code, char *reason,
                       size_t reason_size);
static int32_t read_answer(const struct oidc *oidc, struct exchange *exchange, int32_t http_status,
                           struct token **token, char *reason, size_t reason_size);

int32_t oidc_create(const struct oidc_settings *settings, struct oidc **oidc, char *error,
                    size_t error_size) {
  int32_t status = check(settings, error, error_size);
  if (status != STATUS_OK) return status;
  const struct curl *curl = settings->curl;
  if (curl == NULL) status = curl_load(&curl, error, error_size);
  if (status != STATUS_OK) return status;
  struct oidc *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) {
    snprintf(error, error_size, "no memory for the OIDC client");
    return STATUS_OUT_OF_MEMORY;
  }
  created->curl = curl;
  status = fill(created, settings, error, error_size);
  if (status != STATUS_OK) {
    oidc_release(created);
    return status;
  }
  if (!curl->wipes && settings->log != NULL)
    LOG(settings->log, LOG_LEVEL_INFO,
        "libcurl was in use before: what it keeps of credentials in freed memory is not wiped");
  *oidc = created;
  return STATUS_OK;
}

void oidc_release(void *released) {
  struct oidc *oidc = released;
  if (oidc == NULL) return;
  secret_destroy(oidc->authorization);
  secret_destroy(oidc->client_secret);
  secret_destroy(oidc->encoded_secret);
  allocator_free(oidc->url);
  allocator_free(oidc->body);
  allocator_free(oidc->user_agent);
  allocator_free(oidc->ca_location);
  allocator_free(oidc->ca_pem);
  allocator_free(oidc->subject_claim);
  allocator_free(oidc->extension_text);
  allocator_free(oidc);
}

int32_t oidc_fetch(void *context, struct token_source *source, struct token **token, char *reason,
                   size_t reason_size) {
  const struct oidc *oidc = context;
  struct exchange exchange = {.source = source};
  exchange.body = secret_allocate(ANSWER_BYTES_MAX);
  if (exchange.body == NULL) {
    snprintf(reason, reason_size, "no memory to ask the token endpoint");
    return STATUS_OUT_OF_MEMORY;
  }
  int32_t http_status;
  int32_t status = perform(oidc, &exchange, &http_status, reason, reason_size);
  if (status == STATUS_OK) status = read_answer(oidc, &exchange, http_status, token, reason, reason_size);
  secret_destroy(exchange.body);
  return status;
}

static int32_t check(const struct oidc_settings *settings, char *error, size_t error_size) {
  int32_t status = check_url(settings, error, error_size);
  if (status != STATUS_OK) return status;
  if (settings->client_id == NULL || settings->client_id[0] == '\0') {
    snprintf(error, error_size, "OIDC needs a client id: sasl.oauthbearer.client.credentials.client.id");
    return STATUS_INVALID_SETTING;
  }
  /* RFC 7617, section 2: the first colon ends the id. */
  if (!settings->url_encode_header && strchr(settings->client_id, ':') != NULL) {
    snprintf(error, error_size, "a client id with a colon needs sasl.oauthbearer.header.urlencode=true");
    return STATUS_INVALID_SETTING;
  }
  if (secret_bytes(settings->client_secret).size == 0) {
    snprintf(error, error_size,
             "OIDC needs a client secret: sasl.oauthbearer.client.credentials.client.secret");
    return STATUS_INVALID_SETTING;
  }
  return STATUS_OK;
}

static int32_t check_url(const struct oidc_settings *settings, char *error, size_t error_size) {
  const char *url = settings->token_endpoint_url;
  if (url == NULL || url[0] == '\0') {
    snprintf(error, error_size, "OIDC needs sasl.oauthbearer.token.endpoint.url");
    return STATUS_INVALID_SETTING;
  }
  if (!is_https_url(url)) {
    snprintf(
        error, error_size,
        "sasl.oauthbearer.token.endpoint.url has to be https://HOST/PATH, without user, blanks or #: over "
        "anything else the client secret could be read on the way");
    return STATUS_INVALID_SETTING;
  }
  bool allowed = settings->allowed_url_count == 0;
  for (uint32_t i = 0; i < settings->allowed_url_count && !allowed; i++)
    allowed = strcmp(settings->allowed_urls[i], url) == 0;
  if (allowed) return STATUS_OK;
  snprintf(
      error, error_size,
      "sasl.oauthbearer.token.endpoint.url is not among the allowed URLs (sasl.oauthbearer.allowed.urls)");
  return STATUS_INVALID_SETTING;
}

/* https://authority[/path][?query], where the authority has no user: a password there would show up in logs.
 */
static bool is_https_url(const char *url) {
  static const char scheme[] = "https://";
  for (size_t i = 0; scheme[i] != '\0'; i++)
    if (url[i] != scheme[i] && (url[i] | 0x20) != scheme[i]) return false;
  const char *authority = url + sizeof scheme - 1;
  for (const char *at = authority; *at != '\0'; at++)
    if (*at <= ' ' || *at > '~' || *at == '#' || *at == '\\' || *at == '"' || *at == '<' || *at == '>')
      return false;
  size_t size = strcspn(authority, "/?");
  return size > 0 && authority[0] != ':' && memchr(authority, '@', size) == NULL;
}

static int32_t check_ca(const struct oidc_settings *settings, bool *is_directory, char *error,
                        size_t error_size) {
  if (settings->ca_location == NULL) return STATUS_OK;
  if (settings->ca_pem != NULL) {
    snprintf(error, error_size, "only one of https.ca.location and https.ca.pem can be set");
    return STATUS_INVALID_SETTING;
  }
  struct stat found;
  if (stat(settings->ca_location, &found) != 0) {
    snprintf(error, error_size, "https.ca.location: there is no file %s, or it cannot be read",
             settings->ca_location);
    return STATUS_FILE_UNREADABLE;
  }
  *is_directory = S_ISDIR(found.st_mode);
  return STATUS_OK;
}

static int32_t fill(struct oidc *oidc, const struct oidc_settings *settings, char *error, size_t error_size) {
  int32_t status = check_ca(settings, &oidc->ca_is_directory, error, error_size);
  if (status != STATUS_OK) return status;
  oidc->log = settings->log;
  oidc->connect_timeout_ms = clamped_timeout(settings->connect_timeout_ms, CONNECT_TIMEOUT_MS);
  oidc->read_timeout_ms = clamped_timeout(settings->read_timeout_ms, READ_TIMEOUT_MS);
  oidc->body = body_of(settings->scope);
  oidc->client_secret = secret_copy(settings->client_secret);
  oidc->authorization = authorization_of(settings, &oidc->encoded_secret);
  bool kept = oidc->body != NULL && oidc->client_secret != NULL && oidc->authorization != NULL &&
              keep(&oidc->url, settings->token_endpoint_url) &&
              keep(&oidc->user_agent, settings->user_agent) &&
              keep(&oidc->ca_location, settings->ca_location) && keep(&oidc->ca_pem, settings->ca_pem) &&
              keep(&oidc->subject_claim, settings->subject_claim) &&
              keep(&oidc->extension_text, settings->extensions);
  if (!kept) {
    snprintf(error, error_size, "no memory for the OIDC client");
    return STATUS_OUT_OF_MEMORY;
  }
  struct bytes header = secret_bytes(oidc->authorization);
  oidc->secrets[0] = secret_bytes(oidc->client_secret);
  oidc->secrets[1] = secret_bytes(oidc->encoded_secret);
  oidc->secrets[2] = bytes_of(header.data + sizeof "Authorization: Basic " - 1,
                              header.size - (sizeof "Authorization: Basic " - 1));
  return split_extensions(oidc, error, error_size);
}

/* NULL is kept as NULL. */
static bool keep(char **to, const char *text) {
  if (text == NULL) return true;
  *to = allocator_copy_string(text);
  return *to != NULL;
}

/* "name=value,name=value"; what a name or value may be is token_create's to say, with the first token as well
 * as here. */
static int32_t split_extensions(struct oidc *oidc, char *error, size_t error_size) {
  char *at = oidc->extension_text;
  while (at != NULL && *at != '\0') {
    char *end = at + strcspn(at, ",");
    char *equals = memchr(at, '=', (size_t)(end - at));
    if (equals == NULL || oidc->extension_count == EXTENSIONS_MAX) {
      snprintf(error, error_size, "sasl.oauthbearer.extensions has to be name=value,name=value, at most %d",
               EXTENSIONS_MAX);
      return STATUS_INVALID_SETTING;
    }
    bool last = *end == '\0';
    *equals = *end = '\0';
    oidc->extensions[oidc->extension_count++] = (struct token_extension){.name = at, .value = equals + 1};
    at = last ? end : end + 1;
  }
  const struct token_fields sample = {.value = bytes_of_string("sample"),
                                      .expires_ms = INT64_MAX,
                                      .extensions = oidc->extensions,
                                      .extension_count = oidc->extension_count};
  struct token *token;
  int32_t status = token_create(&sample, 0, &token, error, error_size);
  if (status == STATUS_OK) token_release(token);
  return status == STATUS_INVALID_ARGUMENT ? STATUS_INVALID_SETTING : status;
}

/* RFC 6749, section 2.3.1, would have both encoded as a form has it; most servers, and Kafka's Java client
 * unless it is told to, take them as they are. */
static struct secret *authorization_of(const struct oidc_settings *settings, struct secret **encoded_secret) {
  struct bytes id = bytes_of_string(settings->client_id), secret = secret_bytes(settings->client_secret);
  struct secret *pair = secret_allocate(3 * (id.size + secret.size) + 1);
  if (pair == NULL) return NULL;
  char *at = (char *)secret_data(pair);
  size_t size;
  if (settings->url_encode_header) {
    size = url_encode(id, at);
    at[size++] = ':';
    size_t encoded_size = url_encode(secret, at + size);
    *encoded_secret = secret_create(bytes_of(at + size, encoded_size));
    size += encoded_size;
  } else {
    memcpy(at, id.data, id.size);
    at[id.size] = ':';
    memcpy(at + id.size + 1, secret.data, secret.size);
    size = id.size + 1 + secret.size;
  }
  static const char prefix[] = "Authorization: Basic ";
  struct secret *header = NULL;
  if (!settings->url_encode_header || *encoded_secret != NULL)
    header = secret_allocate(sizeof prefix - 1 + base64_encoded_size(size));
  if (header != NULL) {
    memcpy(secret_data(header), prefix, sizeof prefix - 1);
    base64_encode(bytes_of(at, size), BASE64_STANDARD, (char *)secret_data(header) + sizeof prefix - 1);
  }
  secret_destroy(pair);
  return header;
}

static char *body_of(const char *scope) {
  static const char grant[] = "grant_type=client_credentials", name[] = "&scope=";
  struct bytes text = bytes_of_string(scope);
  while (text.size > 0 && *text.data <= ' ')
    text = bytes_of(text.data + 1, text.size - 1);
  while (text.size > 0 && text.data[text.size - 1] <= ' ')
    text.size--;
  char *body = allocator_allocate(sizeof grant + sizeof name + 3 * text.size);
  if (body == NULL) return NULL;
  size_t size = sizeof grant - 1;
  memcpy(body, grant, size);
  if (text.size > 0) {
    memcpy(body + size, name, sizeof name - 1);
    size += sizeof name - 1;
    size += url_encode(text, body + size);
  }
  body[size] = '\0';
  return body;
}

/* As forms have it (application/x-www-form-urlencoded) and Java's URLEncoder does it. At most three
 * characters for each byte. */
static size_t url_encode(struct bytes text, char *to) {
  static const char digits[] = "0123456789ABCDEF";
  size_t size = 0;
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                 c == '-' || c == '*' || c == '_';
    if (plain || c == ' ') {
      to[size++] = plain ? (char)c : '+';
    } else {
      to[size++] = '%';
      to[size++] = digits[c >> 4];
      to[size++] = digits[c & 15];
    }
  }
  return size;
}

static int32_t clamped_timeout(int32_t timeout_ms, int32_t otherwise) {
  if (timeout_ms <= 0) return otherwise;
  return timeout_ms < TIMEOUT_MS_MAX ? timeout_ms : TIMEOUT_MS_MAX;
}

static int32_t perform(const struct oidc *oidc, struct exchange *exchange, int32_t *http_status, char *reason,
                       size_t reason_size) {
  const struct curl *curl = oidc->curl;
  CURL *handle = curl->easy_init();
  if (handle == NULL) {
    snprintf(reason, reason_size, "no memory to ask the token endpoint");
    return STATUS_OUT_OF_MEMORY;
  }
  static char accept[] = "Accept: application/json", cache[] = "Cache-Control: no-cache",
              type[] = "Content-Type: application/x-www-form-urlencoded"; /* curl does not write to them */
  struct curl_slist headers[HEADER_COUNT] = {{.data = accept, .next = &headers[1]},
                                             {.data = cache, .next = &headers[2]},
                                             {.data = type, .next = &headers[3]},
                                             {.data = (char *)secret_data(oidc->authorization)}};
  int code = set_options(oidc, exchange, handle);
  if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  if (code == CURLE_OK) code = curl->easy_perform(handle);
  long response = 0;
  if (code == CURLE_OK) code = curl->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response);
  curl->easy_cleanup(handle);
  *http_status = (int32_t)response;
  return code == CURLE_OK ? STATUS_OK : explain(oidc, exchange, code, reason, reason_size);
}

static int set_options(const struct oidc *oidc, struct exchange *exchange, CURL *handle) {
  const struct {
    int option;
    long value;
  } numbers[] = {
      {CURLOPT_NOSIGNAL, 1},
      {CURLOPT_FOLLOWLOCATION, 0},
      {CURLOPT_PROTOCOLS, CURLPROTO_HTTPS},
      {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE}, /* a proxy is not shown our headers */
      {CURLOPT_SSL_VERIFYPEER, 1},
      {CURLOPT_SSL_VERIFYHOST, 2},
      {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
      {CURLOPT_CONNECTTIMEOUT_MS, oidc->connect_timeout_ms},
      {CURLOPT_TIMEOUT_MS, (long)oidc->connect_timeout_ms + oidc->read_timeout_ms},
      {CURLOPT_POST, 1},
      {CURLOPT_POSTFIELDSIZE, (long)strlen(oidc->body)},
      {CURLOPT_NOPROGRESS, 0},
  };
  const struct {
    int option;
    const void *value;
  } objects[] = {
      {CURLOPT_URL, oidc->url},         {CURLOPT_USERAGENT, oidc->user_agent},
      {CURLOPT_POSTFIELDS, oidc->body}, {CURLOPT_ERRORBUFFER, exchange->error},
      {CURLOPT_HEADERDATA, exchange},   {CURLOPT_WRITEDATA, exchange},
      {CURLOPT_XFERINFODATA, exchange},
  };
  const struct curl *curl = oidc->curl;
  int code = CURLE_OK;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && code == CURLE_OK; i++)
    code = curl->easy_setopt(handle, numbers[i].option, numbers[i].value);
  for (size_t i = 0; i < sizeof objects / sizeof objects[0] && code == CURLE_OK; i++)
    code = curl->easy_setopt(handle, objects[i].option, objects[i].value);
  if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_head);
  if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_up);
  return code == CURLE_OK ? set_trust(oidc, handle) : code;
}

/* What is set takes the place of the system's store, which curl would trust beside it. */
static int set_trust(const struct oidc *oidc, CURL *handle) {
  const struct curl *curl = oidc->curl;
  int code = CURLE_OK;
  if (oidc->ca_location != NULL) {
    code = curl->easy_setopt(handle, CURLOPT_CAINFO, oidc->ca_is_directory ? NULL : oidc->ca_location);
    if (code == CURLE_OK)
      code = curl->easy_setopt(handle, CURLOPT_CAPATH, oidc->ca_is_directory ? oidc->ca_location : NULL);
  } else if (oidc->ca_pem != NULL) {
    struct curl_blob pem = {.data = oidc->ca_pem, .size = strlen(oidc->ca_pem), .flags = CURL_BLOB_COPY};
    code = curl->easy_setopt(handle, CURLOPT_CAINFO_BLOB, &pem);
    if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_CAINFO, NULL);
    if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_CAPATH, NULL);
  }
  if (code == CURLE_OK && curl->SSL_CTX_set_options != NULL) {
    code = curl->easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, cleanse_plaintext);
    if (code == CURLE_OK) code = curl->easy_setopt(handle, CURLOPT_SSL_CTX_DATA, oidc);
  }
  return code;
}

static int cleanse_plaintext(CURL *handle, void *context, void *context_of_callback) {
  (void)handle;
  const struct oidc *oidc = context_of_callback;
  oidc->curl->SSL_CTX_set_options(context, CURL_SSL_OP_CLEANSE_PLAINTEXT);
  return CURLE_OK;
}

static size_t take_head(char *data, size_t size, size_t count, void *context) {
  struct exchange *exchange = context;
  http_head_read(&exchange->head, bytes_of(data, size * count));
  return size * count;
}

static size_t take_body(char *data, size_t size, size_t count, void *context) {
  struct exchange *exchange = context;
  if (size * count > ANSWER_BYTES_MAX - exchange->body_size) {
    exchange->too_large = true;
    return 0;
  }
  memcpy(secret_data(exchange->body) + exchange->body_size, data, size * count);
  exchange->body_size += size * count;
  return size * count;
}

/* Asked by curl once a second at least. Not zero: give up. */
static int look_up(void *context, int64_t total, int64_t now, int64_t upload_total, int64_t upload_now) {
  (void)total, (void)now, (void)upload_total, (void)upload_now;
  const struct exchange *exchange = context;
  return token_source_is_cancelled(exchange->source);
}

static int32_t explain(const struct oidc *oidc, const struct exchange *exchange, int code, char *reason,
                       size_t reason_size) {
  if (token_source_is_cancelled(exchange->source)) {
    snprintf(reason, reason_size, "the request to the token endpoint was given up");
    return STATUS_CLOSED;
  }
  int url_size = (int)strcspn(oidc->url, "?");
  if (exchange->too_large) {
    snprintf(reason, reason_size, "%.*s: its answer is larger than 64 KiB", url_size, oidc->url);
    return STATUS_LOGIN_FAILED;
  }
  if (code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN) {
    snprintf(reason, reason_size, "libcurl is too old%s",
             oidc->ca_pem != NULL ? " for https.ca.pem, which needs 7.77: set https.ca.location" : "");
    return STATUS_LOGIN_FAILED;
  }
  const char *said = exchange->error[0] != '\0' ? exchange->error : oidc->curl->easy_strerror(code);
  char hidden[CURL_ERROR_SIZE];
  sasl_text_print(bytes_of_string(said), oidc->secrets, SECRET_COUNT, hidden, sizeof hidden);
  snprintf(reason, reason_size, "%.*s cannot be asked: %s", url_size, oidc->url, hidden);
  if (code == CURLE_OUT_OF_MEMORY) return STATUS_OUT_OF_MEMORY;
  bool final = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
  return final ? STATUS_LOGIN_FAILED : STATUS_DISCONNECTED;
}

static int32_t read_answer(const struct oidc *oidc, struct exchange *exchange, int32_t http_status,
                           struct token **token, char *reason, size_t reason_size) {
  const struct token_answer answer = {.http_status = http_status,
                                      .head = &exchange->head,
                                      .body = bytes_of(secret_data(exchange->body), exchange->body_size),
                                      .now_ms = clock_wall_ms(),
                                      .subject_claim = oidc->subject_claim,
                                      .extensions = oidc->extensions,
                                      .extension_count = oidc->extension_count,
                                      .secrets = oidc->secrets,
                                      .secret_count = SECRET_COUNT};
  char said[512] = "";
  int32_t status = token_answer_read(&answer, token, said, sizeof said);
  if (status == STATUS_OK) return STATUS_OK;
  snprintf(reason, reason_size, "%.*s: %s", (int)strcspn(oidc->url, "?"), oidc->url, said);
  int64_t pause_ms = http_head_pause_ms(&exchange->head, answer.now_ms, PAUSE_MS_MAX);
  if (pause_ms > 0) token_source_set_pause(exchange->source, pause_ms * 1000);
  return status;
}
