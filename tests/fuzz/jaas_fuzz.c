/* Texts of sasl.jaas.config through its reader. What was read is written in the plainest form, and has to be
 * read as the same. */
#include "security/jaas.h"

#include "base/assertion.h"
#include "base/status.h"
#include "security/sasl_text.h"
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct secret *write_plainly(const struct jaas *jaas);
static void check_same(const struct jaas *jaas, const struct jaas *again);
static int32_t parse(struct secret *text, struct jaas **jaas);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct jaas *jaas = NULL, *again = NULL;
  if (parse(secret_create(bytes_of(data, size)), &jaas) == STATUS_OK) {
    ASSERT(parse(write_plainly(jaas), &again) == STATUS_OK);
    check_same(jaas, again);
  }
  jaas_destroy(jaas);
  jaas_destroy(again);
  return 0;
}

static int32_t parse(struct secret *text, struct jaas **jaas) {
  char error[512] = "";
  ASSERT(text != NULL);
  int32_t status = jaas_parse(text, jaas, error, sizeof error);
  secret_destroy(text);
  ASSERT(status == STATUS_OK || status == STATUS_INVALID_SETTING);
  ASSERT((status == STATUS_OK) == (error[0] == '\0'));
  ASSERT((status == STATUS_OK) == (*jaas != NULL));
  for (const char *at = error; *at != '\0'; at++)
    ASSERT((unsigned char)*at >= 0x20);
  return status;
}

static uint8_t *append(uint8_t *to, struct bytes text, bool is_escaped) {
  for (size_t i = 0; i < text.size; i++) {
    if (is_escaped && strchr("\\\"\r\n", text.data[i]) != NULL) *to++ = '\\';
    uint8_t c = text.data[i];
    *to++ = is_escaped && c == '\n' ? 'n' : is_escaped && c == '\r' ? 'r' : c;
  }
  return to;
}

static struct secret *write_plainly(const struct jaas *jaas) {
  static const char *const packages[JAAS_MODULE_COUNT] = {
      [JAAS_PLAIN] = "org.apache.kafka.common.security.plain",
      [JAAS_SCRAM] = "org.apache.kafka.common.security.scram",
      [JAAS_OAUTHBEARER] = "org.apache.kafka.common.security.oauthbearer",
      [JAAS_KERBEROS] = "com.sun.security.auth.module",
      [JAAS_AWS_MSK_IAM] = "software.amazon.msk.auth.iam",
  };
  char head[160];
  (void)snprintf(head, sizeof head, "%s.%s required", packages[jaas_module(jaas)],
                 jaas_module_name(jaas_module(jaas)));
  size_t size = strlen(head) + 1;
  for (uint32_t i = 0; i < jaas_option_count(jaas); i++)
    size += 2 * (strlen(jaas_option_at(jaas, i).name) + secret_bytes(jaas_option_at(jaas, i).value).size) + 6;
  struct secret *buffer = secret_allocate(size);
  ASSERT(buffer != NULL);
  uint8_t *to = append(secret_data(buffer), bytes_of_string(head), false);
  for (uint32_t i = 0; i < jaas_option_count(jaas); i++) {
    struct jaas_option option = jaas_option_at(jaas, i);
    to = append(to, bytes_of_string(" \""), false);
    to = append(to, bytes_of_string(option.name), true);
    to = append(to, bytes_of_string("\"=\""), false);
    to = append(to, secret_bytes(option.value), true);
    to = append(to, bytes_of_string("\""), false);
  }
  to = append(to, bytes_of_string(";"), false);
  struct secret *text = secret_create(bytes_of(secret_data(buffer), (size_t)(to - secret_data(buffer))));
  secret_destroy(buffer);
  return text;
}

static void check_same(const struct jaas *jaas, const struct jaas *again) {
  ASSERT(jaas_module(jaas) == jaas_module(again));
  ASSERT(jaas_option_count(jaas) == jaas_option_count(again));
  for (uint32_t i = 0; i < jaas_option_count(jaas); i++) {
    struct jaas_option one = jaas_option_at(jaas, i), other = jaas_option_at(again, i);
    ASSERT(strcmp(one.name, other.name) == 0);
    ASSERT(bytes_equal(secret_bytes(one.value), secret_bytes(other.value)));
    ASSERT(jaas_option(jaas, one.name) == one.value);
    ASSERT(sasl_text_is_utf8(secret_bytes(one.value)));
  }
}
