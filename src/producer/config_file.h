/* Configurations in files. */
#ifndef PRODUCER_CONFIG_FILE_H
#define PRODUCER_CONFIG_FILE_H

#include "producer/config.h"

/* Sets everything in a file in Java's .properties form (see properties.h), of at most 1 MiB; of a name that
 * stands there twice the last counts, and unknown.settings and config.providers hold for the whole file
 * wherever they stand. What was read is wiped. Statuses: as config_set, and FILE_UNREADABLE; on failure
 * nothing has changed, and the message begins with the file's path and, where one is at fault, the line.
 * Blocks for the file system. */
int32_t config_load_file(struct config *config, const char *path, struct config_error *error);

#endif
