#include "security/msk_iam.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

/* The example keys of AWS's documentation. */
#define KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define HOST   "b-1.demo.abc123.c2.kafka.us-east-1.amazonaws.com"

static struct msk_iam_request request_of(const char *host, const char *region, int64_t now_ms) {
  return (struct msk_iam_request){
      .access_key_id = KEY_ID,
      .secret_access_key = bytes_of_string(SECRET),
      .region = region,
      .host = host,
      .user_agent = "sendoff",
      .now_ms = now_ms,
  };
}

static void assert_signed(const struct msk_iam_request *request, const char *expected) {
  struct secret *message = NULL;
  ck_assert_int_eq(msk_iam_sign(request, &message), STATUS_OK);
  ck_assert_str_eq(secret_text(message), expected);
  ck_assert_ptr_null(strstr(secret_text(message), SECRET));
  secret_destroy(message);
}

/* Both signatures are those of botocore 1.43.11, Amazon's own library for Python:
 *
 *   request = AWSRequest("GET", f"https://{host}/", params={"Action": "kafka-cluster:Connect"})
 *   credentials = Credentials(key_id, secret, session_token)
 *   SigV4QueryAuth(credentials, "kafka-cluster", region, expires=900).add_auth(request)
 *
 * with botocore.auth.get_current_datetime replaced by one that gives the time of the vector; the signature is
 * request.url's X-Amz-Signature. Forty lines of Python's hashlib and hmac by AWS's description give the same.
 */
START_TEST(the_signature_is_that_of_amazons_library) {
  struct msk_iam_request request = request_of(HOST, "us-east-1", 1603361472000);
  assert_signed(
      &request,
      "{\"version\":\"2020_10_22\",\"host\":\"" HOST "\",\"user-agent\":\"sendoff\","
      "\"action\":\"kafka-cluster:Connect\",\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\","
      "\"x-amz-credential\":\"AKIDEXAMPLE/20201022/us-east-1/kafka-cluster/aws4_request\","
      "\"x-amz-date\":\"20201022T101112Z\",\"x-amz-signedheaders\":\"host\",\"x-amz-expires\":\"900\","
      "\"x-amz-signature\":\"4293a9d4261997e42fc32e77638112a60dc7fa2c7351075ceb390aac690c799c\"}");
}
END_TEST

START_TEST(a_session_token_is_signed_too) {
  struct msk_iam_request request = request_of("broker.example.org", "eu-central-1", 1709251199999);
  request.session_token = bytes_of_string("FQoGZXIvYXdzE+/=token~x");
  assert_signed(&request,
                "{\"version\":\"2020_10_22\",\"host\":\"broker.example.org\",\"user-agent\":\"sendoff\","
                "\"action\":\"kafka-cluster:Connect\",\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\","
                "\"x-amz-credential\":\"AKIDEXAMPLE/20240229/eu-central-1/kafka-cluster/aws4_request\","
                "\"x-amz-date\":\"20240229T235959Z\",\"x-amz-security-token\":\"FQoGZXIvYXdzE+/=token~x\","
                "\"x-amz-signedheaders\":\"host\",\"x-amz-expires\":\"900\","
                "\"x-amz-signature\":\"a78ce9cd12298983eee321962619c82acdbf821e1c226c06583dd4513ebbcffc\"}");
}
END_TEST

START_TEST(dates_are_right) {
  static const struct {
    int64_t now_ms;
    const char *date_time;
  } cases[] = {
      {0, "19700101T000000Z"},
      {-5, "19700101T000000Z"},
      {951782400000, "20000229T000000Z"},
      {951868799999, "20000229T235959Z"},
      {951868800000, "20000301T000000Z"},
      {1735689599000, "20241231T235959Z"},
      {1735689600000, "20250101T000000Z"},
      {4107542400000, "21000301T000000Z"},
      {4107542399000, "21000228T235959Z"},
      {INT64_MAX, "99991231T235959Z"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct msk_iam_request request = request_of(HOST, "us-east-1", cases[i].now_ms);
    struct secret *message = NULL;
    ck_assert_int_eq(msk_iam_sign(&request, &message), STATUS_OK);
    ck_assert_msg(strstr(secret_text(message), cases[i].date_time) != NULL, "%s", cases[i].date_time);
    secret_destroy(message);
  }
}
END_TEST

START_TEST(regions_are_found_in_names_of_brokers) {
  static const char *const named[][2] = {
      {HOST, "us-east-1"},
      {"b-2-public.x.y1.c3.kafka.eu-west-3.amazonaws.com", "eu-west-3"},
      {"boot-abc.c2.kafka-serverless.ap-south-1.amazonaws.com", "ap-south-1"},
      {"b-1.x.y.kafka.cn-north-1.amazonaws.com.cn", "cn-north-1"},
  };
  static const char *const unnamed[] = {"localhost",
                                        "127.0.0.1",
                                        "",
                                        "kafka.us-east-1.amazonaws.com",
                                        "b-1.kafka..amazonaws.com",
                                        "b-1.kafka.us-east-1.example.com",
                                        "b-1.kafka.us-east-1.amazonaws.com.example.com",
                                        "b-1.kafka.US-EAST-1.amazonaws.com",
                                        "b-1.kafka.us-east-1"};
  char region[MSK_IAM_REGION_BYTES] = "unchanged";
  for (size_t i = 0; i < sizeof unnamed / sizeof unnamed[0]; i++)
    ck_assert_msg(!msk_iam_region_of(unnamed[i], region), "%s", unnamed[i]);
  ck_assert_str_eq(region, "unchanged");
  for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
    ck_assert_msg(msk_iam_region_of(named[i][0], region), "%s", named[i][0]);
    ck_assert_str_eq(region, named[i][1]);
  }
  char large[256];
  (void)snprintf(large, sizeof large, "b-1.kafka.%0100d.amazonaws.com", 1);
  ck_assert(!msk_iam_region_of(large, region));
  ck_assert(!msk_iam_region_is_valid(""));
  ck_assert(!msk_iam_region_is_valid("us-east-1/x"));
}
END_TEST

START_TEST(texts_that_json_would_escape_are_not_valid) {
  ck_assert(msk_iam_text_is_valid(bytes_of_string("AKID+/=~")));
  static const char *const wrong[] = {"", "a b", "a\"b", "a\\b", "a\nb", "\xc3\xbc", "\x7f"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    ck_assert(!msk_iam_text_is_valid(bytes_of_string(wrong[i])));
}
END_TEST

START_TEST(missing_memory_is_told) {
  struct msk_iam_request request = request_of(HOST, "us-east-1", 1603361472000);
  uint32_t failures = 0;
  for (uint32_t i = 0, failed = 1; failed; i++) {
    struct secret *message = NULL;
    failing_allocator_start(i);
    int32_t status = msk_iam_sign(&request, &message);
    failed = failing_allocator_stop();
    failures += failed;
    ck_assert_int_eq(status, failed ? STATUS_OUT_OF_MEMORY : STATUS_OK);
    secret_destroy(message);
  }
  ck_assert_uint_ge(failures, 7);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("msk_iam");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, the_signature_is_that_of_amazons_library);
  tcase_add_test(test_case, a_session_token_is_signed_too);
  tcase_add_test(test_case, dates_are_right);
  tcase_add_test(test_case, regions_are_found_in_names_of_brokers);
  tcase_add_test(test_case, texts_that_json_would_escape_are_not_valid);
  tcase_add_test(test_case, missing_memory_is_told);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
