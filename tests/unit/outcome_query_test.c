#include "sender/outcome_query.h"

#include "support/expect_abort.h"
#include <check.h>
#include <stddef.h>

static const enum outcome_query_state changes[][2] = {
    {OUTCOME_QUERY_NONE, OUTCOME_QUERY_DUE},          {OUTCOME_QUERY_NONE, OUTCOME_QUERY_CLOSED},
    {OUTCOME_QUERY_DUE, OUTCOME_QUERY_OPEN},          {OUTCOME_QUERY_DUE, OUTCOME_QUERY_CLOSED},
    {OUTCOME_QUERY_DUE, OUTCOME_QUERY_NONE},          {OUTCOME_QUERY_OPEN, OUTCOME_QUERY_ANSWERED},
    {OUTCOME_QUERY_OPEN, OUTCOME_QUERY_DUE},          {OUTCOME_QUERY_OPEN, OUTCOME_QUERY_CLOSED},
    {OUTCOME_QUERY_OPEN, OUTCOME_QUERY_NONE},         {OUTCOME_QUERY_ANSWERED, OUTCOME_QUERY_NONE},
    {OUTCOME_QUERY_CLOSED, OUTCOME_QUERY_NONE},       {OUTCOME_QUERY_ANSWERED, OUTCOME_QUERY_CONFIRMING},
    {OUTCOME_QUERY_CLOSED, OUTCOME_QUERY_CONFIRMING}, {OUTCOME_QUERY_CONFIRMING, OUTCOME_QUERY_NONE},
};

static void change(void *states) {
  const enum outcome_query_state *pair = states;
  struct outcome_query query = {.state = pair[0]};
  outcome_query_set_state(&query, pair[1]);
}

START_TEST(states_change_by_the_table_only) {
  for (int from = 0; from < OUTCOME_QUERY_STATE_COUNT; from++)
    for (int to = 0; to < OUTCOME_QUERY_STATE_COUNT; to++) {
      bool expected = false;
      for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if ((int)changes[i][0] == from && (int)changes[i][1] == to) expected = true;
      enum outcome_query_state pair[] = {(enum outcome_query_state)from, (enum outcome_query_state)to};
      ck_assert(outcome_query_state_may_change(pair[0], pair[1]) == expected);
      if (expected) {
        struct outcome_query query = {.state = pair[0]};
        outcome_query_set_state(&query, pair[1]);
        ck_assert_int_eq(query.state, to);
      } else {
        expect_abort(change, pair, "allowed[query->state][state]");
      }
    }
}
END_TEST

START_TEST(nothing_is_sent_while_an_answer_is_awaited) {
  for (int state = 0; state < OUTCOME_QUERY_STATE_COUNT; state++) {
    struct outcome_query query = {.state = (enum outcome_query_state)state};
    bool expected =
        state == OUTCOME_QUERY_DUE || state == OUTCOME_QUERY_OPEN || state == OUTCOME_QUERY_CONFIRMING;
    ck_assert(outcome_query_is_pending(&query) == expected);
  }
}
END_TEST

START_TEST(every_question_can_end) {
  for (int state = 0; state < OUTCOME_QUERY_STATE_COUNT; state++) {
    struct outcome_query query = {.state = (enum outcome_query_state)state, .attempts = 2};
    outcome_query_end(&query);
    ck_assert_int_eq(query.state, OUTCOME_QUERY_NONE);
    ck_assert_uint_eq(query.attempts, 2);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("outcome_query");
  TCase *test_case = tcase_create("all");
  tcase_add_test(test_case, states_change_by_the_table_only);
  tcase_add_test(test_case, nothing_is_sent_while_an_answer_is_awaited);
  tcase_add_test(test_case, every_question_can_end);
  suite_add_tcase(suite, test_case);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failures = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failures != 0;
}
