#include "sender/outcome_query.h"

#include "base/assertion.h"
#include "base/transition.h"

static const bool allowed[OUTCOME_QUERY_STATE_COUNT][OUTCOME_QUERY_STATE_COUNT] = {
    [OUTCOME_QUERY_NONE] = {[OUTCOME_QUERY_DUE] = true, [OUTCOME_QUERY_CLOSED] = true},
    [OUTCOME_QUERY_DUE] =
        {[OUTCOME_QUERY_OPEN] = true, [OUTCOME_QUERY_CLOSED] = true, [OUTCOME_QUERY_NONE] = true},
    [OUTCOME_QUERY_OPEN] = {[OUTCOME_QUERY_ANSWERED] = true,
                            [OUTCOME_QUERY_DUE] = true,
                            [OUTCOME_QUERY_CLOSED] = true,
                            [OUTCOME_QUERY_NONE] = true},
    [OUTCOME_QUERY_ANSWERED] = {[OUTCOME_QUERY_CONFIRMING] = true, [OUTCOME_QUERY_NONE] = true},
    [OUTCOME_QUERY_CLOSED] = {[OUTCOME_QUERY_CONFIRMING] = true, [OUTCOME_QUERY_NONE] = true},
    [OUTCOME_QUERY_CONFIRMING] = {[OUTCOME_QUERY_NONE] = true},
};

void outcome_query_set_state(struct outcome_query *query, enum outcome_query_state state) {
  ASSERT(allowed[query->state][state]);
  transition_note("outcome query", query->state, state);
  query->state = state;
}

bool outcome_query_state_may_change(enum outcome_query_state from, enum outcome_query_state to) {
  return allowed[from][to];
}

void outcome_query_end(struct outcome_query *query) {
  if (query->state != OUTCOME_QUERY_NONE) outcome_query_set_state(query, OUTCOME_QUERY_NONE);
}
