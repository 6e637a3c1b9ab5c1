#include "security/sasl_credentials.h"

#include "base/allocator.h"
#include "base/assertion.h"
#include "base/status.h"
#include "security/sasl_mechanism.h"
#include "security/sasl_text.h"
#include <stdio.h>
#include <string.h>

static const struct sasl_mechanism *const mechanisms[SASL_MECHANISM_COUNT] = {
    [SASL_PLAIN] = &sasl_mechanism_plain,
    [SASL_SCRAM_SHA_256] = &sasl_mechanism_scram_sha_256,
    [SASL_SCRAM_SHA_512] = &sasl_mechanism_scram_sha_512,
    [SASL_OAUTHBEARER] = &sasl_mechanism_oauthbearer,
    [SASL_GSSAPI] = &sasl_mechanism_gssapi,
    [SASL_AWS_MSK_IAM] = &sasl_mechanism_aws_msk_iam,
};

static bool copy_settings(struct sasl_credentials *credentials, const struct sasl_settings *settings);

int32_t sasl_credentials_create(const struct sasl_settings *settings, struct sasl_credentials **credentials,
                                char *error, size_t error_size) {
  ASSERT(settings->mechanism < SASL_MECHANISM_COUNT);
  const struct sasl_mechanism *mechanism = mechanisms[settings->mechanism];
  int32_t status = mechanism->check(settings, error, error_size);
  if (status != STATUS_OK) return status;
  struct sasl_credentials *created = allocator_allocate_zeroed(1, sizeof *created);
  if (created != NULL) {
    atomic_init(&created->references, 1);
    created->mechanism = mechanism;
    created->id = settings->mechanism;
  }
  status = created != NULL && copy_settings(created, settings) ? STATUS_OK : STATUS_OUT_OF_MEMORY;
  if (status == STATUS_OK && mechanism->prepare != NULL)
    status = mechanism->prepare(created, error, error_size);
  if (status == STATUS_OK) {
    *credentials = created;
  } else {
    if (status == STATUS_OUT_OF_MEMORY) (void)snprintf(error, error_size, "%s", status_text(status));
    sasl_credentials_release(created);
  }
  return status;
}

/* NULL stays NULL. False: memory is missing. */
static bool copy_text(const char *text, char **copy) {
  if (text == NULL) return true;
  *copy = allocator_copy_string(text);
  return *copy != NULL;
}

static bool copy_secret(const struct secret *secret, struct secret **copy) {
  if (secret == NULL) return true;
  *copy = secret_copy(secret);
  return *copy != NULL;
}

static bool copy_settings(struct sasl_credentials *credentials, const struct sasl_settings *settings) {
  credentials->delegation_token = settings->delegation_token;
  credentials->tokens = settings->tokens;
  return copy_text(settings->username, &credentials->username) &&
         copy_text(settings->authorization_id, &credentials->authorization_id) &&
         copy_secret(settings->password, &credentials->password) &&
         copy_secret(settings->aws_session_token, &credentials->session_token) &&
         copy_text(settings->kerberos_service, &credentials->kerberos_service) &&
         copy_text(settings->kerberos_principal, &credentials->kerberos_principal) &&
         copy_text(settings->kerberos_keytab, &credentials->kerberos_keytab) &&
         copy_text(settings->aws_region, &credentials->aws_region);
}

struct sasl_credentials *sasl_credentials_retain(struct sasl_credentials *credentials) {
  (void)atomic_fetch_add_explicit(&credentials->references, 1, memory_order_relaxed);
  return credentials;
}

void sasl_credentials_release(struct sasl_credentials *credentials) {
  if (credentials == NULL) return;
  if (atomic_fetch_sub_explicit(&credentials->references, 1, memory_order_acq_rel) > 1) return;
  if (credentials->prepared != NULL) credentials->mechanism->unprepare(credentials);
  secret_destroy(credentials->password);
  secret_destroy(credentials->session_token);
  allocator_free(credentials->username);
  allocator_free(credentials->authorization_id);
  allocator_free(credentials->kerberos_service);
  allocator_free(credentials->kerberos_principal);
  allocator_free(credentials->kerberos_keytab);
  allocator_free(credentials->aws_region);
  allocator_free(credentials);
}

const char *sasl_credentials_mechanism(const struct sasl_credentials *credentials) {
  return credentials->mechanism->name;
}

const char *sasl_mechanism_name(enum sasl_mechanism_id mechanism) {
  ASSERT(mechanism < SASL_MECHANISM_COUNT);
  return mechanisms[mechanism]->name;
}

bool sasl_mechanism_find(const char *name, enum sasl_mechanism_id *mechanism) {
  for (int id = 0; id < SASL_MECHANISM_COUNT; id++) {
    if (strcmp(mechanisms[id]->name, name) != 0) continue;
    *mechanism = (enum sasl_mechanism_id)id;
    return true;
  }
  return false;
}

bool sasl_credentials_may_block(const struct sasl_credentials *credentials) {
  return credentials->mechanism->may_block;
}

/* What is wrong with the bytes, or NULL. */
static const char *fault_of(struct bytes text) {
  if (text.data == NULL) return "is missing";
  if (text.size == 0) return "is empty";
  if (memchr(text.data, '\0', text.size) != NULL) return "has a zero byte";
  return sasl_text_is_utf8(text) ? NULL : "is not UTF-8";
}

static bool check(struct bytes text, const char *setting, char *error, size_t error_size) {
  const char *fault = fault_of(text);
  if (fault != NULL) (void)snprintf(error, error_size, "%s %s", setting, fault);
  return fault == NULL;
}

bool sasl_mechanism_check_text(const char *text, const char *setting, char *error, size_t error_size) {
  return check(bytes_of_string(text), setting, error, error_size);
}

bool sasl_mechanism_check_secret(const struct secret *secret, const char *setting, char *error,
                                 size_t error_size) {
  return check(secret_bytes(secret), setting, error, error_size);
}
