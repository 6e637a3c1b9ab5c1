/* sender BOOTSTRAP TOPIC: sends each line of standard input and waits until it is delivered; says "sent LINE"
 * then, and ends when the input does. */
#include <sendoff/sendoff.h>
#include <stdio.h>
#include <string.h>

static int32_t open_producer(const char *bootstrap, sendoff_producer **producer) {
  sendoff_config *config = NULL;
  char error[256] = "";
  int32_t status = sendoff_config_create(&config);
  if (status == SENDOFF_OK)
    status = sendoff_config_set(config, "bootstrap.servers", bootstrap, error, sizeof error);
  if (status == SENDOFF_OK)
    status = sendoff_config_set(config, "compression.type", "zstd", error, sizeof error);
  if (status == SENDOFF_OK) status = sendoff_create(config, NULL, producer, error, sizeof error);
  if (status != SENDOFF_OK) (void)fprintf(stderr, "%s %s\n", sendoff_status_name(status), error);
  sendoff_config_destroy(config);
  return status;
}

int main(int argc, char **argv) {
  sendoff_producer *producer = NULL;
  char line[256];
  if (argc != 3 || open_producer(argv[1], &producer) != SENDOFF_OK) return 2;
  int32_t status = SENDOFF_OK;
  while (status == SENDOFF_OK && fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    sendoff_record record = {
        .size = sizeof record, .topic = argv[2], .value = line, .value_bytes = strlen(line)};
    sendoff_report report;
    status = sendoff_send_sync(producer, &record, 30000, &report);
    if (status == SENDOFF_OK) (void)printf("sent %s\n", line);
    (void)fflush(stdout);
  }
  if (status == SENDOFF_OK) status = sendoff_close(producer, 30000);
  sendoff_destroy(producer);
  if (status != SENDOFF_OK) (void)fprintf(stderr, "%s\n", sendoff_status_name(status));
  return status == SENDOFF_OK ? 0 : 1;
}
