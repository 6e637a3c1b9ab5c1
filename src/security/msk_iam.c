#include "security/msk_iam.h"

#include "base/status.h"
#include "security/sasl_text.h"
#include "security/scram_keys.h"
#include <stdio.h>
#include <string.h>

#define ALGORITHM   "AWS4-HMAC-SHA256"
#define SERVICE     "kafka-cluster"
#define TERMINATION "aws4_request"
#define ACTION      "kafka-cluster:Connect"

enum { DIGEST_BYTES = 32, SCOPE_BYTES = 160 };

/* What the strings to be signed are made of. */
struct parts {
  char date[9];       /* 20201022 */
  char date_time[17]; /* 20201022T000000Z */
  char scope[SCOPE_BYTES];
  struct secret *query; /* in the canonical form */
};

static int32_t signature_make(const struct msk_iam_request *request, const struct parts *parts,
                              char signature[2 * DIGEST_BYTES + 1]);
static int32_t query_make(const struct msk_iam_request *request, struct parts *parts);
static int32_t message_make(const struct msk_iam_request *request, const struct parts *parts,
                            const char *signature, struct secret **message);

bool msk_iam_text_is_valid(struct bytes text) {
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (c < 0x21 || c > 0x7e || c == '"' || c == '\\') return false;
  }
  return text.size > 0;
}

bool msk_iam_region_is_valid(const char *region) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
  size_t size = strlen(region);
  return size > 0 && size < MSK_IAM_REGION_BYTES && strspn(region, allowed) == size;
}

bool msk_iam_region_of(const char *host, char region[static MSK_IAM_REGION_BYTES]) {
  static const char *const services[] = {".kafka.", ".kafka-serverless."};
  static const char *const domains[] = {".amazonaws.com", ".amazonaws.com.cn"};
  for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
    const char *service = strstr(host, services[i]);
    if (service == NULL) continue;
    const char *begin = service + strlen(services[i]);
    const char *end = strchr(begin, '.');
    if (end == NULL || end - begin >= MSK_IAM_REGION_BYTES) continue;
    if (strcmp(end, domains[0]) != 0 && strcmp(end, domains[1]) != 0) continue;
    char found[MSK_IAM_REGION_BYTES];
    memcpy(found, begin, (size_t)(end - begin));
    found[end - begin] = '\0';
    if (!msk_iam_region_is_valid(found)) continue;
    memcpy(region, found, sizeof found);
    return true;
  }
  return false;
}

/* Days since 1970 as a date of the Gregorian calendar. Years are counted from March, so that the leap day is
 * a year's last. */
static void date_of(int64_t days, int *year, int *month, int *day) {
  int64_t since_0000_03 = days + 719468;
  int64_t era = since_0000_03 / 146097;
  int64_t day_of_era = since_0000_03 % 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month_from_march = (5 * day_of_year + 2) / 153;
  *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  *year = (int)(era * 400 + year_of_era + (*month <= 2 ? 1 : 0));
}

/* Clocks before 1970 or after 9999 are taken for the nearest time that can be written. */
static void times_write(int64_t now_ms, struct parts *parts) {
  enum { SECONDS_OF_DAY = 86400 };
  const int64_t last = 253402300799;
  int64_t seconds = now_ms < 0 ? 0 : now_ms / 1000;
  if (seconds > last) seconds = last;
  int year, month, day;
  date_of(seconds / SECONDS_OF_DAY, &year, &month, &day);
  unsigned second = (unsigned)(seconds % SECONDS_OF_DAY);
  (void)snprintf(parts->date, sizeof parts->date, "%04u%02u%02u", (unsigned)year % 10000,
                 (unsigned)month % 100, (unsigned)day % 100);
  (void)snprintf(parts->date_time, sizeof parts->date_time, "%sT%02u%02u%02uZ", parts->date,
                 second / 3600 % 100, second / 60 % 60, second % 60);
}

int32_t msk_iam_sign(const struct msk_iam_request *request, struct secret **message) {
  struct parts parts = {.query = NULL};
  char signature[2 * DIGEST_BYTES + 1];
  times_write(request->now_ms, &parts);
  (void)snprintf(parts.scope, sizeof parts.scope, "%s/%.63s/" SERVICE "/" TERMINATION, parts.date,
                 request->region);
  int32_t status = query_make(request, &parts);
  if (status == STATUS_OK) status = signature_make(request, &parts, signature);
  if (status == STATUS_OK) status = message_make(request, &parts, signature, message);
  secret_wipe(signature, sizeof signature);
  secret_destroy(parts.query);
  return status;
}

/* Percent-encoded (RFC 3986); only unreserved characters stay. NULL if memory is missing. */
static struct secret *encode(struct bytes text) {
  static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  static const char digits[] = "0123456789ABCDEF";
  size_t size = 0;
  for (size_t i = 0; i < text.size; i++)
    size += memchr(unreserved, text.data[i], sizeof unreserved - 1) != NULL ? 1 : 3;
  struct secret *encoded = secret_allocate(size);
  if (encoded == NULL) return NULL;
  uint8_t *to = secret_data(encoded);
  for (size_t i = 0; i < text.size; i++) {
    if (memchr(unreserved, text.data[i], sizeof unreserved - 1) != NULL) {
      *to++ = text.data[i];
    } else {
      *to++ = '%';
      *to++ = (uint8_t)digits[text.data[i] >> 4];
      *to++ = (uint8_t)digits[text.data[i] & 15];
    }
  }
  return encoded;
}

/* Parameters by name. */
static int32_t query_make(const struct msk_iam_request *request, struct parts *parts) {
  char credential_text[SCOPE_BYTES + 160];
  (void)snprintf(credential_text, sizeof credential_text, "%.128s/%s", request->access_key_id, parts->scope);
  struct secret *action = encode(bytes_of_string(ACTION));
  struct secret *credential = encode(bytes_of_string(credential_text));
  struct secret *token = encode(request->session_token);
  char expires[8];
  (void)snprintf(expires, sizeof expires, "%d", MSK_IAM_EXPIRES_SECONDS);
  if (action != NULL && credential != NULL && token != NULL) {
    const char *token_name = request->session_token.data == NULL ? "" : "&X-Amz-Security-Token=";
    struct bytes texts[] = {
        bytes_of_string("Action="),
        secret_bytes(action),
        bytes_of_string("&X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential="),
        secret_bytes(credential),
        bytes_of_string("&X-Amz-Date="),
        bytes_of_string(parts->date_time),
        bytes_of_string("&X-Amz-Expires="),
        bytes_of_string(expires),
        bytes_of_string(token_name),
        secret_bytes(token),
        bytes_of_string("&X-Amz-SignedHeaders=host"),
    };
    parts->query = sasl_text_join(texts, sizeof texts / sizeof texts[0]);
  }
  secret_destroy(action);
  secret_destroy(credential);
  secret_destroy(token);
  return parts->query == NULL ? STATUS_OUT_OF_MEMORY : STATUS_OK;
}

static void hex_write(const uint8_t *bytes, size_t size, char *to) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; i++) {
    *to++ = digits[bytes[i] >> 4];
    *to++ = digits[bytes[i] & 15];
  }
  *to = '\0';
}

/* The digest of the canonical request: a GET of "/" with no body and one header. */
static int32_t request_digest(const struct msk_iam_request *request, const struct parts *parts,
                              char digest_text[2 * DIGEST_BYTES + 1]) {
  static const char digest_of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  uint8_t digest[DIGEST_BYTES];
  struct bytes texts[] = {
      bytes_of_string("GET\n/\n"),    secret_bytes(parts->query),    bytes_of_string("\nhost:"),
      bytes_of_string(request->host), bytes_of_string("\n\nhost\n"), bytes_of_string(digest_of_nothing),
  };
  struct secret *canonical = sasl_text_join(texts, sizeof texts / sizeof texts[0]);
  if (canonical == NULL) return STATUS_OUT_OF_MEMORY;
  bool made = scram_keys_digest(SCRAM_SHA_256, secret_bytes(canonical), digest);
  secret_destroy(canonical);
  if (!made) return STATUS_LOGIN_FAILED;
  hex_write(digest, sizeof digest, digest_text);
  return STATUS_OK;
}

/* Each key is the HMAC of a part of the scope by the key before it; the first is "AWS4" and the secret. */
static int32_t signature_make(const struct msk_iam_request *request, const struct parts *parts,
                              char signature[2 * DIGEST_BYTES + 1]) {
  char digest_text[2 * DIGEST_BYTES + 1];
  int32_t status = request_digest(request, parts, digest_text);
  if (status != STATUS_OK) return status;
  struct bytes first[] = {bytes_of_string("AWS4"), request->secret_access_key};
  struct secret *key = sasl_text_join(first, 2);
  if (key == NULL) return STATUS_OUT_OF_MEMORY;
  char to_sign[SCOPE_BYTES + 160];
  (void)snprintf(to_sign, sizeof to_sign, ALGORITHM "\n%s\n%s\n%s", parts->date_time, parts->scope,
                 digest_text);
  const char *const texts[] = {parts->date, request->region, SERVICE, TERMINATION, to_sign};
  uint8_t results[2][DIGEST_BYTES];
  struct bytes by = secret_bytes(key);
  bool made = true;
  for (size_t i = 0; made && i < sizeof texts / sizeof texts[0]; i++) {
    made = scram_keys_hmac(SCRAM_SHA_256, by, bytes_of_string(texts[i]), results[i % 2]);
    by = bytes_of(results[i % 2], DIGEST_BYTES);
  }
  if (made) hex_write(by.data, DIGEST_BYTES, signature);
  secret_wipe(results, sizeof results);
  secret_destroy(key);
  return made ? STATUS_OK : STATUS_LOGIN_FAILED;
}

static int32_t message_make(const struct msk_iam_request *request, const struct parts *parts,
                            const char *signature, struct secret **message) {
  char expires[8];
  (void)snprintf(expires, sizeof expires, "%d", MSK_IAM_EXPIRES_SECONDS);
  bool has_token = request->session_token.data != NULL;
  struct bytes texts[] = {
      bytes_of_string("{\"version\":\"" MSK_IAM_VERSION "\",\"host\":\""),
      bytes_of_string(request->host),
      bytes_of_string("\",\"user-agent\":\""),
      bytes_of_string(request->user_agent),
      bytes_of_string("\",\"action\":\"" ACTION "\",\"x-amz-algorithm\":\"" ALGORITHM
                      "\",\"x-amz-credential\":\""),
      bytes_of_string(request->access_key_id),
      bytes_of_string("/"),
      bytes_of_string(parts->scope),
      bytes_of_string("\",\"x-amz-date\":\""),
      bytes_of_string(parts->date_time),
      bytes_of_string(has_token ? "\",\"x-amz-security-token\":\"" : ""),
      request->session_token,
      bytes_of_string("\",\"x-amz-signedheaders\":\"host\",\"x-amz-expires\":\""),
      bytes_of_string(expires),
      bytes_of_string("\",\"x-amz-signature\":\""),
      bytes_of_string(signature),
      bytes_of_string("\"}"),
  };
  struct secret *made = sasl_text_join(texts, sizeof texts / sizeof texts[0]);
  if (made == NULL) return STATUS_OUT_OF_MEMORY;
  *message = made;
  return STATUS_OK;
}
