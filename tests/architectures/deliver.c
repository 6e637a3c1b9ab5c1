/* deliver BOOTSTRAP TOPIC: one record, whose delivery is awaited. Silent if all is well. */
#include <sendoff/sendoff.h>
#include <stdio.h>

int main(int argc, char **argv) {
  static const char text[] = "delivered";
  char error[256] = "";
  sendoff_config *config = NULL;
  sendoff_producer *producer = NULL;
  if (argc != 3) return 2;
  sendoff_record record = {
      .size = sizeof record, .topic = argv[2], .value = text, .value_bytes = sizeof text - 1};
  sendoff_report report;
  int32_t status = sendoff_config_create(&config);
  if (status == SENDOFF_OK)
    status = sendoff_config_set(config, "bootstrap.servers", argv[1], error, sizeof error);
  if (status == SENDOFF_OK) status = sendoff_create(config, NULL, &producer, error, sizeof error);
  if (status == SENDOFF_OK) status = sendoff_send_sync(producer, &record, 30000, &report);
  if (status == SENDOFF_OK) status = sendoff_close(producer, 30000);
  if (status != SENDOFF_OK) (void)fprintf(stderr, "%s %s\n", sendoff_status_name(status), error);
  sendoff_destroy(producer);
  sendoff_config_destroy(config);
  return status != SENDOFF_OK;
}
