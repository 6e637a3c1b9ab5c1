#include "security/sasl_text.h"

#include "support/failing_allocator.h"
#include <check.h>

START_TEST(parts_are_joined) {
  struct bytes parts[] = {bytes_of_string("ab"), bytes_of(NULL, 0), bytes_of("", 1), bytes_of_string("c")};
  struct secret *joined = sasl_text_join(parts, 4);
  ck_assert(bytes_equal(secret_bytes(joined), bytes_of("ab\0c", 4)));
  secret_destroy(joined);
  joined = sasl_text_join(parts, 0);
  ck_assert_ptr_nonnull(joined);
  ck_assert_uint_eq(secret_bytes(joined).size, 0);
  secret_destroy(joined);
}
END_TEST

START_TEST(missing_memory_joins_nothing) {
  struct bytes part = bytes_of_string("ab");
  failing_allocator_start(0);
  ck_assert_ptr_null(sasl_text_join(&part, 1));
  ck_assert(failing_allocator_stop());
}
END_TEST

START_TEST(only_utf8_is_utf8) {
  static const char *const valid[] = {"",
                                      "abc",
                                      "\xc3\xbc",
                                      "\xe2\x82\xac",
                                      "\xf0\x9f\x98\x80",
                                      "\xef\xbf\xbf",
                                      "\xf4\x8f\xbf\xbf",
                                      "\xed\x9f\xbf"};
  static const char *const wrong[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xe2\x82",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xc3"
                                      "b",
                                      "\xe2\x82"
                                      "a"};
  for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
    ck_assert_msg(sasl_text_is_utf8(bytes_of_string(valid[i])), "valid %zu", i);
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    ck_assert_msg(!sasl_text_is_utf8(bytes_of_string(wrong[i])), "wrong %zu", i);
}
END_TEST

static void assert_printed(struct bytes text, size_t room, const char *expected) {
  struct bytes secrets[] = {bytes_of_string("hunter"), bytes_of_string("hunter22"), bytes_of_string("abc")};
  char printed[64];
  sasl_text_print(text, secrets, 3, printed, room);
  ck_assert_str_eq(printed, expected);
}

START_TEST(what_a_peer_says_is_made_printable) {
  assert_printed(bytes_of_string("plain text"), 64, "plain text");
  assert_printed(bytes_of("a\0b\n\x1b[1m\xc3\xbc\x7f", 11), 64, "a?b??[1m???");
  assert_printed(bytes_of_string("0123456789"), 5, "0123");
  assert_printed(bytes_of(NULL, 0), 1, "");
}
END_TEST

START_TEST(secrets_are_hidden_whole) {
  assert_printed(bytes_of_string("wrong hunter, hunter22!"), 64, "wrong [hidden], [hidden]!");
  assert_printed(bytes_of_string("hunterhunter"), 64, "[hidden][hidden]");
  assert_printed(bytes_of_string("abc is too short to hide"), 64, "abc is too short to hide");
  assert_printed(bytes_of_string("x hunter22"), 9, "x ");
}
END_TEST

int main(void) {
  Suite *suite = suite_create("sasl_text");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, parts_are_joined);
  tcase_add_test(test_case, missing_memory_joins_nothing);
  tcase_add_test(test_case, only_utf8_is_utf8);
  tcase_add_test(test_case, what_a_peer_says_is_made_printable);
  tcase_add_test(test_case, secrets_are_hidden_whole);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
