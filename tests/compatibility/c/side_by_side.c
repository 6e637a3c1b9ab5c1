/* side_by_side BOOTSTRAP TOPIC LIBRARY LIBRARY local|global close|exit|fork|signal: two versions of the
 * library in one process, each with a producer. The records say who sent them: 0 or 1, in the order in which
 * they were loaded. */
#include "loaded.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSIONS = 2 };

static const char *bootstrap, *topic;
static struct loaded versions[VERSIONS];
static sendoff_producer *producers[VERSIONS];

static sendoff_producer *create(int version) {
  return loaded_create(&versions[version], (const char *const[]){"bootstrap.servers", bootstrap, "linger.ms",
                                                                 "60000", "shutdown.timeout.ms", "30000",
                                                                 "shutdown.signals", "SIGTERM", NULL});
}

static void send(int version, const char *word) {
  char value[64];
  (void)snprintf(value, sizeof value, "%d %s", version, word);
  int32_t status = loaded_send(&versions[version], producers[version], topic, value);
  loaded_expect_status(&versions[version], "send", status, SENDOFF_OK);
}

static void end(int version) {
  const struct loaded *library = &versions[version];
  loaded_expect_status(library, "close", library->close(producers[version], PATIENCE_MS), SENDOFF_OK);
  library->destroy(producers[version]);
}

/* One is closed, the other goes on; then the first begins anew. */
static void close_one_after_the_other(void) {
  end(0);
  send(1, "goes on");
  producers[0] = create(0);
  send(0, "begins anew");
  end(1);
  end(0);
}

/* In the child the parent's producers are refused, new ones work; the parent's are as they were. */
static void fork_a_child(void) {
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < VERSIONS; i++) {
      loaded_expect_status(&versions[i], "send", loaded_send(&versions[i], producers[i], topic, "inherited"),
                           SENDOFF_FORKED);
      versions[i].destroy(producers[i]);
      producers[i] = create(i);
      send(i, "from the child");
    }
    end(0); /* the other one is flushed at exit */
    exit(0);
  }
  int status = -1;
  loaded_expect(waitpid(child, &status, 0) == child && status == 0, "child", "did not end well");
  send(0, "after the fork");
  send(1, "after the fork");
  end(0);
  end(1);
}

int main(int argc, char **argv) {
  loaded_expect(argc == 7, argv[0], "BOOTSTRAP TOPIC LIBRARY LIBRARY local|global close|exit|fork|signal");
  bootstrap = argv[1];
  topic = argv[2];
  for (int i = 0; i < VERSIONS; i++) {
    versions[i] = loaded_open(argv[3 + i], strcmp(argv[5], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL);
    producers[i] = create(i);
    send(i, "begins");
  }
  loaded_expect(versions[0].create != versions[1].create, "create", "is the same function in both");
  if (strcmp(argv[6], "close") == 0) close_one_after_the_other();
  if (strcmp(argv[6], "fork") == 0) fork_a_child();
  if (strcmp(argv[6], "signal") == 0) {
    (void)raise(SIGTERM);
    for (;;)
      (void)pause();
  }
  return 0;
}
