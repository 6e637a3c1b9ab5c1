#include "producer/file_watch.h"

#include "base/allocator.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/lock.h"
#include "base/status.h"
#include "base/thread.h"
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

/* struct stat's time of the last change, with its nanoseconds. */
#if defined(__APPLE__)
#define MODIFIED st_mtimespec
#else
#define MODIFIED st_mtim
#endif

static const char THREAD_NAME[] = "sendoff-files";

/* What tells one state of a file from another; all zero for one that is not there. */
struct file_mark {
  uint64_t device, inode;
  int64_t bytes, modified_s, modified_ns;
};

struct watched_file {
  char *path;
  struct file_mark mark;
};

LOCK_ROLE(file_watch_guard);

/* lock guards files and is_ending; is_owed is the thread's. */
struct file_watch {
  struct file_watch_settings settings;
  struct lock lock;
  struct condition ending;
  struct watched_file *files GUARDED_BY(file_watch_guard);
  uint32_t count GUARDED_BY(file_watch_guard);
  bool is_ending GUARDED_BY(file_watch_guard);
  bool is_owed; /* on_change was not content */
  bool has_thread;
  pthread_t thread;
};
LOCK_GUARD(file_watch_guard, file_watch, lock);

static void *run(void *argument);
static bool look(struct file_watch *watch) REQUIRES(file_watch_guard);
static struct file_mark mark_of(const char *path);
static int32_t copy_files(const char *const *paths, uint32_t count, struct watched_file **files);
static void free_watch(struct file_watch *watch) NO_THREAD_SAFETY_ANALYSIS;
static void free_files(struct watched_file *files, uint32_t count);

int32_t file_watch_create(const struct file_watch_settings *settings, const char *const *paths,
                          uint32_t count, struct file_watch **watch) NO_THREAD_SAFETY_ANALYSIS {
  struct file_watch *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created == NULL) return STATUS_OUT_OF_MEMORY;
  created->settings = *settings;
  created->count = count;
  int32_t status = copy_files(paths, count, &created->files);
  if (status == STATUS_OK) status = condition_init(&created->ending);
  if (status != STATUS_OK) {
    free_files(created->files, count);
    allocator_free(created);
    return status;
  }
  lock_init(&created->lock);
  *watch = created;
  return STATUS_OK;
}

int32_t file_watch_start(struct file_watch *watch) {
  int32_t status = thread_start(&watch->thread, run, watch);
  watch->has_thread = status == STATUS_OK;
  return status;
}

int32_t file_watch_replace(struct file_watch *watch, const char *const *paths, uint32_t count) {
  struct watched_file *files;
  int32_t status = copy_files(paths, count, &files);
  if (status != STATUS_OK) return status;
  file_watch_guard_acquire(watch);
  struct watched_file *before = watch->files;
  uint32_t before_count = watch->count;
  watch->files = files;
  watch->count = count;
  file_watch_guard_release(watch);
  free_files(before, before_count);
  return STATUS_OK;
}

void file_watch_destroy(struct file_watch *watch) {
  if (watch == NULL) return;
  file_watch_guard_acquire(watch);
  watch->is_ending = true;
  condition_broadcast(&watch->ending);
  file_watch_guard_release(watch);
  if (watch->has_thread) pthread_join(watch->thread, NULL);
  free_watch(watch);
}

/* Nobody else is there. */
static void free_watch(struct file_watch *watch) {
  condition_deinit(&watch->ending);
  lock_deinit(&watch->lock);
  free_files(watch->files, watch->count);
  allocator_free(watch);
}

static void *run(void *argument) {
  struct file_watch *watch = argument;
  const struct file_watch_settings *settings = &watch->settings;
  if (settings->on_start != NULL) settings->on_start(settings->context, THREAD_NAME);
  file_watch_guard_acquire(watch);
  while (!watch->is_ending) {
    int64_t until_us = clock_add_us(clock_monotonic_us(), settings->interval_us);
    bool in_time = true;
    while (in_time && !watch->is_ending)
      in_time = file_watch_guard_wait(watch, &watch->ending, until_us);
    if (watch->is_ending || (!look(watch) && !watch->is_owed)) continue;
    file_watch_guard_release(watch);
    watch->is_owed = !settings->on_change(settings->context);
    file_watch_guard_acquire(watch);
  }
  file_watch_guard_release(watch);
  if (settings->on_stop != NULL) settings->on_stop(settings->context, THREAD_NAME);
  return NULL;
}

/* Whether one has changed since the last look. All are noted, so that a change is told once. */
static bool look(struct file_watch *watch) {
  bool has_changed = false;
  for (uint32_t i = 0; i < watch->count; i++) {
    struct file_mark mark = mark_of(watch->files[i].path);
    if (memcmp(&mark, &watch->files[i].mark, sizeof mark) == 0) continue;
    watch->files[i].mark = mark;
    has_changed = true;
  }
  return has_changed;
}

static struct file_mark mark_of(const char *path) {
  struct stat found;
  if (stat(path, &found) != 0) return (struct file_mark){0};
  return (struct file_mark){.device = (uint64_t)found.st_dev,
                            .inode = (uint64_t)found.st_ino,
                            .bytes = (int64_t)found.st_size,
                            .modified_s = (int64_t)found.MODIFIED.tv_sec,
                            .modified_ns = (int64_t)found.MODIFIED.tv_nsec};
}

static int32_t copy_files(const char *const *paths, uint32_t count, struct watched_file **files) {
  *files = NULL;
  if (count == 0) return STATUS_OK;
  struct watched_file *copied = allocator_allocate_zeroed(count, sizeof *copied);
  if (copied == NULL) return STATUS_OUT_OF_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    copied[i].path = allocator_copy_string(paths[i]);
    if (copied[i].path == NULL) {
      free_files(copied, count);
      return STATUS_OUT_OF_MEMORY;
    }
    copied[i].mark = mark_of(paths[i]);
  }
  *files = copied;
  return STATUS_OK;
}

static void free_files(struct watched_file *files, uint32_t count) {
  for (uint32_t i = 0; i < count && files != NULL; i++)
    allocator_free(files[i].path);
  allocator_free(files);
}
