/* The whole way of a record in virtual time: accumulator, sender and network client over a model cluster,
 * with a turn as the producer's thread makes it. The sender is called when its deadline has come, when the
 * network has news or when the accumulator asks for it, and never otherwise: a forgotten deadline shows as a
 * delay.
 *
 * Every record carries its number and its topic's name; sender_rig_verify compares all reports with the logs.
 */
#ifndef SUPPORT_SENDER_RIG_H
#define SUPPORT_SENDER_RIG_H

#include "accumulator/accumulator.h"
#include "network/network_client.h"
#include "sender/sender.h"
#include "support/model_cluster.h"

enum {
  RIG_MS = 1000, /* in microseconds */
  RIG_S = 1000 * RIG_MS,
  RIG_RECORDS_MAX = 20000,
  RIG_TURNS_MAX = 2000000,
  RIG_TOPICS_MAX = 8,
  RIG_PARTITIONS_MAX = 32,
};

/* Set by sender_rig_init, to be changed before sender_rig_start. */
struct sender_rig_settings {
  struct accumulator_settings accumulator;
  struct network_client_settings network;
  struct sender_settings sender;
  struct topic_options topic;
  const char *bootstrap; /* hosts, separated by blanks */
};

struct rig_record {
  uint32_t topic;
  int32_t partition_wanted; /* -1: any */
  uint32_t reports;
  struct report report;
};

struct sender_rig {
  struct sender_rig_settings settings;
  struct model_cluster cluster;
  struct fake_transport *transport;
  struct log log;
  struct accumulator accumulator;
  struct network_client *client; /* NULL once it was destroyed */
  struct sender *sender;

  int64_t sleep_until_us; /* of the sender */
  bool is_awake;
  bool is_in_gate;
  uint64_t turn_count;

  struct rig_record *records;
  uint32_t record_count; /* accepted */
  uint32_t report_count;
  int64_t last_delivered[RIG_TOPICS_MAX][RIG_PARTITIONS_MAX]; /* record numbers */
  bool holds_reports; /* settled batches wait in held for sender_rig_release */
  struct list held;
  bool logs_may_be_gone; /* topics were deleted: what is not there proves nothing */
  bool order_may_break;  /* without idempotence and with several in flight */
  bool may_repeat;       /* without idempotence */
  uint64_t seed;         /* named when verification fails */
  uint32_t warning_count;
  char last_warning[256];
  int32_t last_throttle_ms;
  uint32_t throttle_count;
};

/* One node, idempotence, acks=all, five in flight, 1 MiB of memory, batches of 16 KiB, no linger, a delivery
 * timeout of 120 s, a request timeout of 30 s, backoffs of 100 ms to 1 s. */
void sender_rig_init(struct sender_rig *rig);
/* A cluster that the test has made already stays, one with replication, too: then what is committed is what
 * reports are compared with. */
void sender_rig_start(struct sender_rig *rig, uint32_t node_count);
/* With a topic "t", and a first record delivered to each of its partitions. */
void sender_rig_start_warm(struct sender_rig *rig, uint32_t node_count, int32_t topic_partitions);
/* Aborts what is open, destroys everything, fails the test unless every accepted record has its one report
 * and all memory is back. */
void sender_rig_stop(struct sender_rig *rig);

int64_t sender_rig_now_us(const struct sender_rig *rig);

struct topic *sender_rig_topic(struct sender_rig *rig, const char *name);
/* The sender's record of a partition that was used. */
struct sender_partition *sender_rig_partition(struct sender_rig *rig, const char *topic, int32_t index);

/* Accepts a record whose value has at least value_bytes; partition -1: any. Returns its number. */
uint32_t sender_rig_send(struct sender_rig *rig, const char *topic, int32_t partition, size_t value_bytes);
/* The same, with text in front of the value, and refusal allowed; number may be NULL. */
int32_t sender_rig_try(struct sender_rig *rig, const char *topic, int32_t partition, const char *prefix,
                       size_t value_bytes, uint32_t *number);
void sender_rig_send_many(struct sender_rig *rig, const char *topic, int32_t partition, uint32_t count,
                          size_t value_bytes);

/* Makes something go wrong in the model. */
void sender_rig_fault(struct sender_rig *rig, const struct broker_fault *fault);
/* A produce request to that topic and partition (NULL, -1: any) is answered with the error, so many times. */
void sender_rig_refuse(struct sender_rig *rig, const char *topic, int32_t partition, int32_t error_code,
                       uint32_t count);

/* Lets the time pass. */
void sender_rig_run(struct sender_rig *rig, int64_t duration_us);
/* Until every record has its outcome; false if limit_us did not suffice. */
bool sender_rig_settle(struct sender_rig *rig, int64_t limit_us);
/* Hands out the reports that were held. */
void sender_rig_release(struct sender_rig *rig);
/* As at the end of a producer: what is open is settled, the connections are closed. */
void sender_rig_abort(struct sender_rig *rig);

/* The outcome of a record; OUTCOME_NONE before its report. */
enum outcome sender_rig_outcome(const struct sender_rig *rig, uint32_t number);
int32_t sender_rig_status(const struct sender_rig *rig, uint32_t number);
uint32_t sender_rig_count(const struct sender_rig *rig, enum outcome outcome);
/* Records in a partition's log. */
int64_t sender_rig_log_count(const struct sender_rig *rig, const char *topic, int32_t partition);

/* Fails the test unless each record with a report has exactly one, delivered ones lie at their offset, others
 * that must not be there are not, none is there twice, and partitions are in order of acceptance. */
void sender_rig_verify(struct sender_rig *rig);
/* All are delivered, and that is true. */
void sender_rig_verify_delivered(struct sender_rig *rig);

#endif
