/* What a program needs to say, in C and in C++: compiled in several standards, with all warnings as errors.
 */
#include <sendoff/sendoff.h>

int sends_one_record(sendoff_producer *producer);

int sends_one_record(sendoff_producer *producer) {
  sendoff_record record;
  sendoff_header header = {"name", 4, "value", 5};
  record.size = sizeof record;
  record.set = SENDOFF_SET_PARTITION | SENDOFF_SET_TIMESTAMP;
  record.topic = "topic";
  record.topic_id = 0;
  record.partition = 0;
  record.key = "key";
  record.key_bytes = 3;
  record.value = "value";
  record.value_bytes = 5;
  record.headers = &header;
  record.header_count = 1;
  record.timestamp_ms = 0;
  record.opaque = 1;
  record.callback = 0;
  record.user = 0;
  return sendoff_send(producer, &record) == SENDOFF_OK;
}
