#include "security/jaas_modules.h"

#include "base/assertion.h"
#include "base/status.h"
#include "security/sasl_text.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* An option that a module has in Java. A name with '*' at its end stands for all that begin like it. */
struct option {
  const char *name;
  const char *refusal; /* why it cannot be had here; NULL: it can */
  bool only_default;   /* the refusal holds for "true" alone: false is what is done here anyway */
};

#define OF_BROKERS "is one of brokers' own configuration"
#define FROM_SETTINGS                                                                                        \
  "is not supported: the credentials are taken from sasl.aws.access.key.id, sasl.aws.secret.access.key and " \
  "sasl.aws.session.token"

static const struct option plain_options[] = {
    {"username", NULL, false},     {"password", NULL, false}, {"serviceName", NULL, false},
    {"user_*", OF_BROKERS, false}, {NULL, NULL, false},
};
static const struct option scram_options[] = {
    {"username", NULL, false},    {"password", NULL, false},     {"tokenauth", NULL, false},
    {"serviceName", NULL, false}, {"user_*", OF_BROKERS, false}, {NULL, NULL, false},
};
static const struct option oauthbearer_options[] = {
    {"clientId", NULL, false},
    {"clientSecret", NULL, false},
    {"scope", NULL, false},
    {"extension_*", NULL, false},
    {"unsecuredLoginStringClaim_*", NULL, false},
    {"unsecuredLoginNumberClaim_*", NULL, false},
    {"unsecuredLoginListClaim_*", NULL, false},
    {"unsecuredLoginExtension_*", NULL, false},
    {"unsecuredLoginPrincipalClaimName", NULL, false},
    {"unsecuredLoginLifetimeSeconds", NULL, false},
    {"unsecuredLoginScopeClaimName", NULL, false},
    {"serviceName", NULL, false},
    {"unsecuredValidator*", OF_BROKERS, false},
    {"oauth.*",
     "belongs to a callback handler of Strimzi's: clientId, clientSecret, scope and "
     "sasl.oauthbearer.token.endpoint.url say the same",
     false},
    {NULL, NULL, false},
};
static const struct option kerberos_options[] = {
    {"principal", NULL, false},
    {"keyTab", NULL, false},
    {"useKeyTab", NULL, false},
    {"useTicketCache", NULL, false},
    {"serviceName", NULL, false},
    {"storeKey", NULL, false},
    {"doNotPrompt", NULL, false},
    {"isInitiator", NULL, false},
    {"refreshKrb5Config", NULL, false},
    {"renewTGT", NULL, false},
    {"debug", "is not supported: the environment variable KRB5_TRACE names a file for what Kerberos does",
     true},
    {"ticketCache", "is not supported: the environment variable KRB5CCNAME names the ticket cache", false},
    {"useFirstPass", "is not supported: a login takes a keytab or a ticket cache, not a password", true},
    {"tryFirstPass", "is not supported: a login takes a keytab or a ticket cache, not a password", true},
    {"storePass", "is not supported: a login takes a keytab or a ticket cache, not a password", true},
    {"clearPass", "is not supported: a login takes a keytab or a ticket cache, not a password", true},
    {NULL, NULL, false},
};
static const struct option aws_options[] = {
    {"awsProfileName", FROM_SETTINGS, false},
    {"awsRoleArn", FROM_SETTINGS "; a role's can be got by \"aws sts assume-role\"", false},
    {"awsRoleSessionName", FROM_SETTINGS, false},
    {"awsRoleExternalId", FROM_SETTINGS, false},
    {"awsRoleAccessKeyId", FROM_SETTINGS, false},
    {"awsRoleSecretAccessKey", FROM_SETTINGS, false},
    {"awsRoleSessionToken", FROM_SETTINGS, false},
    {"awsStsRegion", FROM_SETTINGS, false},
    {"awsMaxRetries", FROM_SETTINGS ", where nothing is to be retried", false},
    {"awsMaxBackOffTimeMs", FROM_SETTINGS ", where nothing is to be retried", false},
    {"awsDebugCreds", "is not supported: whose credentials these are is not logged", true},
    {NULL, NULL, false},
};

/* A login module. */
static const struct module {
  const char *package, *name;
  const struct option *options;
} modules[JAAS_MODULE_COUNT] = {
    [JAAS_PLAIN] = {"org.apache.kafka.common.security.plain", "PlainLoginModule", plain_options},
    [JAAS_SCRAM] = {"org.apache.kafka.common.security.scram", "ScramLoginModule", scram_options},
    [JAAS_OAUTHBEARER] = {"org.apache.kafka.common.security.oauthbearer", "OAuthBearerLoginModule",
                          oauthbearer_options},
    [JAAS_KERBEROS] = {"com.sun.security.auth.module", "Krb5LoginModule", kerberos_options},
    [JAAS_AWS_MSK_IAM] = {"software.amazon.msk.auth.iam", "IAMLoginModule", aws_options},
};

const char *jaas_module_name(enum jaas_module module) {
  ASSERT(module < JAAS_MODULE_COUNT);
  return modules[module].name;
}

bool jaas_modules_find(struct bytes class_name, enum jaas_module *module) {
  for (int i = 0; i < JAAS_MODULE_COUNT; i++) {
    struct bytes package = bytes_of_string(modules[i].package), name = bytes_of_string(modules[i].name);
    if (class_name.size != package.size + 1 + name.size) continue;
    bool is_it = memcmp(class_name.data, package.data, package.size) == 0 &&
                 class_name.data[package.size] == '.' &&
                 memcmp(class_name.data + package.size + 1, name.data, name.size) == 0;
    if (!is_it) continue;
    *module = (enum jaas_module)i;
    return true;
  }
  return false;
}

static bool is_named(const struct option *option, const char *name) {
  size_t size = strlen(option->name);
  if (option->name[size - 1] != '*') return strcmp(option->name, name) == 0;
  return strncmp(option->name, name, size - 1) == 0 && strlen(name) >= size;
}

int32_t jaas_modules_check(enum jaas_module module, const char *name, struct bytes value, bool is_surely_name,
                           char *error, size_t error_size) {
  const char *module_name = jaas_module_name(module);
  for (const struct option *each = modules[module].options; each->name != NULL; each++) {
    if (!is_named(each, name)) continue;
    bool is_true = value.size == 4 && strncasecmp((const char *)value.data, "true", 4) == 0;
    if (each->refusal == NULL || (each->only_default && !is_true)) return STATUS_OK;
    (void)snprintf(error, error_size, "sasl.jaas.config: the option %s of %s %s", each->name, module_name,
                   each->refusal);
    return STATUS_INVALID_SETTING;
  }
  if (is_surely_name) {
    char shown[64];
    sasl_text_print(bytes_of_string(name), NULL, 0, shown, sizeof shown);
    (void)snprintf(error, error_size, "sasl.jaas.config: %s has no option \"%s\"", module_name, shown);
  } else {
    (void)snprintf(error, error_size,
                   "sasl.jaas.config: %s has no option of one of the names here, or a value is not quoted",
                   module_name);
  }
  return STATUS_INVALID_SETTING;
}
