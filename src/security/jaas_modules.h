/* Which login modules there are, and what their options come to here. Any thread. */
#ifndef SECURITY_JAAS_MODULES_H
#define SECURITY_JAAS_MODULES_H

#include "security/jaas.h"

/* By the class with its package. False: not one of ours. */
bool jaas_modules_find(struct bytes class_name, enum jaas_module *module);

/* Statuses: OK, INVALID_SETTING (error says why the option cannot be had; the value is not in it, nor the
 * name unless it surely is one). */
int32_t jaas_modules_check(enum jaas_module module, const char *name, struct bytes value, bool is_surely_name,
                           char *error, size_t error_size);

#endif
