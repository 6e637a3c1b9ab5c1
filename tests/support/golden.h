/* Messages that Kafka's own classes wrote (tests/golden, made by make-goldens), to compare ours with. A file
 * that is missing or malformed fails the test. */
#ifndef SUPPORT_GOLDEN_H
#define SUPPORT_GOLDEN_H

#include "protocol/wire.h"

enum golden_direction { GOLDEN_REQUEST, GOLDEN_RESPONSE };

/* The messages of one API, by name. Owns lines; freed by golden_close. */
struct golden_file {
  const char *api;
  struct golden_line *lines;
  uint32_t line_count;
};

void golden_open(struct golden_file *file, const char *api);

/* Fails the test if a line of the file was never asked for: then a version or variant is not tested. */
void golden_close(struct golden_file *file);

/* Writes the message of those values, or reads one and fails the test if it holds others. */
typedef void golden_encoder(struct wire_writer *writer, int16_t version);
typedef void golden_expectation(struct wire_reader *reader, int16_t version);

/* Fails the test unless encode writes the message API_vVERSION_DIRECTION_VARIANT byte for byte, and expect
 * finds its values in it and nothing behind them. encode NULL: the message has only to be understood. */
void golden_check(struct golden_file *file, int16_t version, enum golden_direction direction,
                  const char *variant, golden_encoder *encode, golden_expectation *expect);

/* golden_check of the variant "full" and, from first_flexible, of "unknown_tags", which has the same values.
 */
void golden_check_full(struct golden_file *file, int16_t version, int16_t first_flexible,
                       enum golden_direction direction, golden_encoder *encode, golden_expectation *expect);

/* The whole of batch_NAME.hex, to be freed with free. */
struct bytes golden_batch(const char *name);

#endif
