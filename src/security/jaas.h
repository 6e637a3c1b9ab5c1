/* What sasl.jaas.config says, as Java users write it:
 *
 *   org.apache.kafka.common.security.plain.PlainLoginModule required username="x" password="y";
 *
 * One entry: the class of a login module, a control flag, options, a semicolon. Words and quoted texts are
 * read as Kafka's JaasConfig has Java's StreamTokenizer read them. Options that a module does not have, or
 * that ask for what is not done here, are refused with the reason: nothing is read and then ignored. One
 * thread. */
#ifndef SECURITY_JAAS_H
#define SECURITY_JAAS_H

#include "base/secret.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum jaas_module {
  JAAS_PLAIN,       /* PlainLoginModule: username, password */
  JAAS_SCRAM,       /* ScramLoginModule: username, password, tokenauth */
  JAAS_OAUTHBEARER, /* OAuthBearerLoginModule: clientId, clientSecret, scope, extension_*, unsecuredLogin* */
  JAAS_KERBEROS,    /* Krb5LoginModule: principal, keyTab, useKeyTab, useTicketCache, serviceName */
  JAAS_AWS_MSK_IAM, /* IAMLoginModule: none, the credentials are settings of their own */
  JAAS_MODULE_COUNT
};

/* Borrowed from the jaas. Values are secrets, all of them: which of them is a password is not known here. */
struct jaas_option {
  const char *name;
  const struct secret *value;
};

struct jaas;

/* Statuses: OK, INVALID_SETTING (error says what is wrong, never an option's value), OUT_OF_MEMORY. */
int32_t jaas_parse(const struct secret *text, struct jaas **jaas, char *error, size_t error_size);
/* Wipes. NULL is allowed. */
void jaas_destroy(struct jaas *jaas);

enum jaas_module jaas_module(const struct jaas *jaas);
/* The class without its package: "PlainLoginModule". Static memory. */
const char *jaas_module_name(enum jaas_module module);

/* NULL: not given. Names' case counts. */
const struct secret *jaas_option(const struct jaas *jaas, const char *name);
/* Java's Boolean: "true" in any case is true, all else and what is not given is false. */
bool jaas_flag(const struct jaas *jaas, const char *name);
/* All options in the order of the text, for those whose names have a prefix. */
uint32_t jaas_option_count(const struct jaas *jaas);
struct jaas_option jaas_option_at(const struct jaas *jaas, uint32_t index);

#endif
