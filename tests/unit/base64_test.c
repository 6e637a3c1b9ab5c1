#include "security/base64.h"

#include <check.h>
#include <stdlib.h>

static void assert_both_ways(const char *plain, const char *encoded, enum base64_alphabet alphabet) {
  char text[64];
  uint8_t data[64];
  size_t size = base64_encode(bytes_of_string(plain), alphabet, text);
  ck_assert(bytes_equal(bytes_of(text, size), bytes_of_string(encoded)));
  if (alphabet == BASE64_STANDARD) ck_assert_uint_eq(size, base64_encoded_size(strlen(plain)));
  ck_assert(base64_decode(bytes_of_string(encoded), alphabet, data, &size));
  ck_assert(bytes_equal(bytes_of(data, size), bytes_of_string(plain)));
}

/* RFC 4648, section 10. */
START_TEST(the_vectors_of_the_rfc_hold) {
  static const char *const vectors[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
    assert_both_ways(vectors[i][0], vectors[i][1], BASE64_STANDARD);
}
END_TEST

START_TEST(the_alphabets_differ_in_two_characters_and_the_padding) {
  assert_both_ways("\xfb\xff", "+/8=", BASE64_STANDARD);
  assert_both_ways("\xfb\xff", "-_8", BASE64_URL);
}
END_TEST

START_TEST(all_bytes_come_back) {
  uint8_t data[256], again[258];
  char text[344];
  for (size_t size = 0; size <= 256; size++) {
    for (size_t i = 0; i < size; i++)
      data[i] = (uint8_t)(i * 7 + size);
    size_t written = base64_encode(bytes_of(data, size), BASE64_STANDARD, text), read = 0;
    ck_assert(base64_decode(bytes_of(text, written), BASE64_STANDARD, again, &read));
    ck_assert(bytes_equal(bytes_of(data, size), bytes_of(again, read)));
  }
}
END_TEST

START_TEST(what_is_not_the_one_encoding_is_refused) {
  static const char *const standard[] = {"Z",    "Zg",    "Zg=",  "Zg===",        "Z===",   "====",
                                         "=",    "Zm9v=", "Zh==", "Zm9=",         "Zm 9",   "Zm9v\n",
                                         "Zm-v", "Zm_v",  "Zg=a", "Zm9vZg==Zm9v", "Zm\x80v"};
  for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++) {
    uint8_t data[64];
    size_t size = 99;
    ck_assert_msg(!base64_decode(bytes_of_string(standard[i]), BASE64_STANDARD, data, &size), "%s",
                  standard[i]);
    ck_assert_uint_eq(size, 99);
  }
  static const char *const url[] = {"Z", "Zg==", "Zm8=", "Zh", "+/8", "Zm9vA"};
  for (size_t i = 0; i < sizeof url / sizeof url[0]; i++) {
    uint8_t data[64];
    size_t size;
    ck_assert_msg(!base64_decode(bytes_of_string(url[i]), BASE64_URL, data, &size), "%s", url[i]);
  }
}
END_TEST

/* In memory of their own size, so that a sanitizer sees what goes beyond. */
START_TEST(no_more_is_written_than_the_headers_say) {
  for (size_t size = 0; size < 40; size++) {
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'A', size);
    uint8_t *data = malloc(base64_decoded_size_max(size));
    ck_assert_ptr_nonnull(data);
    size_t decoded = 0;
    bool whole = base64_decode(bytes_of(text, size), BASE64_URL, data, &decoded);
    ck_assert(whole == (size % 4 != 1));
    ck_assert_uint_le(decoded, base64_decoded_size_max(size));
    free(data);
    free(text);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("base64");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, the_vectors_of_the_rfc_hold);
  tcase_add_test(test_case, the_alphabets_differ_in_two_characters_and_the_padding);
  tcase_add_test(test_case, all_bytes_come_back);
  tcase_add_test(test_case, what_is_not_the_one_encoding_is_refused);
  tcase_add_test(test_case, no_more_is_written_than_the_headers_say);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
