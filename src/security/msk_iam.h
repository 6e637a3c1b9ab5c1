/* The one message of AWS_MSK_IAM: a request to the service "kafka-cluster", signed ahead of time by AWS's
 * Signature Version 4 in its query, sent as JSON in the form "2020_10_22" of Amazon's aws-msk-iam-auth. Any
 * thread. */
#ifndef SECURITY_MSK_IAM_H
#define SECURITY_MSK_IAM_H

#include "base/secret.h"
#include <stddef.h>
#include <stdint.h>

#define MSK_IAM_VERSION "2020_10_22"

enum { MSK_IAM_REGION_BYTES = 64, MSK_IAM_EXPIRES_SECONDS = 900 };

/* All borrowed for the call. Texts have been checked: msk_iam_text_is_valid. */
struct msk_iam_request {
  const char *access_key_id;
  struct bytes secret_access_key;
  struct bytes session_token; /* the null view: there is none */
  const char *region;
  const char *host; /* the broker's, as connected to, without port */
  const char *user_agent;
  int64_t now_ms; /* Unix time */
};

/* Printable ASCII without what JSON would want escaped. */
bool msk_iam_text_is_valid(struct bytes text);

/* As in "us-east-1": letters, digits and '-'. */
bool msk_iam_region_is_valid(const char *region);

/* "us-east-1" of "b-1.name.abc.c2.kafka.us-east-1.amazonaws.com". False: the host is not named like that. */
bool msk_iam_region_of(const char *host, char region[static MSK_IAM_REGION_BYTES]);

/* Statuses: OK, OUT_OF_MEMORY, LOGIN_FAILED (SHA-256 is not to be had). */
int32_t msk_iam_sign(const struct msk_iam_request *request, struct secret **message);

#endif
