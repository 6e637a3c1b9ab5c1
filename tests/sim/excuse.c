#include "sim/excuse.h"

#include "base/status.h"
#include <stddef.h>

enum { STATUSES_MAX = 16 };

/* A fault, and the statuses with which it ends records; 0 ends the list. */
struct excuse {
  enum fault fault;
  bool for_walks; /* also for what ends in a walk along refused sequences, whatever its status */
  int32_t statuses[STATUSES_MAX];
};

static const struct excuse excuses[] = {
    {FAULT_FATAL_ERRORS,
     true,
     {STATUS_INVALID_TOPIC_EXCEPTION, STATUS_RECORD_LIST_TOO_LARGE, STATUS_TOPIC_AUTHORIZATION_FAILED,
      STATUS_CLUSTER_AUTHORIZATION_FAILED, STATUS_INVALID_TIMESTAMP, STATUS_UNSUPPORTED_FOR_MESSAGE_FORMAT,
      STATUS_INVALID_REQUIRED_ACKS, STATUS_POLICY_VIOLATION, STATUS_INVALID_RECORD,
      STATUS_UNSUPPORTED_COMPRESSION_TYPE, STATUS_UNKNOWN_SERVER_ERROR, STATUS_INVALID_REQUEST}},
    {FAULT_SEQUENCE_LIES, true, {STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, STATUS_UNKNOWN_PRODUCER_ID}},
    {FAULT_UNCLEAN,
     true,
     {STATUS_OUT_OF_ORDER_SEQUENCE_NUMBER, STATUS_UNKNOWN_PRODUCER_ID, STATUS_ACKNOWLEDGED_DATA_LOST,
      STATUS_UNKNOWN_TOPIC_OR_PARTITION}}, /* of one that was away when the topic was made */
    {FAULT_FENCING, true, {STATUS_INVALID_PRODUCER_EPOCH, STATUS_PRODUCER_FENCED}},
    {FAULT_BAD_RECORDS, true, {STATUS_INVALID_RECORD}},
    {FAULT_SMALL_MESSAGES, true, {STATUS_MESSAGE_TOO_LARGE}},
    {FAULT_METADATA_ERRORS,
     false,
     {STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_UNKNOWN_SERVER_ERROR, STATUS_TOPIC_AUTHORIZATION_FAILED,
      STATUS_INVALID_TOPIC_EXCEPTION, STATUS_LEADER_NOT_AVAILABLE}},
    {FAULT_RECREATED_TOPICS,
     false,
     {STATUS_TOPIC_RECREATED, STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_UNKNOWN_TOPIC_ID,
      STATUS_PARTITION_OUT_OF_RANGE}},
    {FAULT_LATE_TOPIC, false, {STATUS_UNKNOWN_TOPIC_OR_PARTITION}},
    /* A broker that learns late of a topic, and is paused or cut off, may not know it for as long as records
       wait. */
    {FAULT_STALE_METADATA, false, {STATUS_UNKNOWN_TOPIC_OR_PARTITION}},
    {FAULT_ISOLATION, false, {STATUS_UNKNOWN_TOPIC_OR_PARTITION}},
    {FAULT_WRONG_PARTITIONS, false, {STATUS_PARTITION_OUT_OF_RANGE}},
    {FAULT_EARLY_CLOSE, false, {STATUS_ABORTED}},
    {FAULT_SHORT_TIMEOUTS, true, {STATUS_DELIVERY_TIMED_OUT}},
    {FAULT_LONG_SILENCES, true, {STATUS_DELIVERY_TIMED_OUT, STATUS_UNKNOWN_PRODUCER_ID}},
    {FAULT_WALL_CLOCK_STEPS, true, {STATUS_UNKNOWN_PRODUCER_ID}},
    {FAULT_WEAK_ACKS, false, {STATUS_NO_ACKNOWLEDGEMENT, STATUS_DISCONNECTED}},
    {FAULT_FEW_RETRIES,
     true,
     {STATUS_CORRUPT_MESSAGE, STATUS_UNKNOWN_TOPIC_OR_PARTITION, STATUS_LEADER_NOT_AVAILABLE,
      STATUS_NOT_LEADER_OR_FOLLOWER, STATUS_REQUEST_TIMED_OUT, STATUS_REPLICA_NOT_AVAILABLE,
      STATUS_NOT_ENOUGH_REPLICAS, STATUS_NOT_ENOUGH_REPLICAS_AFTER_APPEND, STATUS_KAFKA_STORAGE_ERROR,
      STATUS_FENCED_LEADER_EPOCH, STATUS_UNKNOWN_TOPIC_ID, STATUS_THROTTLING_QUOTA_EXCEEDED,
      STATUS_CONCURRENT_TRANSACTIONS, STATUS_DISCONNECTED, STATUS_REQUEST_TIMED_OUT_LOCALLY,
      STATUS_MALFORMED_RESPONSE}},
};

static bool excuses_status(const struct excuse *excuse, int32_t status);

fault_set excuse_faults(void) {
  fault_set faults = 0;
  for (size_t i = 0; i < sizeof excuses / sizeof excuses[0]; i++)
    faults |= fault_bit(excuses[i].fault);
  return faults;
}

bool excuse_is_given(fault_set faults, int32_t status, bool is_walk) {
  for (size_t i = 0; i < sizeof excuses / sizeof excuses[0]; i++) {
    const struct excuse *excuse = &excuses[i];
    if (!fault_is_in(faults, excuse->fault)) continue;
    if ((is_walk && excuse->for_walks) || excuses_status(excuse, status)) return true;
  }
  return false;
}

static bool excuses_status(const struct excuse *excuse, int32_t status) {
  for (size_t i = 0; i < STATUSES_MAX && excuse->statuses[i] != 0; i++)
    if (excuse->statuses[i] == status) return true;
  return false;
}
