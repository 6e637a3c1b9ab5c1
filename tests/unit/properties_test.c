#include "producer/properties.h"

#include "base/allocator.h"
#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All properties of a text as "line:name=value;". The text is put at the end of its own memory, so that a
 * sanitizer sees a read beyond it. */
static int32_t read_all(const char *text, size_t size, char *found, size_t found_size,
                        struct config_error *error) {
  uint8_t *copy = malloc(size == 0 ? 1 : size);
  ck_assert_ptr_nonnull(copy);
  memcpy(copy, text, size);
  struct properties properties;
  ck_assert_int_eq(properties_init(&properties, bytes_of(copy, size)), STATUS_OK);
  int32_t status = STATUS_OK;
  size_t used = 0;
  found[0] = '\0';
  for (bool more = true; more && status == STATUS_OK;) {
    struct property property;
    status = properties_next(&properties, &property, &more, error);
    if (status != STATUS_OK || !more) continue;
    used += (size_t)snprintf(found + used, found_size - used, "%u:%s=%s;", property.line, property.name,
                             property.value);
  }
  properties_deinit(&properties);
  free(copy);
  return status;
}

static void assert_properties(const char *text, const char *expected) {
  char found[1024];
  struct config_error error = {.text = ""};
  ck_assert_int_eq(read_all(text, strlen(text), found, sizeof(found), &error), STATUS_OK);
  ck_assert_str_eq(found, expected);
}

static void assert_refused(const char *text, size_t size, const char *message) {
  char found[1024];
  struct config_error error = {.text = ""};
  ck_assert_int_eq(read_all(text, size, found, sizeof(found), &error), STATUS_INVALID_SETTING);
  ck_assert_msg(strstr(error.text, message) != NULL, "%s", error.text);
}

START_TEST(names_end_at_a_separator) {
  assert_properties("a=1\nb:2\nc 3\nd\t4\n", "1:a=1;2:b=2;3:c=3;4:d=4;");
  assert_properties("a = 1\nb : 2\nc  3\n", "1:a=1;2:b=2;3:c=3;");
  assert_properties("a==1\nb=:2\nc = = 3\n", "1:a==1;2:b=:2;3:c== 3;");
}
END_TEST

START_TEST(names_may_stand_alone) {
  assert_properties("a\nb=\nc", "1:a=;2:b=;3:c=;");
}
END_TEST

START_TEST(a_line_may_lack_a_name) {
  assert_properties("=1\n", "1:=1;");
}
END_TEST

START_TEST(comments_and_empty_lines_are_passed_over) {
  assert_properties("# x=1\n\n  ! y=2\n \t\f\na=1 # not one\n#", "5:a=1 # not one;");
  assert_properties("", "");
  assert_properties("\n\n", "");
  assert_properties("# ends with a backslash \\\na=1", "2:a=1;");
}
END_TEST

START_TEST(all_line_ends_count) {
  assert_properties("a=1\r\nb=2\rc=3\n\rd=4", "1:a=1;2:b=2;3:c=3;5:d=4;");
}
END_TEST

START_TEST(backslashes_join_lines) {
  assert_properties("a=1,\\\n   2,\\\r\n\t3\nb=4", "1:a=1,2,3;4:b=4;");
  assert_properties("na\\\n  me=1", "1:name=1;");
  assert_properties("a=1\\\\\nb=2", "1:a=1\\;2:b=2;");
  assert_properties("a=1\\\\\\\n2", "1:a=1\\2;");
  assert_properties("a=1\\\n\nb=2", "1:a=1;3:b=2;");
  assert_properties("a \\\n = 1", "1:a=1;");
  assert_properties("a=1\\", "1:a=1;");
  assert_properties("\\\n\\\n", "");
  assert_properties("a=x\\\n# y", "1:a=x# y;");
}
END_TEST

START_TEST(escapes_are_characters) {
  assert_properties("a=\\t\\f\\q\\=\\:\\ \\\"x", "1:a=\t\fq=: \"x;");
  assert_properties("a\\=b\\:c\\ d=1", "1:a=b:c d=1;");
  assert_properties("\\#a=\\n\\r", "1:#a=\n\r;");
}
END_TEST

START_TEST(space_at_the_end_of_a_value_is_kept) {
  assert_properties("a=1 \t\nb=2", "1:a=1 \t;2:b=2;");
}
END_TEST

START_TEST(unicode_escapes_become_utf_8) {
  assert_properties("a=\\u0041\\u00e4\\u20AC\\ud83d\\ude00!", "1:a=A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80!;");
}
END_TEST

START_TEST(bytes_above_127_pass) {
  assert_properties("gr\xc3\xb6\xc3\x9f"
                    "e=\xe4",
                    "1:gr\xc3\xb6\xc3\x9f"
                    "e=\xe4;");
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over) {
  assert_properties("\xef\xbb\xbf"
                    "a=1",
                    "1:a=1;");
}
END_TEST

START_TEST(malformed_escapes_are_refused_with_their_line) {
  static const char *const wrong[] = {"x=1\na=\\u", "x=1\na=\\u00", "x=1\na=\\u00g0", "x=1\na=\\u 041"};
  for (size_t i = 0; i < 4; i++)
    assert_refused(wrong[i], strlen(wrong[i]), "line 2: \\u without four hexadecimal digits");
  static const char *const halves[] = {"a=\\ud83d", "a=\\ud83dx", "a=\\ude00", "a=\\ud83d\\u0041",
                                       "a=\\ud83d\\u00"};
  for (size_t i = 0; i < 5; i++)
    assert_refused(halves[i], strlen(halves[i]), "line 1: half of a surrogate pair");
}
END_TEST

START_TEST(zero_bytes_are_refused) {
  assert_refused("a\0=1", 4, "a zero byte");
  assert_refused("a=\0001", 4, "a zero byte");
  assert_refused("a=\\\0", 4, "a zero byte");
  assert_refused("a=\\u0000", 8, "\\u0000");
}
END_TEST

/* Nothing here may read beyond the text or fill more than the buffer: sanitizers watch. */
START_TEST(every_cut_of_a_text_is_read_or_refused) {
  static const char text[] = "\xef\xbb\xbf# c\\\r\n a\\u20ac\\\n  b\\t = \\ud83d\\ude00\\\\\\\r\n c\nd:e f\\";
  char found[1024];
  struct config_error error;
  for (size_t size = 0; size < sizeof(text); size++) {
    int32_t status = read_all(text, size, found, sizeof(found), &error);
    ck_assert(status == STATUS_OK || status == STATUS_INVALID_SETTING);
  }
}
END_TEST

START_TEST(missing_memory_is_a_status) {
  struct properties properties;
  failing_allocator_start(0);
  int32_t status = properties_init(&properties, bytes_of_string("a=1"));
  ck_assert(failing_allocator_stop());
  ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("properties");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, names_end_at_a_separator);
  tcase_add_test(test_case, names_may_stand_alone);
  tcase_add_test(test_case, a_line_may_lack_a_name);
  tcase_add_test(test_case, comments_and_empty_lines_are_passed_over);
  tcase_add_test(test_case, all_line_ends_count);
  tcase_add_test(test_case, backslashes_join_lines);
  tcase_add_test(test_case, escapes_are_characters);
  tcase_add_test(test_case, space_at_the_end_of_a_value_is_kept);
  tcase_add_test(test_case, unicode_escapes_become_utf_8);
  tcase_add_test(test_case, bytes_above_127_pass);
  tcase_add_test(test_case, a_byte_order_mark_is_passed_over);
  tcase_add_test(test_case, malformed_escapes_are_refused_with_their_line);
  tcase_add_test(test_case, zero_bytes_are_refused);
  tcase_add_test(test_case, every_cut_of_a_text_is_read_or_refused);
  tcase_add_test(test_case, missing_memory_is_a_status);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
