/* Looks at files every so often, and calls when one of them is another than before. By looking, not by being
 * told: that works on every file system, and sees a link that points elsewhere now. */
#ifndef PRODUCER_FILE_WATCH_H
#define PRODUCER_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct file_watch;

struct file_watch_settings {
  int64_t interval_us;
  /* Called on the watch's thread. False: to be called again after the next interval, changed or not. */
  bool (*on_change)(void *context);
  void (*on_start)(void *context, const char *name);
  void (*on_stop)(void *context, const char *name);
  void *context;
};

/* Copies the paths and notes what the files are now: to be called before they are read. Statuses: OK,
 * OUT_OF_MEMORY. */
int32_t file_watch_create(const struct file_watch_settings *settings, const char *const *paths,
                          uint32_t count, struct file_watch **watch);

/* Starts the thread. Statuses: OK, SYSTEM_ERROR. */
int32_t file_watch_start(struct file_watch *watch);

/* Other files from now on. Any thread, on_change too. Statuses: OK, OUT_OF_MEMORY (nothing has changed). */
int32_t file_watch_replace(struct file_watch *watch, const char *const *paths, uint32_t count);

/* Waits for a call under way. Not from on_change. NULL is allowed. */
void file_watch_destroy(struct file_watch *watch);

#endif
