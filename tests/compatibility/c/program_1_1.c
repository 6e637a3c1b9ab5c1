/* program_1_1 BOOTSTRAP TOPIC SETTINGS: a program that needs what came with release 1.1. */
#include <sendoff/sendoff.h>

#include "guarded.h"
#include <stdint.h>

static char wanting[1];

static sendoff_producer *create(const char *bootstrap);
static void give_tokens(const char *bootstrap);
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
  give_tokens(argv[1]);
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

static void on_token_wanted(void *user) {
  EXPECT(user == wanting);
}

/* Nobody lets it in: the broker knows no login. */
static void give_tokens(const char *bootstrap) {
  static const char *const settings[][2] = {{"security.protocol", "SASL_PLAINTEXT"},
                                            {"sasl.mechanism", "OAUTHBEARER"},
                                            {"allow.cleartext.credentials", "true"}};
  const sendoff_callbacks callbacks = {
      .size = sizeof callbacks, .user = wanting, .on_token_wanted = on_token_wanted};
  const sendoff_token_extension extension = {"pool", "one"};
  const sendoff_token token = {.size = sizeof token,
                               .extension_count = 1,
                               .value = "a.b.c",
                               .principal = "me",
                               .expires_ms = 4102444800000, /* 2100 */
                               .extensions = &extension};
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  char error[256] = "";
  EXPECT_OK(sendoff_config_create(&config));
  EXPECT_OK(sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    EXPECT_OK(sendoff_config_set(config, settings[i][0], settings[i][1], error, sizeof error));
  EXPECT_OK(sendoff_create(config, &callbacks, &producer, error, sizeof error));
  int32_t wanted = sendoff_wait_token_wanted(producer, 0);
  EXPECT(wanted == SENDOFF_OK || wanted == SENDOFF_TIMED_OUT);
  EXPECT_OK(sendoff_set_token(producer, &token, error, sizeof error));
  EXPECT_OK(sendoff_set_token_failure(producer, "there is none"));
  EXPECT_OK(sendoff_reload_credentials(producer, config, error, sizeof error));
  EXPECT_OK(sendoff_reload_credentials(producer, NULL, error, sizeof error));
  EXPECT_OK(sendoff_close(producer, PATIENCE_MS));
  EXPECT_STATUS(sendoff_wait_token_wanted(producer, -1), SENDOFF_CLOSED);
  sendoff_config_destroy(config);
  sendoff_destroy(producer);
  (void)puts("credentials given");
}

static uint64_t staged_bytes(sendoff_producer *producer) {
  GUARDED(sendoff_counters) counters;
  GUARDED_BEGIN(counters);
  EXPECT_OK(sendoff_get_counters(producer, &counters.is));
  EXPECT_GUARDED(counters);
  return counters.is.buffer_bytes_staged;
}
