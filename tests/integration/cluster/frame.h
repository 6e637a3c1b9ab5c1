/* What the fault proxy knows of Kafka's frames. A frame is its length (4 bytes) and that many more; a request
 * begins with api key, version, correlation id and client id. Record batches are found by their magic and
 * checksum wherever they stand in a produce request, so that its version does not matter. */
#ifndef INTEGRATION_CLUSTER_FRAME_H
#define INTEGRATION_CLUSTER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_LENGTH_BYTES = 4, FRAME_BYTES_MAX = 64 << 20, API_PRODUCE = 0, CLIENT_ID_BYTES_MAX = 64 };

struct request_head {
  int16_t api_key;
  char client_id[CLIENT_ID_BYTES_MAX]; /* cut if longer */
};

/* The bytes of the frame that begins there, its length included; 0 while the length is not there. Ends the
 * program for a length that is none. */
size_t frame_bytes(const uint8_t *bytes, size_t size);

struct request_head frame_parse_head(const uint8_t *frame, size_t size);

/* The next record batch at or behind *at in a frame, which *at is moved behind; NULL if there is none. */
uint8_t *frame_next_batch(uint8_t *frame, size_t size, size_t *at);

uint32_t batch_checksum(const uint8_t *batch);

/* Damage that a broker takes for good, the checksum is written anew: another producer id, as if the batch had
 * been stamped again; another letter in the pad of one of load.h's records (false if none is found:
 * compressed). */
void batch_restamp(uint8_t *batch);
bool batch_alter(uint8_t *batch, uint32_t choice);

#endif
