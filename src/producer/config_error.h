/* What was wrong with a setting, for people: the setting, its value and what is allowed. The caller owns it;
 * wherever one is asked for, NULL is allowed. Untouched on success. */
#ifndef PRODUCER_CONFIG_ERROR_H
#define PRODUCER_CONFIG_ERROR_H

struct config_error {
  char text[512];
};

/* Formats the text, cut at its end if too long; control characters from the outside are replaced by '?'. */
void config_error_set(struct config_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
