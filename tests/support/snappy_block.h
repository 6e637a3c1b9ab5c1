/* A reader of snappy blocks that owes nothing to the library (format_description.txt of google/snappy), to
 * check what our encoder wrote on machines where the library may be wrong. */
#ifndef SUPPORT_SNAPPY_BLOCK_H
#define SUPPORT_SNAPPY_BLOCK_H

#include "base/bytes.h"

/* True if the block holds these bytes. Reads nothing outside of it, whatever it holds. */
bool snappy_block_holds(struct bytes block, struct bytes content);

#endif
