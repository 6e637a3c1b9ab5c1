#include "producer/resolution.h"

#include "base/status.h"
#include "support/failing_allocator.h"
#include <check.h>

static struct config *config;
static struct settings settings;
static struct resolution resolution = {.settings = &settings};

static void make_resolution(void) {
  ck_assert_int_eq(config_create(&config), STATUS_OK);
  ck_assert_int_eq(config_set(config, "linger.ms", "0.25", NULL), STATUS_OK);
  resolution.config = config;
}

static void destroy_resolution(void) {
  config_destroy(config);
}

START_TEST(set_values_and_defaults_are_told_apart) {
  ck_assert(resolution_is_set(&resolution, SETTING_LINGER_MS));
  ck_assert(!resolution_is_set(&resolution, SETTING_RETRIES));
}
END_TEST

START_TEST(set_values_go_before_defaults) {
  ck_assert_str_eq(resolution_text(&resolution, SETTING_LINGER_MS), "0.25");
  ck_assert_int_eq(resolution_number(&resolution, SETTING_LINGER_MS), 250);
  ck_assert_str_eq(resolution_text(&resolution, SETTING_REQUEST_TIMEOUT_MS), "30000");
  ck_assert_int_eq(resolution_number(&resolution, SETTING_REQUEST_TIMEOUT_MS), 30000000);
}
END_TEST

START_TEST(notes_are_kept_in_order) {
  ck_assert_int_eq(resolution_note(&resolution, "first %d", 1), STATUS_OK);
  ck_assert_int_eq(resolution_note(&resolution, "second"), STATUS_OK);
  ck_assert_uint_eq(settings.note_count, 2);
  ck_assert_str_eq(settings.notes[0], "first 1");
  ck_assert_str_eq(settings.notes[1], "second");
  settings_deinit(&settings);
}
END_TEST

START_TEST(a_note_without_memory_is_a_status) {
  for (uint32_t index = 0; index < 2; index++) {
    failing_allocator_start(index);
    int32_t status = resolution_note(&resolution, "lost");
    ck_assert(failing_allocator_stop());
    ck_assert_int_eq(status, STATUS_OUT_OF_MEMORY);
    ck_assert_uint_eq(settings.note_count, 0);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("resolution");
  TCase *test_case = tcase_create("all");
  tcase_add_checked_fixture(test_case, make_resolution, destroy_resolution);
  tcase_add_test(test_case, set_values_and_defaults_are_told_apart);
  tcase_add_test(test_case, set_values_go_before_defaults);
  tcase_add_test(test_case, notes_are_kept_in_order);
  tcase_add_test(test_case, a_note_without_memory_is_a_status);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
