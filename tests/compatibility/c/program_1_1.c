/* program_1_1 BOOTSTRAP TOPIC SETTINGS: a program that needs what came with release 1.1. */
#include <sendoff/sendoff.h>

#include "guarded.h"
#include <stdint.h>

static sendoff_producer *create(const char *bootstrap);
static uint64_t staged_bytes(sendoff_producer *producer);

int main(int argc, char **argv) {
  begin(argc, argv);
  EXPECT(argc == 4);
  EXPECT(sendoff_features() != NULL && strchr(sendoff_features(), ' ') == NULL);
  const sendoff_record record = {
      .size = sizeof record, .topic = argv[2], .value = "staged", .value_bytes = 6};
  /* Without a broker nobody knows the topic's partitions. */
  sendoff_producer *lonely = create("127.0.0.1:1"), *connected = create(argv[1]);
  EXPECT_OK(sendoff_send(lonely, &record));
  EXPECT(staged_bytes(lonely) > 0);
  EXPECT_STATUS(sendoff_close(lonely, 0), SENDOFF_TIMED_OUT);
  EXPECT_OK(sendoff_send(connected, &record));
  EXPECT_OK(sendoff_flush(connected, PATIENCE_MS, NULL));
  EXPECT(staged_bytes(connected) == 0);
  EXPECT_OK(sendoff_close(connected, PATIENCE_MS));
  sendoff_destroy(lonely);
  sendoff_destroy(connected);
  (void)puts("featured and staged");
  return 0;
}

static sendoff_producer *create(const char *bootstrap) {
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  char error[256] = "";
  EXPECT_OK(sendoff_config_create(&config));
  EXPECT_OK(sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error));
  EXPECT_OK(sendoff_create(config, NULL, &producer, error, sizeof error));
  sendoff_config_destroy(config);
  return producer;
}

static uint64_t staged_bytes(sendoff_producer *producer) {
  GUARDED(sendoff_counters) counters;
  GUARDED_BEGIN(counters);
  EXPECT_OK(sendoff_get_counters(producer, &counters.is));
  EXPECT_GUARDED(counters);
  return counters.is.buffer_bytes_staged;
}
