/* Gives each file of a folder to a fuzz target. usage: noun_fuzz FOLDER */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 1 << 20 };

/* In memory of just its size, so that sanitizers see a read beyond it. */
static int replay(const char *folder, const char *name) {
  char path[1024];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  uint8_t *data = malloc(INPUT_MAX_BYTES);
  if (file == NULL || data == NULL) {
    perror(path);
    exit(2);
  }
  size_t size = fread(data, 1, INPUT_MAX_BYTES, file);
  (void)fclose(file);
  uint8_t *exact = realloc(data, size == 0 ? 1 : size);
  if (exact == NULL) abort();
  printf("%s, %zu bytes\n", name, size);
  (void)fflush(stdout); /* an input that ends the process is the last one named */
  int result = LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return result;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 2) {
    (void)fputs("usage: noun_fuzz FOLDER\n", stderr);
    return 2;
  }
  DIR *folder = opendir(arguments[1]);
  if (folder == NULL) {
    perror(arguments[1]);
    return 2;
  }
  int count = 0, failures = 0;
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    failures += replay(arguments[1], entry->d_name) != 0;
    count++;
  }
  (void)closedir(folder);
  bool has_passed = count > 0 && failures == 0;
  printf("%d inputs, %d failures\n", count, failures);
  printf("%d passed, %d failed\n", has_passed ? 1 : 0, has_passed ? 0 : 1); /* the corpus is one test */
  return has_passed ? 0 : 1;
}
