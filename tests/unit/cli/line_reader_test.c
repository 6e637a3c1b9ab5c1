#include "cli/line_reader.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipe_with(const char *text) {
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
  close(ends[1]);
  return ends[0];
}

static void assert_line(struct line_reader *reader, const char *expected, size_t expected_bytes) {
  const char *line = NULL;
  size_t bytes = 0;
  ck_assert_int_eq(line_reader_next(reader, &line, &bytes), LINE_READ);
  ck_assert_uint_eq(bytes, expected_bytes);
  ck_assert_mem_eq(line, expected, expected_bytes);
}

static void assert_result(struct line_reader *reader, enum line_result expected) {
  const char *line = NULL;
  size_t bytes = 0;
  ck_assert_int_eq(line_reader_next(reader, &line, &bytes), expected);
}

START_TEST(lines_come_without_their_end) {
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, pipe_with("a\n\nbc\r\nlast"), -1, 100));
  assert_line(&reader, "a", 1);
  assert_line(&reader, "", 0);
  assert_line(&reader, "bc\r", 3);
  assert_line(&reader, "last", 4);
  assert_result(&reader, LINE_END);
  assert_result(&reader, LINE_END);
  ck_assert_uint_eq(reader.line_count, 4);
  line_reader_deinit(&reader);
}
END_TEST

START_TEST(an_end_of_line_at_the_end_begins_no_line) {
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, pipe_with("a\n"), -1, 100));
  assert_line(&reader, "a", 1);
  assert_result(&reader, LINE_END);
  line_reader_deinit(&reader);
}
END_TEST

START_TEST(a_line_of_exactly_the_limit_is_read_and_one_byte_more_is_not) {
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, pipe_with("12345\n123456\n1\n"), -1, 5));
  assert_line(&reader, "12345", 5);
  assert_result(&reader, LINE_TOO_LONG);
  assert_result(&reader, LINE_TOO_LONG);
  ck_assert_uint_eq(reader.line_count, 1);
  line_reader_deinit(&reader);
}
END_TEST

START_TEST(a_last_line_over_the_limit_is_too_long) {
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, pipe_with("123456"), -1, 5));
  assert_result(&reader, LINE_TOO_LONG);
  line_reader_deinit(&reader);
}
END_TEST

/* Line i has lengths[i % 7] bytes, all of value i. */
static const size_t lengths[] = {0, 1, 1000, 65535, 262143, 262144, 700001};
enum { WRITTEN_COUNT = 21 };

static void *write_lines(void *context) {
  int descriptor = *(int *)context;
  char *line = malloc(700002);
  ck_assert_ptr_nonnull(line);
  for (int i = 0; i < WRITTEN_COUNT; i++) {
    size_t bytes = lengths[i % 7];
    memset(line, 'a' + i, bytes);
    line[bytes++] = '\n';
    for (size_t done = 0; done < bytes;) {
      ssize_t count = write(descriptor, line + done, bytes - done);
      ck_assert_int_gt(count, 0);
      done += (size_t)count;
    }
  }
  free(line);
  close(descriptor);
  return NULL;
}

START_TEST(lines_of_any_length_cross_chunks) {
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  pthread_t writer;
  ck_assert_int_eq(pthread_create(&writer, NULL, write_lines, &ends[1]), 0);
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, ends[0], -1, 1000000));
  for (int i = 0; i < WRITTEN_COUNT; i++) {
    const char *line = NULL;
    size_t bytes = 0;
    ck_assert_int_eq(line_reader_next(&reader, &line, &bytes), LINE_READ);
    ck_assert_uint_eq(bytes, lengths[i % 7]);
    for (size_t k = 0; k < bytes; k++) {
      if (line[k] != 'a' + i) ck_abort_msg("line %d byte %zu is %d", i, k, line[k]);
    }
  }
  assert_result(&reader, LINE_END);
  pthread_join(writer, NULL);
  line_reader_deinit(&reader);
}
END_TEST

START_TEST(whole_lines_are_handed_out_before_a_stop) {
  int ends[2], stop[2];
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pipe(stop), 0);
  ck_assert_int_eq(write(ends[1], "one\ntwo\npart", 12), 12);
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, ends[0], stop[0], 100));
  assert_line(&reader, "one", 3);
  ck_assert_int_eq(write(stop[1], "x", 1), 1);
  assert_line(&reader, "two", 3);
  assert_result(&reader, LINE_STOPPED);
  ck_assert_uint_eq(line_reader_unfinished_bytes(&reader), 4);
  line_reader_deinit(&reader);
}
END_TEST

START_TEST(a_descriptor_that_does_not_block_is_waited_for) {
  int ends[2], stop[2];
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(pipe(stop), 0);
  ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
  ck_assert_int_eq(write(ends[1], "one\n", 4), 4);
  ck_assert_int_eq(write(stop[1], "x", 1), 1);
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, ends[0], -1, 100));
  assert_line(&reader, "one", 3);
  reader.stop_descriptor = stop[0];
  assert_result(&reader, LINE_STOPPED);
  line_reader_deinit(&reader);
}
END_TEST

START_TEST(an_error_of_the_descriptor_is_passed_on) {
  int folder = open(".", O_RDONLY);
  ck_assert_int_ge(folder, 0);
  struct line_reader reader;
  ck_assert(line_reader_init(&reader, folder, -1, 100));
  assert_result(&reader, LINE_FAILED);
  ck_assert_int_eq(errno, EISDIR);
  line_reader_deinit(&reader);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("line_reader");
  TCase *all = tcase_create("all");
  tcase_add_test(all, lines_come_without_their_end);
  tcase_add_test(all, an_end_of_line_at_the_end_begins_no_line);
  tcase_add_test(all, a_line_of_exactly_the_limit_is_read_and_one_byte_more_is_not);
  tcase_add_test(all, a_last_line_over_the_limit_is_too_long);
  tcase_add_test(all, lines_of_any_length_cross_chunks);
  tcase_add_test(all, whole_lines_are_handed_out_before_a_stop);
  tcase_add_test(all, a_descriptor_that_does_not_block_is_waited_for);
  tcase_add_test(all, an_error_of_the_descriptor_is_passed_on);
  suite_add_tcase(suite, all);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed_count = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed_count != 0;
}
