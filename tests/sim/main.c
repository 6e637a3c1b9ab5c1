/* sendoff-sim: see options_help. */
#include "sim/options.h"
#include "sim/range.h"
#include "sim/shrink.h"
#include <stdio.h>

static void list(void);

int main(int argc, char **argv) {
  struct options options;
  const char *wrong;
  if (!options_read(&options, argc, argv, &wrong)) {
    fprintf(stderr, "%s\n%s", wrong, options_help);
    return 2;
  }
  if (options.helps) {
    fputs(options_help, stdout);
    return 0;
  }
  if (options.lists) {
    list();
    return 0;
  }
  if (options.first_seed == options.last_seed) return shrink_run_seed(&options) ? 0 : 1;
  return range_run(&options) ? 0 : 1;
}

static void list(void) {
  for (int i = 0; i < FAULT_COUNT; i++)
    puts(fault_name((enum fault)i));
  for (int i = CANARY_NONE + 1; i < CANARY_COUNT; i++)
    printf("canary %s\n", canary_name((enum canary)i));
}
