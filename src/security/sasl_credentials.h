/* The credentials that connections log in with: immutable, counted, replaced as a whole when they change. Any
 * thread. */
#ifndef SECURITY_SASL_CREDENTIALS_H
#define SECURITY_SASL_CREDENTIALS_H

#include "security/sasl_settings.h"
#include <stddef.h>

struct sasl_credentials;

/* Copies, checks and prepares (the Kerberos library). Statuses: OK, INVALID_SETTING (error says which
 * setting), NOT_CONFIGURED (the Kerberos library cannot be loaded), OUT_OF_MEMORY. */
int32_t sasl_credentials_create(const struct sasl_settings *settings, struct sasl_credentials **credentials,
                                char *error, size_t error_size);
struct sasl_credentials *sasl_credentials_retain(struct sasl_credentials *credentials);
/* NULL is allowed. */
void sasl_credentials_release(struct sasl_credentials *credentials);

/* As it is called on the wire: "SCRAM-SHA-256". Static memory. */
const char *sasl_credentials_mechanism(const struct sasl_credentials *credentials);
const char *sasl_mechanism_name(enum sasl_mechanism_id mechanism);
/* False: there is no mechanism of that name here. Case counts, as in Kafka. */
bool sasl_mechanism_find(const char *name, enum sasl_mechanism_id *mechanism);

/* Whether steps of its exchanges can take long: a key derivation, a KDC, a token to wait for. */
bool sasl_credentials_may_block(const struct sasl_credentials *credentials);

#endif
