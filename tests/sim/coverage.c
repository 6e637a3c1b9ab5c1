#include "sim/coverage.h"

#include "accumulator/batch.h"
#include "accumulator/partition_queue.h"
#include "base/assertion.h"
#include "base/transition.h"
#include "network/authenticator.h"
#include "network/connection.h"
#include "sender/outcome_query.h"
#include "sender/producer_identity.h"
#include <string.h>

/* A state machine: its name in transition_note, its states, its table. */
struct machine {
  const char *name;
  bool (*may_change)(uint32_t from, uint32_t to);
  uint32_t state_count;
  const char *states[COVERAGE_STATES_MAX];
};

static bool batch_may(uint32_t from, uint32_t to);
static bool queue_may(uint32_t from, uint32_t to);
static bool connection_may(uint32_t from, uint32_t to);
static bool authenticator_may(uint32_t from, uint32_t to);
static bool identity_may(uint32_t from, uint32_t to);
static bool query_may(uint32_t from, uint32_t to);
static void note(void *context, const char *name, uint32_t from, uint32_t to);

static const struct machine machines[] = {
    {"batch", batch_may, BATCH_STATE_COUNT, {"open", "sealed", "in flight", "retry", "held", "settled"}},
    {"partition queue", queue_may, PARTITION_STATE_COUNT, {"idle", "lingering", "ready", "taken"}},
    {"connection",
     connection_may,
     CONNECTION_STATE_COUNT,
     {"connecting", "negotiating", "authenticating", "ready", "reauthenticating", "closed"}},
    {"authenticator",
     authenticator_may,
     AUTHENTICATOR_STATE_COUNT,
     {"idle", "handshaking", "stepping", "authenticating", "over"}},
    {"producer identity", identity_may, PRODUCER_IDENTITY_STATE_COUNT, {"wanted", "requested", "ready"}},
    {"outcome query",
     query_may,
     OUTCOME_QUERY_STATE_COUNT,
     {"none", "due", "open", "answered", "closed", "confirming"}},
};

static const uint32_t MACHINE_COUNT = sizeof machines / sizeof machines[0];

_Static_assert(sizeof machines / sizeof machines[0] <= COVERAGE_MACHINES_MAX, "room for all machines");

void coverage_count_in(struct coverage *coverage) {
  transition_observe(coverage == NULL ? NULL : note, coverage);
}

void coverage_add(struct coverage *to, const struct coverage *from) {
  for (uint32_t m = 0; m < MACHINE_COUNT; m++)
    for (uint32_t a = 0; a < COVERAGE_STATES_MAX; a++)
      for (uint32_t b = 0; b < COVERAGE_STATES_MAX; b++)
        to->counts[m][a][b] += from->counts[m][a][b];
}

uint32_t coverage_print(const struct coverage *coverage, FILE *out, uint32_t *listed) {
  uint32_t unseen = 0;
  *listed = 0;
  for (uint32_t m = 0; m < MACHINE_COUNT; m++)
    for (uint32_t from = 0; from < machines[m].state_count; from++)
      for (uint32_t to = 0; to < machines[m].state_count; to++) {
        if (!machines[m].may_change(from, to)) continue;
        uint64_t count = coverage->counts[m][from][to];
        fprintf(out, "%-18s %-16s -> %-16s %12llu%s\n", machines[m].name, machines[m].states[from],
                machines[m].states[to], (unsigned long long)count, count == 0 ? "  never seen" : "");
        (*listed)++;
        if (count == 0) unseen++;
      }
  return unseen;
}

static void note(void *context, const char *name, uint32_t from, uint32_t to) {
  struct coverage *coverage = context;
  for (uint32_t m = 0; m < MACHINE_COUNT; m++) {
    if (machines[m].name[0] != name[0] || strcmp(machines[m].name, name) != 0) continue;
    ASSERT(from < machines[m].state_count && to < machines[m].state_count);
    coverage->counts[m][from][to]++;
    return;
  }
}

static bool batch_may(uint32_t from, uint32_t to) {
  return batch_state_may_change((enum batch_state)from, (enum batch_state)to);
}

static bool queue_may(uint32_t from, uint32_t to) {
  return partition_queue_may_change((enum partition_state)from, (enum partition_state)to);
}

static bool connection_may(uint32_t from, uint32_t to) {
  return connection_may_change((enum connection_state)from, (enum connection_state)to);
}

static bool authenticator_may(uint32_t from, uint32_t to) {
  return authenticator_may_change((enum authenticator_state)from, (enum authenticator_state)to);
}

static bool identity_may(uint32_t from, uint32_t to) {
  return producer_identity_state_may_change((enum producer_identity_state)from,
                                            (enum producer_identity_state)to);
}

static bool query_may(uint32_t from, uint32_t to) {
  return outcome_query_state_may_change((enum outcome_query_state)from, (enum outcome_query_state)to);
}
