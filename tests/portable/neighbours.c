/* neighbours SIDE... -- BOOTSTRAP [SETTING...]: loads shared objects in this order, each with all that it
 * links and for all to see, then runs them together, a thread each: main(N, {"", BOOTSTRAP, name, SETTING...,
 * NULL}), where the name, up to a dot, is that of its file. Ends with status 0 if each of them did. A side
 * that exports `background` instead works until the others have ended. */
#include <dlfcn.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SIDES = 8, MOST_ARGUMENTS = 16 };

typedef struct side {
  int (*main)(int argc, char **argv);
  int (*background)(atomic_int *ended);
  char **arguments; /* of the program: BOOTSTRAP and what follows */
  char name[64];
  pthread_t thread;
  int status;
} side;

static atomic_int ended;

static void *run_side(void *argument) {
  side *self = argument;
  char empty[] = "";
  char *arguments[MOST_ARGUMENTS] = {empty, self->arguments[0], self->name};
  int count = 3;
  for (char **setting = self->arguments + 1; *setting != NULL && count + 1 < MOST_ARGUMENTS; setting++)
    arguments[count++] = *setting;
  self->status = self->background != NULL ? self->background(&ended) : self->main(count, arguments);
  return NULL;
}

static int load_side(side *self, char *path) {
  void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (handle == NULL) return (void)fprintf(stderr, "%s\n", dlerror()), 1;
  *(void **)&self->background = dlsym(handle, "background");
  *(void **)&self->main = dlsym(handle, "main");
  (void)snprintf(self->name, sizeof self->name, "%s", basename(path));
  self->name[strcspn(self->name, ".")] = '\0';
  return 0;
}

static int run_all(side *sides, int count) {
  int failures = 0;
  for (int i = 0; i < count; i++)
    if (pthread_create(&sides[i].thread, NULL, run_side, &sides[i]) != 0) return 1;
  for (int background = 0; background < 2; background++) {
    for (int i = 0; i < count; i++)
      if ((sides[i].background != NULL) == background) (void)pthread_join(sides[i].thread, NULL);
    atomic_store(&ended, 1);
  }
  for (int i = 0; i < count; i++) {
    if (sides[i].status != 0)
      failures++, (void)fprintf(stderr, "%s: status %d\n", sides[i].name, sides[i].status);
  }
  return failures;
}

int main(int argc, char **argv) {
  static side sides[MOST_SIDES];
  int count = 0;
  for (; count < MOST_SIDES && count + 3 < argc && strcmp(argv[count + 1], "--") != 0; count++)
    if (load_side(&sides[count], argv[count + 1]) != 0) return 1;
  if (count == 0 || argc < count + 3 || argc > count + MOST_ARGUMENTS - 2) return 2;
  for (int i = 0; i < count; i++)
    sides[i].arguments = argv + count + 2;
  return run_all(sides, count) == 0 ? 0 : 1;
}
