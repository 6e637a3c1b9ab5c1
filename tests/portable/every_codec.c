/* every_codec BOOTSTRAP TOPIC: sends one record with each codec and waits for its report. Silent if all is
 * well. */
#include <sendoff/sendoff.h>
#include <stdio.h>
#include <string.h>

static int32_t deliver(const char *bootstrap, const char *topic, const char *codec, char *error,
                       size_t size) {
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  char text[400];
  (void)snprintf(text, sizeof text, "%s:%0300d", codec, 0);
  sendoff_record record = {.size = sizeof record, .topic = topic, .value = text, .value_bytes = strlen(text)};
  sendoff_report report;
  int32_t status = sendoff_config_create(&config);
  if (status == SENDOFF_OK) status = sendoff_config_set(config, "bootstrap.servers", bootstrap, error, size);
  if (status == SENDOFF_OK) status = sendoff_config_set(config, "compression.type", codec, error, size);
  if (status == SENDOFF_OK) status = sendoff_create(config, NULL, &producer, error, size);
  if (status == SENDOFF_OK) status = sendoff_send_sync(producer, &record, 30000, &report);
  if (status == SENDOFF_OK) status = sendoff_close(producer, 30000);
  sendoff_destroy(producer);
  sendoff_config_destroy(config);
  return status;
}

int main(int argc, char **argv) {
  static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
  char error[256] = "";
  if (argc != 3) return 2;
  for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
    int32_t status = deliver(argv[1], argv[2], codecs[i], error, sizeof error);
    if (status == SENDOFF_OK) continue;
    (void)fprintf(stderr, "%s: %s %s\n", codecs[i], sendoff_status_name(status), error);
    return 1;
  }
  return 0;
}
