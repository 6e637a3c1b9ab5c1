/* A client of a broker_model, for tests: requests are written as a client writes them, answers read as it
 * reads them. Anything that does not hold on the way (an answer of another request, bytes left over) fails
 * the test. */
#ifndef SUPPORT_BROKER_EXCHANGE_H
#define SUPPORT_BROKER_EXCHANGE_H

#include "broker/broker_model.h"
#include "protocol/compression.h"
#include "protocol/produce.h"
#include "protocol/request_header.h"
#include "protocol/wire.h"

/* ---- batches ---- */

/* What a batch holds: record_count records with key "k<n>" and value "<value><n>", n counted from 0, each 1
 * ms after the one before. Zero-initialised fields take what most tests want: one record, value "value-", no
 * producer. */
struct batch_plan {
  bool idempotent; /* the next three are used */
  int64_t producer_id;
  int16_t producer_epoch;
  int32_t base_sequence;
  int32_t record_count;
  const char *value;
  int64_t timestamp_ms;
  enum compression_codec codec;
};

/* Writes the batch to the end of the writer and returns a view of it, valid until the writer's next use. */
struct bytes batch_plan_write(const struct batch_plan *plan, struct wire_writer *writer);

/* Writes a batch again under its own bytes' checksum: for tests that damage a field first. */
void batch_seal(uint8_t *batch, size_t size);

/* ---- requests ---- */

struct exchange {
  struct broker_model *model;
  int64_t now_ms;
  bool last_chance;
  struct request_header header;
  struct wire_writer request, response, batch;
  enum broker_answer answer; /* of the last run */
  int64_t wait_ms;
  struct wire_reader reader; /* the body of the last answer */
};

/* Without settings: those of broker_settings_init, and node 1 at host "broker" port 9092. */
void exchange_init(struct exchange *exchange, const struct broker_settings *settings);
/* Destroys the model too. */
void exchange_deinit(struct exchange *exchange);

/* Begins a request; its body is written to exchange->request. */
struct wire_writer *exchange_begin(struct exchange *exchange, int16_t api_key, int16_t api_version);
/* Hands the request in. With BROKER_ANSWER_SEND exchange->reader stands at the body. */
enum broker_answer exchange_run(struct exchange *exchange);
/* The last answer was read to its end. */
void exchange_expect_end(const struct exchange *exchange);

/* Produces one batch to one partition and reads the answer, up to version 12 by name. The partition's answer
 * is returned; index -2 stands for an answer that was not sent. */
struct produce_response_partition exchange_produce(struct exchange *exchange, int16_t version, int16_t acks,
                                                   const char *topic, int32_t partition, struct bytes batch);
/* The same with version 9, acks -1 and a planned batch. */
struct produce_response_partition exchange_append(struct exchange *exchange, const char *topic,
                                                  int32_t partition, const struct batch_plan *plan);

/* The number of records in a partition; fails the test when there is no such partition. */
int64_t exchange_record_count(const struct exchange *exchange, const char *topic, int32_t partition);

#endif
