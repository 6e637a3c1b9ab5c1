#include "sim/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
    "usage: sendoff-sim --seed N [--trace] [--without FAULT]... [--only FAULT]...\n"
    "       sendoff-sim --seeds FIRST-LAST [--jobs N] [--state FILE] [--failures N]\n"
    "       sendoff-sim --list\n"
    "\n"
    "  --seed N         run one seed; when it fails, print the fewest faults that make it fail\n"
    "  --trace          say all that happens, in virtual time\n"
    "  --without FAULT  leave it off; --only FAULT leaves off all that are not named so (none: all)\n"
    "  --with FAULT     switch it on in every seed\n"
    "  --seeds A-B      run a range, then print how often each state transition was seen\n"
    "  --jobs N         in so many processes (2)\n"
    "  --state FILE     go on where the range was left\n"
    "  --failures N     give up after so many failed seeds (10)\n"
    "  --canary NAME    the harness breaks the rules itself\n"
    "  --list           the names of all faults, and of all canaries\n";

/* What was named with --only. */
struct only {
  bool is_given;
  fault_set faults;
};

static bool read_number(const char *text, uint64_t *number);
static bool read_range(const char *text, struct options *options);
static bool read_value(struct options *options, const char *name, const char *value, struct only *only);

bool options_read(struct options *options, int count, char **arguments, const char **wrong) {
  *options =
      (struct options){.first_seed = 1, .last_seed = 0, .allowed = FAULTS_ALL, .jobs = 2, .failures_max = 10};
  struct only only = {0};
  for (int i = 1; i < count; i++) {
    *wrong = arguments[i];
    if (strcmp(arguments[i], "--trace") == 0) {
      options->traced = true;
    } else if (strcmp(arguments[i], "--list") == 0) {
      options->lists = true;
    } else if (strcmp(arguments[i], "--help") == 0) {
      options->helps = true;
    } else if (i + 1 == count || !read_value(options, arguments[i], arguments[i + 1], &only)) {
      return false;
    } else {
      i++;
    }
  }
  *wrong = "";
  if (only.is_given) options->allowed &= only.faults;
  return options->lists || options->helps || options->first_seed <= options->last_seed;
}

static bool read_value(struct options *options, const char *name, const char *value, struct only *only) {
  uint64_t number;
  enum fault fault;
  if (strcmp(name, "--seeds") == 0) return read_range(value, options);
  if (strcmp(name, "--canary") == 0) return canary_of_name(value, &options->canary);
  if (strcmp(name, "--state") == 0) {
    options->state_path = value;
    return true;
  }
  if (strcmp(name, "--without") == 0 || strcmp(name, "--only") == 0) {
    bool is_only = strcmp(name, "--only") == 0;
    only->is_given = only->is_given || is_only;
    if (is_only && strcmp(value, "none") == 0) return true;
    if (!fault_of_name(value, &fault)) return false;
    if (is_only)
      only->faults |= fault_bit(fault);
    else
      options->allowed &= ~fault_bit(fault);
    return true;
  }
  if (strcmp(name, "--with") == 0) {
    if (!fault_of_name(value, &fault)) return false;
    options->forced |= fault_bit(fault);
    return true;
  }
  if (!read_number(value, &number)) return false;
  if (strcmp(name, "--seed") == 0) {
    options->first_seed = options->last_seed = number;
    return true;
  }
  if (number == 0 || number > UINT16_MAX) return false;
  if (strcmp(name, "--jobs") == 0) {
    options->jobs = (uint32_t)number;
    return true;
  }
  if (strcmp(name, "--failures") != 0) return false;
  options->failures_max = (uint32_t)number;
  return true;
}

static bool read_number(const char *text, uint64_t *number) {
  char *end;
  if (text[0] < '0' || text[0] > '9') return false;
  errno = 0;
  *number = strtoull(text, &end, 10);
  return errno == 0 && *end == '\0';
}

static bool read_range(const char *text, struct options *options) {
  char first[24];
  const char *dash = strchr(text, '-');
  if (dash == NULL || (size_t)(dash - text) >= sizeof first) return false;
  memcpy(first, text, (size_t)(dash - text));
  first[dash - text] = '\0';
  return read_number(first, &options->first_seed) && read_number(dash + 1, &options->last_seed);
}
