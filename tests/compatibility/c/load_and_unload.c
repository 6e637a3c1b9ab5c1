/* load_and_unload LIBRARY ROUNDS [BOOTSTRAP TOPIC]: loads and unloads the library so often, with a producer
 * that sends a record in each round if it is told where; then says what the process holds, after the first
 * tenth and at the end. load_and_unload LIBRARY 0 BOOTSTRAP TOPIC: unloads it under an open producer and
 * ends. */
#include "loaded.h"
#include <dirent.h>
#include <malloc.h>
#include <time.h>

/* What may grow, by its name. */
struct holdings {
  long descriptors, threads, mappings, resident_kib, allocated_bytes;
};

static long entries_of(const char *path) {
  DIR *folder = opendir(path);
  loaded_expect(folder != NULL, path, "cannot be read");
  long count = 0;
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
    count += entry->d_name[0] != '.';
  (void)closedir(folder);
  return count;
}

/* A thread that was joined is on the kernel's list for a moment more. */
static long threads(void) {
  long count = entries_of("/proc/self/task");
  for (int ms = 0; count > 1 && ms < PATIENCE_MS / 6; ms++) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    count = entries_of("/proc/self/task");
  }
  return count;
}

static struct holdings hold(void) {
  struct holdings held = {.descriptors = entries_of("/proc/self/fd"), .threads = threads()};
  held.allocated_bytes = (long)mallinfo2().uordblks;
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r"), *status = fopen("/proc/self/status", "r");
  loaded_expect(maps != NULL && status != NULL, "/proc/self", "cannot be read");
  while (fgets(line, sizeof line, maps) != NULL)
    held.mappings++;
  while (fgets(line, sizeof line, status) != NULL)
    if (strncmp(line, "VmRSS:", 6) == 0) held.resident_kib = strtol(line + 6, NULL, 10);
  (void)fclose(maps);
  (void)fclose(status);
  return held;
}

static void say(const char *when, struct holdings held) {
  (void)printf("%s: descriptors %ld, threads %ld, mappings %ld, resident %ld, allocated %ld\n", when,
               held.descriptors, held.threads, held.mappings, held.resident_kib, held.allocated_bytes);
}

static sendoff_producer *create_and_send(const struct loaded *library, char **where, const char *linger_ms,
                                         const char *value) {
  sendoff_producer *producer = loaded_create(
      library, (const char *const[]){"bootstrap.servers", where[0], "linger.ms", linger_ms, NULL});
  loaded_expect_status(library, "send", loaded_send(library, producer, where[1], value), SENDOFF_OK);
  return producer;
}

static void load_and_unload(const char *path, char **where, long round) {
  struct loaded library = loaded_open(path, RTLD_LOCAL);
  if (where[0] != NULL) {
    char value[32];
    (void)snprintf(value, sizeof value, "round %ld", round);
    sendoff_producer *producer = create_and_send(&library, where, "5", value);
    loaded_expect_status(&library, "close", library.close(producer, PATIENCE_MS), SENDOFF_OK);
    library.destroy(producer);
  }
  loaded_expect(dlclose(library.handle) == 0, path, "is not unloaded");
}

static void unload_under_a_producer(const char *path, char **where) {
  struct loaded library = loaded_open(path, RTLD_LOCAL);
  (void)create_and_send(&library, where, "60000", "left open"); /* sent by nothing but the exit */
  loaded_expect(dlclose(library.handle) == 0, path, "is not unloaded");
}

int main(int argc, char **argv) {
  loaded_expect(argc == 3 || argc == 5, argv[0], "LIBRARY ROUNDS [BOOTSTRAP TOPIC]");
  long rounds = strtol(argv[2], NULL, 10);
  struct holdings early = {0};
  for (long i = 1; i <= rounds; i++) {
    load_and_unload(argv[1], argv + 3, i);
    if (i == rounds / 10) early = hold();
  }
  if (rounds == 0) {
    unload_under_a_producer(argv[1], argv + 3);
    return 0;
  }
  say("early", early);
  say("late", hold());
  void *still = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
  (void)printf("%s\n", still != NULL ? "stays" : "is gone");
  return 0;
}
