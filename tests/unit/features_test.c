#include "protocol/features.h"

#include "protocol/compression.h"
#include <check.h>
#include <stdbool.h>
#include <string.h>

/* How often the word is in the text, between commas. */
static size_t count_of(const char *text, const char *word) {
  size_t bytes = strlen(word), count = 0;
  for (const char *at = text; (at = strstr(at, word)) != NULL; at += bytes) {
    bool begins = at == text || at[-1] == ',';
    bool ends = at[bytes] == ',' || at[bytes] == '\0';
    count += begins && ends;
  }
  return count;
}

START_TEST(a_codec_is_named_if_it_is_available) {
  for (int number = COMPRESSION_GZIP; number < COMPRESSION_CODEC_COUNT; number++) {
    enum compression_codec codec = (enum compression_codec)number;
    size_t wanted = compression_is_available(codec) ? 1 : 0;
    ck_assert_uint_eq(count_of(features_text(), compression_name(codec)), wanted);
  }
}
END_TEST

START_TEST(tls_and_logins_come_together) {
#ifdef SENDOFF_WITH_TLS
  size_t wanted = 1;
#else
  size_t wanted = 0;
#endif
  ck_assert_uint_eq(count_of(features_text(), "tls"), wanted);
  ck_assert_uint_eq(count_of(features_text(), "sasl"), wanted);
}
END_TEST

START_TEST(words_are_lower_case_and_in_order) {
  const char *text = features_text();
  char last[32] = "";
  while (*text != '\0') {
    size_t bytes = strcspn(text, ",");
    char word[32] = "";
    ck_assert_uint_lt(bytes, sizeof word);
    memcpy(word, text, bytes);
    ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"), bytes);
    ck_assert_str_lt(last, word);
    memcpy(last, word, sizeof last);
    text += text[bytes] == ',' ? bytes + 1 : bytes;
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("features");
  TCase *tests = tcase_create("features");
  tcase_add_test(tests, a_codec_is_named_if_it_is_available);
  tcase_add_test(tests, tls_and_logins_come_together);
  tcase_add_test(tests, words_are_lower_case_and_in_order);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
