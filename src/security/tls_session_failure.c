#include "base/status.h"
#include "security/tls_parts.h"
#include "security/tls_session_parts.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Why sessions fail, in words that say what to change. Names come from the peer: what is not printable
 * ASCII in them is replaced. */

enum { DATE_BYTES = 32, NAMES_BYTES = 256, ALERT_OFFSET = 1000 /* SSL_AD_REASON_OFFSET */ };

static const char TRUSTED[] = TLS_SETTING_TRUST_LOCATION;

static const char *name_of(const X509_NAME *name, char text[TLS_NAME_BYTES]);
static const char *subject_of(const X509 *certificate, char text[TLS_NAME_BYTES]);
static const char *issuer_of(const X509 *certificate, char text[TLS_NAME_BYTES]);
static const char *date_of(const ASN1_TIME *time, char text[DATE_BYTES]);
static void refuse_issuer(struct tls_session *session, X509_STORE_CTX *verification, const X509 *certificate);
static void refuse_name(struct tls_session *session, const X509 *certificate);
static void refuse_by_revocation(struct tls_session *session, X509_STORE_CTX *verification, int error,
                                 X509 *certificate);
static void refuse_weakness(struct tls_session *session, int error, const X509 *certificate);
static const char *names_in(const X509 *certificate, char text[NAMES_BYTES]);
static void append(char *text, size_t size, const char *separator, const char *kind, struct bytes value);
static void clean(char *text);
static bool is_plaintext(const struct tls_session *session);
static void fail_by_plaintext(struct tls_session *session);
static void fail_by_alert(struct tls_session *session, int alert);
static const char *text_of_alert(const struct tls_session *session, int alert);
static void fail_by_reason(struct tls_session *session, unsigned long code);
static const char *version_that_was_chosen(const struct tls_session *session);

void tls_session_fail(struct tls_session *session, int32_t status, const char *format, ...) {
  if (session->status != STATUS_OK) return;
  session->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(session->reason, sizeof session->reason, format, arguments);
  va_end(arguments);
  clean(session->reason);
}

/* ---- certificates that we refuse ---- */

#define REFUSE(session, ...) tls_session_fail(session, STATUS_CERTIFICATE_REFUSED, __VA_ARGS__)

void tls_session_refuse(struct tls_session *session, X509_STORE_CTX *verification) {
  int error = X509_STORE_CTX_get_error(verification);
  X509 *certificate = X509_STORE_CTX_get_current_cert(verification);
  if (certificate == NULL) certificate = X509_STORE_CTX_get0_cert(verification);
  char subject[TLS_NAME_BYTES], date[DATE_BYTES];
  subject_of(certificate, subject);
  switch (error) {
  case X509_V_ERR_CERT_SIGNATURE_FAILURE:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: refuse_issuer(session, verification, certificate); return;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    REFUSE(session, "the broker's certificate \"%s\" is self-signed and not trusted: it is not in %s",
           subject, TRUSTED);
    return;
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    REFUSE(session,
           "the broker's certificate is not trusted: its chain ends at the self-signed certificate \"%s\", "
           "which is "
           "not in %s",
           subject, TRUSTED);
    return;
  case X509_V_ERR_CERT_HAS_EXPIRED:
    REFUSE(session, "the certificate \"%s\" expired on %s", subject,
           date_of(X509_get0_notAfter(certificate), date));
    return;
  case X509_V_ERR_CERT_NOT_YET_VALID:
    REFUSE(session,
           "the certificate \"%s\" is not valid yet: it is from %s on (or is this machine's clock wrong?)",
           subject, date_of(X509_get0_notBefore(certificate), date));
    return;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: refuse_name(session, certificate); return;
  case X509_V_ERR_CERT_REVOKED:
  case X509_V_ERR_UNABLE_TO_GET_CRL:
  case X509_V_ERR_CRL_HAS_EXPIRED:
  case X509_V_ERR_CRL_NOT_YET_VALID: refuse_by_revocation(session, verification, error, certificate); return;
  case X509_V_ERR_EE_KEY_TOO_SMALL:
  case X509_V_ERR_CA_KEY_TOO_SMALL:
  case X509_V_ERR_CA_MD_TOO_WEAK: refuse_weakness(session, error, certificate); return;
  case X509_V_ERR_INVALID_PURPOSE:
    REFUSE(session,
           "the certificate \"%s\" is not made for TLS servers (wrong purpose: its extended key usage)",
           subject);
    return;
  case X509_V_ERR_INVALID_CA:
    REFUSE(session, "the certificate \"%s\" may not issue others: it is no authority's (wrong purpose)",
           subject);
    return;
  default:
    REFUSE(session, "the certificate \"%s\" does not pass: %s", subject,
           X509_verify_cert_error_string(error));
  }
}

/* certificate: the last one that could be found. */
static void refuse_issuer(struct tls_session *session, X509_STORE_CTX *verification,
                          const X509 *certificate) {
  char subject[TLS_NAME_BYTES], issuer[TLS_NAME_BYTES];
  subject_of(certificate, subject);
  issuer_of(certificate, issuer);
  STACK_OF(X509) *namesakes = X509_STORE_CTX_get1_certs(verification, X509_get_issuer_name(certificate));
  bool has_namesake = sk_X509_num(namesakes) > 0;
  sk_X509_pop_free(namesakes, X509_free);
  if (has_namesake)
    REFUSE(session,
           "the broker's certificate is not trusted: \"%s\" was issued by \"%s\", and the certificate of "
           "that name in "
           "%s has another key",
           subject, issuer, TRUSTED);
  else if (sk_X509_num(X509_STORE_CTX_get0_untrusted(verification)) <= 1)
    REFUSE(session,
           "the broker's certificate \"%s\" is not trusted: its issuer \"%s\" is not in %s, and the broker "
           "sent no "
           "further certificate (is its chain incomplete?)",
           subject, issuer, TRUSTED);
  else
    REFUSE(session,
           "the broker's certificate is not trusted: its chain ends with \"%s\", whose issuer \"%s\" is not "
           "in %s",
           subject, issuer, TRUSTED);
}

static void refuse_name(struct tls_session *session, const X509 *certificate) {
  char names[NAMES_BYTES] = "";
  names_in(certificate, names);
  REFUSE(session,
         "the broker's certificate is for another name: \"%s\" was expected, the certificate offers %s "
         "(ssl.endpoint.identification.algorithm)",
         session->host, names);
}

static void refuse_by_revocation(struct tls_session *session, X509_STORE_CTX *verification, int error,
                                 X509 *certificate) {
  char subject[TLS_NAME_BYTES], issuer[TLS_NAME_BYTES], date[DATE_BYTES];
  /* No list is the current one any more when the verification has ended. */
  STACK_OF(X509_CRL) *lists = X509_STORE_CTX_get1_crls(verification, X509_get_issuer_name(certificate));
  X509_CRL *list = lists == NULL ? NULL : sk_X509_CRL_value(lists, 0);
  X509_REVOKED *entry = NULL;
  subject_of(certificate, subject);
  issuer_of(certificate, issuer);
  if (error == X509_V_ERR_CERT_REVOKED) {
    bool has_date = list != NULL && X509_CRL_get0_by_cert(list, &entry, certificate) > 0;
    REFUSE(session, "the certificate \"%s\" was revoked%s%s by \"%s\"", subject, has_date ? " on " : "",
           has_date ? date_of(X509_REVOKED_get0_revocationDate(entry), date) : "", issuer);
  } else if (error == X509_V_ERR_UNABLE_TO_GET_CRL || list == NULL) {
    REFUSE(session,
           "whether \"%s\" was revoked cannot be told: %s has no certificate revocation list (CRL) of \"%s\"",
           subject, TLS_SETTING_CRL_LOCATION, issuer);
  } else if (error == X509_V_ERR_CRL_HAS_EXPIRED) {
    REFUSE(session, "the certificate revocation list (CRL) of \"%s\" in %s expired on %s", issuer,
           TLS_SETTING_CRL_LOCATION, date_of(X509_CRL_get0_nextUpdate(list), date));
  } else {
    REFUSE(session,
           "the certificate revocation list (CRL) of \"%s\" in %s is not valid yet: it is from %s on", issuer,
           TLS_SETTING_CRL_LOCATION, date_of(X509_CRL_get0_lastUpdate(list), date));
  }
  sk_X509_CRL_pop_free(lists, X509_CRL_free);
}

static void refuse_weakness(struct tls_session *session, int error, const X509 *certificate) {
  char subject[TLS_NAME_BYTES];
  const EVP_PKEY *key = X509_get0_pubkey(certificate);
  subject_of(certificate, subject);
  if (error == X509_V_ERR_CA_MD_TOO_WEAK)
    REFUSE(session, "the certificate \"%s\" is signed with a weak digest (%s)", subject,
           OBJ_nid2ln(X509_get_signature_nid(certificate)));
  else
    REFUSE(session, "the key of the certificate \"%s\" is too weak (%s, %d bits)", subject,
           key == NULL ? "unknown" : EVP_PKEY_get0_type_name(key), key == NULL ? 0 : EVP_PKEY_get_bits(key));
}

/* ---- texts of certificates ---- */

static const char *name_of(const X509_NAME *name, char text[TLS_NAME_BYTES]) {
  BIO *bio = BIO_new(BIO_s_mem());
  const char *data = NULL;
  text[0] = '\0';
  if (bio == NULL) return text;
  if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
    long size = BIO_get_mem_data(bio, &data);
    snprintf(text, TLS_NAME_BYTES, "%.*s", (int)size, data == NULL ? "" : data);
  }
  BIO_free(bio);
  return text;
}

static const char *subject_of(const X509 *certificate, char text[TLS_NAME_BYTES]) {
  return name_of(X509_get_subject_name(certificate), text);
}

static const char *issuer_of(const X509 *certificate, char text[TLS_NAME_BYTES]) {
  return name_of(X509_get_issuer_name(certificate), text);
}

static const char *date_of(const ASN1_TIME *time, char text[DATE_BYTES]) {
  struct tm fields;
  if (time == NULL || ASN1_TIME_to_tm(time, &fields) != 1)
    snprintf(text, DATE_BYTES, "an unknown date");
  else
    snprintf(text, DATE_BYTES, "%04u-%02u-%02u %02u:%02u:%02u UTC", (unsigned)(fields.tm_year + 1900) % 10000,
             (unsigned)(fields.tm_mon + 1) % 100, (unsigned)fields.tm_mday % 100,
             (unsigned)fields.tm_hour % 100, (unsigned)fields.tm_min % 100, (unsigned)fields.tm_sec % 100);
  return text;
}

/* Alternative names, or the subject if there are none. */
static const char *names_in(const X509 *certificate, char text[NAMES_BYTES]) {
  GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  text[0] = '\0';
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
    if (kind != GEN_DNS && kind != GEN_IPADD) continue;
    struct bytes bytes = bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    char address[INET6_ADDRSTRLEN] = "";
    if (kind == GEN_IPADD && bytes.size == 4) inet_ntop(AF_INET, bytes.data, address, sizeof address);
    if (kind == GEN_IPADD && bytes.size == 16) inet_ntop(AF_INET6, bytes.data, address, sizeof address);
    if (kind == GEN_IPADD) bytes = bytes_of_string(address);
    append(text, NAMES_BYTES, text[0] == '\0' ? "" : ", ", kind == GEN_DNS ? "DNS:" : "IP:", bytes);
  }
  GENERAL_NAMES_free(names);
  if (text[0] != '\0') return text;
  char subject[TLS_NAME_BYTES];
  subject_of(certificate, subject);
  snprintf(text, NAMES_BYTES, "no DNS name or IP address, its subject is \"%s\"", subject);
  return text;
}

static void append(char *text, size_t size, const char *separator, const char *kind, struct bytes value) {
  size_t used = strlen(text);
  snprintf(text + used, size - used, "%s%s%.*s", separator, kind, (int)value.size, (const char *)value.data);
  if (strlen(text) == size - 1) memcpy(text + size - 4, "...", 4);
}

static void clean(char *text) {
  for (char *at = text; *at != '\0'; at++)
    if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f) *at = '?';
}

/* ---- what is not about a certificate ---- */

void tls_session_fail_by_end(struct tls_session *session) {
  if (session->is_handshake_done)
    tls_session_fail(session, STATUS_DISCONNECTED, "the broker closed the connection within a TLS record");
  else if (session->first_count == 0)
    tls_session_fail(
        session, STATUS_TLS_HANDSHAKE_FAILED,
        "the broker closed the connection instead of answering the TLS handshake: the port may speak "
        "plaintext Kafka, not TLS (see security.protocol)");
  else if (is_plaintext(session))
    fail_by_plaintext(session);
  else
    tls_session_fail(
        session, STATUS_TLS_HANDSHAKE_FAILED, "the broker closed the connection during the TLS handshake%s",
        session->was_asked_for_certificate ? "; it wants a client certificate (ssl.keystore.*)" : "");
}

void tls_session_fail_by_openssl(struct tls_session *session) {
  unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (session->status != STATUS_OK) return; /* a callback knows more */
  int reason = ERR_GET_REASON(code);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= ALERT_OFFSET)
    fail_by_alert(session, reason - ALERT_OFFSET);
  else if (is_plaintext(session))
    fail_by_plaintext(session);
  else
    fail_by_reason(session, code);
}

/* No record of TLS begins like this (RFC 8446, 5.1). */
static bool is_plaintext(const struct tls_session *session) {
  const uint8_t *first = session->first;
  if (session->first_count == 0) return false;
  return first[0] < SSL3_RT_CHANGE_CIPHER_SPEC || first[0] > SSL3_RT_APPLICATION_DATA ||
         (session->first_count > 1 && first[1] != SSL3_VERSION_MAJOR);
}

static void fail_by_plaintext(struct tls_session *session) {
  bool is_http = session->first_count >= 5 && memcmp(session->first, "HTTP/", 5) == 0;
  tls_session_fail(session, STATUS_TLS_HANDSHAKE_FAILED,
                   "the port speaks %s, not TLS (see security.protocol)", is_http ? "HTTP" : "plaintext");
}

/* A broker that knows TLS 1.3 tells only after the handshake what it thinks of our certificate. */
static void fail_by_alert(struct tls_session *session, int alert) {
  /* OpenSSL 3.0 has no name for this one. */
  const char *name =
      alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required" : SSL_alert_desc_string_long(alert);
  tls_session_fail(session, STATUS_TLS_HANDSHAKE_FAILED, "%s (the broker's TLS alert: %s)",
                   text_of_alert(session, alert), name);
}

static const char *text_of_alert(const struct tls_session *session, int alert) {
  bool wants_certificate = session->was_asked_for_certificate;
  switch (alert) {
  case SSL_AD_HANDSHAKE_FAILURE:
    return wants_certificate ? "the broker wants a client certificate (ssl.keystore.*)"
                             : "the broker shares no cipher suite, curve or signature algorithm with us "
                               "(ssl.cipher.suites, ssl.curves.list, ssl.sigalgs.list)";
  case SSL_AD_BAD_CERTIFICATE:
    return wants_certificate ? "the broker wants a client certificate (ssl.keystore.*)"
                             : "the broker refuses our certificate (ssl.keystore.*)";
  case SSL_AD_CERTIFICATE_REQUIRED: return "the broker wants a client certificate (ssl.keystore.*)";
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
    return "the broker does not support our kind of certificate (ssl.keystore.*)";
  case SSL_AD_CERTIFICATE_REVOKED: return "the broker says that our certificate was revoked (ssl.keystore.*)";
  case SSL_AD_CERTIFICATE_EXPIRED: return "the broker says that our certificate has expired (ssl.keystore.*)";
  case SSL_AD_CERTIFICATE_UNKNOWN:
    return wants_certificate ? "the broker wants a client certificate (ssl.keystore.*)"
                             : "the broker does not accept our certificate (ssl.keystore.*)";
  case SSL_AD_UNKNOWN_CA: return "the broker does not trust the issuer of our certificate (ssl.keystore.*)";
  case SSL_AD_ACCESS_DENIED: return "the broker denies access to our certificate (ssl.keystore.*)";
  case SSL_AD_DECRYPT_ERROR: return "the broker could not check our signature or key";
  case SSL_AD_PROTOCOL_VERSION: return "the broker speaks none of our TLS versions (ssl.enabled.protocols)";
  case SSL_AD_INSUFFICIENT_SECURITY: return "the broker wants stronger cipher suites (ssl.cipher.suites)";
  case SSL_AD_UNRECOGNIZED_NAME: return "the broker does not know the host name that it was asked for";
  case SSL_AD_INTERNAL_ERROR: return "the broker failed inside of its TLS";
  default: return "the broker ended TLS";
  }
}

static void fail_by_reason(struct tls_session *session, unsigned long code) {
  int32_t status = session->is_handshake_done ? STATUS_MALFORMED_RESPONSE : STATUS_TLS_HANDSHAKE_FAILED;
  const char *text = ERR_reason_error_string(code);
  if (text == NULL) text = "memory is missing";
  switch (ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0) {
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_WRONG_SSL_VERSION:
  case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
    tls_session_fail(session, status,
                     "the broker shares no TLS version with us: it chose %s (ssl.enabled.protocols)",
                     version_that_was_chosen(session));
    return;
  case SSL_R_NO_CIPHERS_AVAILABLE:
  case SSL_R_UNKNOWN_CIPHER_RETURNED:
  case SSL_R_WRONG_CIPHER_RETURNED:
    tls_session_fail(session, status, "the broker shares no cipher suite with us (ssl.cipher.suites): %s",
                     text);
    return;
  case SSL_R_DH_KEY_TOO_SMALL:
    tls_session_fail(session, status, "the broker's Diffie-Hellman group is too weak: %s", text);
    return;
  case SSL_R_WRONG_SIGNATURE_TYPE:
  case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
  case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    tls_session_fail(session, status,
                     "the broker shares no signature algorithm with us (ssl.sigalgs.list): %s", text);
    return;
  case SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED:
    tls_session_fail(session, status,
                     "the broker's TLS lacks secure renegotiation (RFC 5746) and is not safe");
    return;
  case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    tls_session_fail(session, status, "a TLS record of the broker was changed on its way: %s", text);
    return;
  default: tls_session_fail(session, status, "TLS with the broker failed: %s", text);
  }
}

/* legacy_version of a ServerHello (RFC 8446, 4.1.3): record header of 5 bytes, type, 3 bytes of size,
 * version. */
static const char *version_that_was_chosen(const struct tls_session *session) {
  enum { VERSION_AT = 9 };
  if (session->first_count < VERSION_AT + 2 || session->first[0] != SSL3_RT_HANDSHAKE) return "another";
  switch (bytes_load_u16(session->first + VERSION_AT)) {
  case SSL3_VERSION: return "SSL 3.0";
  case TLS1_VERSION: return "TLS 1.0";
  case TLS1_1_VERSION: return "TLS 1.1";
  case TLS1_2_VERSION: return "TLS 1.2";
  default: return "another";
  }
}
