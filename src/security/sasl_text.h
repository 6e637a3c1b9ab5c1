/* What the mechanisms do to texts. Any thread. */
#ifndef SECURITY_SASL_TEXT_H
#define SECURITY_SASL_TEXT_H

#include "base/secret.h"
#include <stddef.h>

/* The parts behind each other. NULL if memory is missing. */
struct secret *sasl_text_join(const struct bytes *parts, size_t count);

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
bool sasl_text_is_utf8(struct bytes text);

/* What a peer said, fit for a line of a log: what is not printable ASCII becomes '?', each of the secrets
 * "[hidden]", and the end is cut if it does not fit. Secrets shorter than four bytes are left: they would be
 * found in any text. */
void sasl_text_print(struct bytes text, const struct bytes *secrets, size_t secret_count, char *to,
                     size_t size);

#endif
