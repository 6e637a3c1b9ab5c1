#include "broker/broker_faults.h"
#include "base/allocator.h"
#include "base/status.h"
#include "protocol/api.h"

struct fault_entry {
  struct list link;
  struct broker_fault fault; /* fault.topic is topic */
  char *topic;               /* owned */
};

static bool fault_matches(const struct broker_fault *fault, int16_t api_key, struct bytes topic,
                          int32_t partition);
static void entry_destroy(struct fault_entry *entry);

void broker_faults_init(struct broker_faults *faults) {
  list_init(&faults->entries);
}

void broker_faults_clear(struct broker_faults *faults) {
  while (!list_is_empty(&faults->entries))
    entry_destroy(LIST_ENTRY(faults->entries.next, struct fault_entry, link));
}

int32_t broker_faults_add(struct broker_faults *faults, const struct broker_fault *fault) {
  struct fault_entry *entry = allocator_allocate_zeroed(1, sizeof *entry);
  if (entry == NULL) return STATUS_OUT_OF_MEMORY;
  entry->fault = *fault;
  if (fault->count == 0) entry->fault.count = 1;
  if (fault->topic != NULL) {
    entry->topic = allocator_copy_string(fault->topic);
    entry->fault.topic = entry->topic;
    if (entry->topic == NULL) {
      allocator_free(entry);
      return STATUS_OUT_OF_MEMORY;
    }
  }
  list_append(&faults->entries, &entry->link);
  return STATUS_OK;
}

bool broker_faults_any(const struct broker_faults *faults, int16_t api_key) {
  for (struct list *node = faults->entries.next; node != &faults->entries; node = node->next) {
    if (LIST_ENTRY(node, struct fault_entry, link)->fault.api_key == api_key) return true;
  }
  return false;
}

bool broker_faults_take(struct broker_faults *faults, bool drops_request, int16_t api_key, struct bytes topic,
                        int32_t partition, struct broker_fault *hit) {
  for (struct list *node = faults->entries.next; node != &faults->entries; node = node->next) {
    struct fault_entry *entry = LIST_ENTRY(node, struct fault_entry, link);
    if (entry->fault.drop_request != drops_request) continue;
    if (!fault_matches(&entry->fault, api_key, topic, partition)) continue;
    if (entry->fault.skip > 0) {
      entry->fault.skip--;
      continue;
    }
    *hit = entry->fault;
    hit->topic = NULL;
    if (entry->fault.count != UINT32_MAX && --entry->fault.count == 0) entry_destroy(entry);
    return true;
  }
  return false;
}

static bool fault_matches(const struct broker_fault *fault, int16_t api_key, struct bytes topic,
                          int32_t partition) {
  if (fault->api_key != api_key) return false;
  if (fault->topic != NULL && (topic.data == NULL || !bytes_equal(bytes_of_string(fault->topic), topic)))
    return false;
  /* Metadata asks for the request, then for each topic, then for its partitions: each is hit only by name. */
  if (api_key == API_METADATA)
    return fault->partition == partition && (fault->topic == NULL) == (topic.data == NULL);
  return fault->partition == -1 || fault->partition == partition;
}

static void entry_destroy(struct fault_entry *entry) {
  list_remove(&entry->link);
  allocator_free(entry->topic);
  allocator_free(entry);
}
