/* The same tests for the variant that this system's build leaves out. Its functions, defined here, stand in
 * for those of the library. */
#define SENDOFF_POLL 1
#include "network/poller_poll.c"
#include "poller_test.c"
