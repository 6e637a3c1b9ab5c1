#include "security/json.h"

#include "support/failing_allocator.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static struct json_value read_text(const char *text) {
  struct json_value value;
  ck_assert_msg(json_read(bytes_of_string(text), &value), "%s", text);
  return value;
}

static struct json_value member_of(const char *text, const char *name) {
  struct json_value member;
  ck_assert_int_eq(json_find(read_text(text), name, &member), JSON_FOUND);
  return member;
}

static const char *const good[] = {
    "{}",
    "[]",
    " \t\r\n{ \"a\" : [ 1 , -0.5e+10 , null , true , false , \"x\" ] , \"b\" : { } } \n",
    "0",
    "-0",
    "1E5",
    "1.25e-3",
    "\"\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"",
    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "null",
};

START_TEST(json_is_read) {
  read_text(good[_i]);
}
END_TEST

static const char *const bad[] = {
    "",
    " ",
    "{",
    "}",
    "{]",
    "[}",
    "[1",
    "[1,]",
    "[,1]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{'a':1}",
    "{\"a\" 1}",
    "{1:1}",
    "{\"a\":1 2}",
    "01",
    "-",
    "-01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "+1",
    "0x10",
    "NaN",
    "Infinity",
    "tru",
    "True",
    "nulll",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\ud800\\n\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\"",
    "\"\n\"",
    "\"\t\"",
    "\"\x1f\"",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\"\xbf\xbf\"",
    "\"\xf8\x90\x80\x80\"",
    "\"\xc3\"",
    "\"\xe0\x80\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\"\x80\"",
    "{} {}",
    "{}x",
    "\xef\xbb\xbf{}",
    "/* */ {}",
    "{\"a\":1}\v",
    "[1 2]",
    "1 2",
};

START_TEST(what_is_no_json_is_refused) {
  struct json_value value = {.kind = JSON_NULL, .text = {NULL, 77}};
  ck_assert_msg(!json_read(bytes_of_string(bad[_i]), &value), "%s", bad[_i]);
  ck_assert_uint_eq(value.text.size, 77);
}
END_TEST

START_TEST(a_zero_byte_is_refused) {
  struct json_value value;
  ck_assert(!json_read(bytes_of("{}\0", 3), &value));
  ck_assert(!json_read(bytes_of("\"a\0b\"", 5), &value));
}
END_TEST

START_TEST(every_beginning_of_a_document_is_refused) {
  static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9\xc3\xa9\"},true],\"c\":-1.5e3,\"d\":null}";
  struct json_value value;
  for (size_t size = 0; size < sizeof text - 1; size++)
    ck_assert(!json_read(bytes_of(text, size), &value));
  ck_assert(json_read(bytes_of(text, sizeof text - 1), &value));
}
END_TEST

/* Brackets at depth 0 to count - 1. */
static bool reads_nested(size_t count, char open, char close) {
  char text[512];
  memset(text, open, count);
  memset(text + count, close, count);
  struct json_value value;
  return json_read(bytes_of(text, 2 * count), &value);
}

START_TEST(nesting_is_bounded) {
  ck_assert(reads_nested(JSON_DEPTH_MAX + 1, '[', ']'));
  ck_assert(!reads_nested(JSON_DEPTH_MAX + 2, '[', ']'));
  ck_assert(!reads_nested(200, '[', ']'));
}
END_TEST

START_TEST(members_of_the_top_object_are_found) {
  static const char text[] =
      "{\"x\":{\"token\":\"inner\"},\"token\":\"outer\",\"n\":12,\"e\":{},\"l\":[1,2]}";
  ck_assert(json_equals(member_of(text, "token"), "outer"));
  ck_assert_int_eq(member_of(text, "n").kind, JSON_NUMBER);
  ck_assert_int_eq(member_of(text, "e").kind, JSON_OBJECT);
  ck_assert(bytes_equal(member_of(text, "l").text, bytes_of_string("[1,2]")));
  ck_assert(json_equals(member_of("{\"a\\u0062c\":\"x\"}", "abc"), "x"));
  struct json_value member;
  ck_assert_int_eq(json_find(read_text(text), "inner", &member), JSON_ABSENT);
  ck_assert_int_eq(json_find(read_text(text), "toke", &member), JSON_ABSENT);
  ck_assert_int_eq(json_find(read_text(text), "tokens", &member), JSON_ABSENT);
  ck_assert_int_eq(json_find(read_text("{}"), "a", &member), JSON_ABSENT);
  ck_assert_int_eq(json_find(read_text("[1]"), "a", &member), JSON_ABSENT);
  ck_assert_int_eq(json_find(read_text("\"a\""), "a", &member), JSON_ABSENT);
}
END_TEST

START_TEST(a_repeated_member_is_not_found) {
  struct json_value member;
  ck_assert_int_eq(json_find(read_text("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "a", &member), JSON_REPEATED);
  ck_assert_int_eq(json_find(read_text("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "b", &member), JSON_FOUND);
}
END_TEST

START_TEST(a_zero_character_ends_no_name) {
  struct json_value member;
  ck_assert_int_eq(json_find(read_text("{\"a\\u0000b\":1}"), "a", &member), JSON_ABSENT);
  ck_assert(!json_equals(read_text("\"a\\u0000\""), "a"));
  ck_assert(!json_equals(read_text("\"a\\u0000b\""), "a\0b"));
}
END_TEST

START_TEST(strings_lose_their_escapes) {
  struct secret *secret = json_secret(read_text(good[8]));
  ck_assert_str_eq(secret_text(secret), "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
  secret_destroy(secret);
  secret = json_secret(read_text("\"\xe2\x82\xac\""));
  ck_assert_str_eq(secret_text(secret), "\xe2\x82\xac");
  secret_destroy(secret);
  secret = json_secret(read_text("\"\""));
  ck_assert_uint_eq(secret_bytes(secret).size, 0);
  secret_destroy(secret);
}
END_TEST

START_TEST(missing_memory_gives_no_secret) {
  failing_allocator_start(0);
  struct secret *secret = json_secret(read_text("\"abc\""));
  ck_assert(failing_allocator_stop());
  ck_assert_ptr_null(secret);
}
END_TEST

START_TEST(strings_are_printed_within_bounds) {
  char text[6];
  json_print(read_text("\"a\\nb\xc3\xa9\""), text, sizeof text);
  ck_assert_str_eq(text, "a?b?");
  json_print(read_text("\"abcdefgh\""), text, sizeof text);
  ck_assert_str_eq(text, "abcde");
  json_print(read_text("\"abc\""), text, 1);
  ck_assert_str_eq(text, "");
}
END_TEST

static const struct {
  const char *text;
  int64_t value;
  bool good;
} numbers[] = {
    {"0", 0, true},
    {"-0", 0, true},
    {"3600", 3600, true},
    {"-12", -12, true},
    {"1700000000.987", 1700000000, true},
    {"9223372036854775807", INT64_MAX, true},
    {"-9223372036854775808", INT64_MIN, true},
    {"9223372036854775808", 0, false},
    {"-9223372036854775809", 0, false},
    {"99999999999999999999999999999999", 0, false},
    {"1e3", 0, false},
    {"1.5E3", 0, false},
    {"\"12\"", 0, false},
    {"true", 0, false},
    {"[1]", 0, false},
};

START_TEST(integers_are_read_up_to_the_last) {
  int64_t value = 4711;
  ck_assert_int_eq(json_integer(read_text(numbers[_i].text), &value), numbers[_i].good);
  ck_assert_int_eq(value, numbers[_i].good ? numbers[_i].value : 4711);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("json");
  TCase *test_case = tcase_create("all");
  tcase_add_loop_test(test_case, json_is_read, 0, sizeof good / sizeof good[0]);
  tcase_add_loop_test(test_case, what_is_no_json_is_refused, 0, sizeof bad / sizeof bad[0]);
  tcase_add_test(test_case, a_zero_byte_is_refused);
  tcase_add_test(test_case, every_beginning_of_a_document_is_refused);
  tcase_add_test(test_case, nesting_is_bounded);
  tcase_add_test(test_case, members_of_the_top_object_are_found);
  tcase_add_test(test_case, a_repeated_member_is_not_found);
  tcase_add_test(test_case, a_zero_character_ends_no_name);
  tcase_add_test(test_case, strings_lose_their_escapes);
  tcase_add_test(test_case, missing_memory_gives_no_secret);
  tcase_add_test(test_case, strings_are_printed_within_bounds);
  tcase_add_loop_test(test_case, integers_are_read_up_to_the_last, 0, sizeof numbers / sizeof numbers[0]);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
