/* What a decoder has to survive: its input cut short at every byte, and changed at every byte. Each input
 * lies in heap memory of exactly its size, so that sanitizers and valgrind see a read past the end. */
#ifndef SUPPORT_HOSTILE_H
#define SUPPORT_HOSTILE_H

#include "protocol/wire.h"

/* Decodes a whole message; what it finds is not looked at. */
typedef void hostile_decoder(struct wire_reader *reader, int16_t version);

/* Fails the test unless the decoder takes the message as a whole and refuses every shorter beginning of it.
 */
void hostile_truncate(struct bytes message, int16_t version, hostile_decoder *decode);

/* Sets each byte in turn to values that lengths, counts and varints are made from. Any of these may be a
 * valid message; the decoder has to end, inside its input. */
void hostile_corrupt(struct bytes message, int16_t version, hostile_decoder *decode);

/* Both. */
void hostile_check(const struct wire_writer *message, int16_t version, hostile_decoder *decode);

/* Fails the test unless actual is expected's bytes; NULL expects the null view. */
void expect_text(struct bytes actual, const char *expected);

#endif
