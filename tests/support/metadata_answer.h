/* Metadata answers from short texts. */
#ifndef SUPPORT_METADATA_ANSWER_H
#define SUPPORT_METADATA_ANSWER_H

#include "support/fake_broker.h"

/* Zero-initialised is valid; its memory is kept from answer to answer. */
struct metadata_answer {
  struct wire_writer body;
  int16_t version;
};

/* brokers: "1=10.0.0.1:9092 2=10.0.0.2:9092"; "" for none. */
void metadata_answer_begin(struct metadata_answer *answer, int16_t version, const char *brokers,
                           int32_t topic_count);
/* id: every octet of the topic's id, left out before version 10. partitions: "index:leader/epoch", behind it
 * "!error" if there is one, separated by blanks; "" for none. Its replicas are the leader and broker 9. */
void metadata_answer_topic(struct metadata_answer *answer, const char *name, int16_t error_code, uint8_t id,
                           const char *partitions);
/* Returns the body; valid until the next begin. */
struct bytes metadata_answer_end(struct metadata_answer *answer, int16_t error_code);
void metadata_answer_deinit(struct metadata_answer *answer);

#endif
