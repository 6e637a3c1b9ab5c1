/* every_codec BOOTSTRAP TOPIC [NAME=VALUE ...]: sends one record with each codec, and these settings, and
 * waits for its report. Silent if all is well. */
#include <sendoff/sendoff.h>
#include <stdio.h>
#include <string.h>

static int32_t set(sendoff_config *config, const char *setting, char *error, size_t size) {
  char name[64];
  size_t bytes = strcspn(setting, "=");
  (void)snprintf(name, sizeof name, "%.*s", (int)bytes, setting);
  return sendoff_config_set(config, name, setting + bytes + (setting[bytes] == '='), error, size);
}

static int32_t deliver(char **arguments, const char *codec, char *error, size_t size) {
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  char text[400];
  (void)snprintf(text, sizeof text, "%s:%0300d", codec, 0);
  sendoff_record record = {
      .size = sizeof record, .topic = arguments[2], .value = text, .value_bytes = strlen(text)};
  sendoff_report report;
  int32_t status = sendoff_config_create(&config);
  if (status == SENDOFF_OK)
    status = sendoff_config_set(config, "bootstrap.servers", arguments[1], error, size);
  if (status == SENDOFF_OK) status = sendoff_config_set(config, "compression.type", codec, error, size);
  for (char **setting = arguments + 3; status == SENDOFF_OK && *setting != NULL; setting++)
    status = set(config, *setting, error, size);
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
  if (argc < 3) return 2;
  for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
    int32_t status = deliver(argv, codecs[i], error, sizeof error);
    if (status == SENDOFF_OK) continue;
    (void)fprintf(stderr, "%s: %s %s\n", codecs[i], sendoff_status_name(status), error);
    return 1;
  }
  return 0;
}
