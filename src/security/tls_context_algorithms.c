#include "base/allocator.h"
#include "base/status.h"
#include "security/tls_parts.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 128, LIST_BYTES = 4096 };

/* A list of names with ':' between them, as OpenSSL takes it. */
struct name_list {
  char text[LIST_BYTES];
  size_t size;
  uint32_t count;
};

/* What ssl.cipher.suites asks for. */
struct suites {
  struct name_list for_1_2, for_1_3;
  bool has_keyword; /* "HIGH", "!aNULL" and their like, which are about TLS 1.2 alone */
};

static int32_t set_default_ciphers(const struct tls_load *load);
static bool is_worth_offering(const SSL_CIPHER *cipher);
static int32_t set_ciphers(const struct tls_load *load);
static int32_t sort_suites(const struct tls_load *load, struct suites *suites);
static int32_t sort_suite(const struct tls_load *load, const char *name, struct suites *suites);
static int32_t narrow_versions(const struct tls_load *load, const struct suites *suites);
static int32_t set_list(const struct tls_load *load, const char *setting, const char *value,
                        int (*set)(SSL_CTX *ssl, char *list));
static const char *next_name(const char *at, char name[NAME_BYTES]);
static bool append(struct name_list *list, const char *name);
static int set_groups(SSL_CTX *ssl, char *list);
static int set_signature_algorithms(SSL_CTX *ssl, char *list);

int32_t tls_algorithms_load(const struct tls_load *load) {
  const struct tls_settings *settings = load->settings;
  static const int NUMBERS[] = {[TLS_VERSION_1_2] = TLS1_2_VERSION, [TLS_VERSION_1_3] = TLS1_3_VERSION};
  if (settings->minimum_version > settings->maximum_version)
    return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: the lowest version is above the highest",
                         TLS_SETTING_PROTOCOLS);
  if (SSL_CTX_set_min_proto_version(load->ssl, NUMBERS[settings->minimum_version]) != 1 ||
      SSL_CTX_set_max_proto_version(load->ssl, NUMBERS[settings->maximum_version]) != 1)
    return tls_load_fail(load, STATUS_INVALID_SETTING,
                         "%s: this build of OpenSSL does not speak that version", TLS_SETTING_PROTOCOLS);
  int32_t status = settings->cipher_suites == NULL ? set_default_ciphers(load) : set_ciphers(load);
  if (status == STATUS_OK) status = set_list(load, TLS_SETTING_CURVES, settings->curves, set_groups);
  if (status == STATUS_OK)
    status = set_list(load, TLS_SETTING_SIGNATURE_ALGORITHMS, settings->signature_algorithms,
                      set_signature_algorithms);
  return status;
}

/* ---- ciphers that nobody chose ---- */

/* Of what OpenSSL and the system's policy offer: those with forward secrecy, and AES-128-GCM before
 * AES-256-GCM, which costs a third more and protects against nobody in reach. */
static int32_t set_default_ciphers(const struct tls_load *load) {
  static const char *const FIRST[] = {"TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256",
                                      "ECDHE-RSA-AES128-GCM-SHA256"};
  enum { FIRST_COUNT = sizeof FIRST / sizeof FIRST[0] };
  const STACK_OF(SSL_CIPHER) *offered = SSL_CTX_get_ciphers(load->ssl);
  struct suites suites = {.has_keyword = false};
  bool fits = true;
  for (int pass = 0; pass <= FIRST_COUNT; pass++)
    for (int i = 0; i < sk_SSL_CIPHER_num(offered); i++) {
      const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(offered, i);
      const char *name = SSL_CIPHER_get_name(cipher);
      int rank = 0;
      while (rank < FIRST_COUNT && strcmp(FIRST[rank], name) != 0)
        rank++;
      if (rank != pass || !is_worth_offering(cipher)) continue;
      bool is_1_3 = SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any;
      fits = fits && append(is_1_3 ? &suites.for_1_3 : &suites.for_1_2, name);
    }
  if (!fits || (suites.for_1_2.count == 0 && suites.for_1_3.count == 0))
    return tls_load_fail(load, STATUS_INVALID_SETTING,
                         "OpenSSL's configuration leaves no cipher with forward secrecy; set %s",
                         TLS_SETTING_CIPHER_SUITES);
  if (suites.for_1_2.count > 0) SSL_CTX_set_cipher_list(load->ssl, suites.for_1_2.text);
  SSL_CTX_set_ciphersuites(load->ssl, suites.for_1_3.text);
  return narrow_versions(load, &suites);
}

static bool is_worth_offering(const SSL_CIPHER *cipher) {
  int exchange = SSL_CIPHER_get_kx_nid(cipher), authentication = SSL_CIPHER_get_auth_nid(cipher);
  if (exchange == NID_kx_any) return true; /* TLS 1.3 */
  return (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe) &&
         (authentication == NID_auth_rsa || authentication == NID_auth_ecdsa);
}

/* ---- ciphers of the user's ---- */

static int32_t set_ciphers(const struct tls_load *load) {
  struct suites suites = {.has_keyword = false};
  int32_t status = sort_suites(load, &suites);
  if (status != STATUS_OK) return status;
  if (suites.for_1_2.count > 0 && SSL_CTX_set_cipher_list(load->ssl, suites.for_1_2.text) != 1)
    return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: \"%s\" leaves no cipher of TLS 1.2",
                         TLS_SETTING_CIPHER_SUITES, suites.for_1_2.text);
  if (suites.for_1_3.count > 0) SSL_CTX_set_ciphersuites(load->ssl, suites.for_1_3.text);
  return suites.has_keyword ? STATUS_OK : narrow_versions(load, &suites);
}

static int32_t sort_suites(const struct tls_load *load, struct suites *suites) {
  char name[NAME_BYTES];
  for (const char *at = load->settings->cipher_suites; (at = next_name(at, name)) != NULL;) {
    int32_t status = sort_suite(load, name, suites);
    if (status != STATUS_OK) return status;
  }
  if (suites->for_1_2.count > 0 || suites->for_1_3.count > 0) return STATUS_OK;
  return tls_load_fail(load, STATUS_INVALID_SETTING, "%s names no cipher", TLS_SETTING_CIPHER_SUITES);
}

/* Asks OpenSSL for each name on its own, since in a list it passes over what it does not know. */
static int32_t sort_suite(const struct tls_load *load, const char *name, struct suites *suites) {
  if (strchr(name, '@') != NULL && strcmp(name, "@STRENGTH") != 0)
    return tls_load_fail(load, STATUS_INVALID_SETTING,
                         "%s: \"%s\" cannot be set; weak keys and signatures are always refused",
                         TLS_SETTING_CIPHER_SUITES, name);
  const char *known = OPENSSL_cipher_name(name); /* IANA's name */
  bool is_from_iana = known != NULL && strcmp(known, "(NONE)") != 0;
  struct name_list *list = &suites->for_1_2;
  if (strncmp(is_from_iana ? known : name, "TLS_", 4) == 0) {
    list = &suites->for_1_3;
    if (SSL_CTX_set_ciphersuites(load->ssl, name) != 1) is_from_iana = false, list = NULL;
  } else if (strchr("!-+@", name[0]) != NULL) {
    suites->has_keyword = true;
  } else if (SSL_CTX_set_cipher_list(load->ssl, is_from_iana ? known : name) != 1) {
    list = NULL;
  } else if (!is_from_iana) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(load->ssl);
    int last = sk_SSL_CIPHER_num(ciphers) - 1;
    if (last < 0 || strcmp(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, last)), name) != 0)
      suites->has_keyword = true;
  }
  if (list != NULL && append(list, is_from_iana ? known : name)) return STATUS_OK;
  return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: OpenSSL %s does not know \"%s\"",
                       TLS_SETTING_CIPHER_SUITES, OpenSSL_version(OPENSSL_VERSION_STRING), name);
}

/* A list without a cipher of a version is a list that does not want that version. */
static int32_t narrow_versions(const struct tls_load *load, const struct suites *suites) {
  const struct tls_settings *settings = load->settings;
  bool wants_1_2 = settings->minimum_version == TLS_VERSION_1_2 && suites->for_1_2.count > 0;
  bool wants_1_3 = settings->maximum_version == TLS_VERSION_1_3 && suites->for_1_3.count > 0;
  if (!wants_1_2 && !wants_1_3)
    return tls_load_fail(load, STATUS_INVALID_SETTING, "%s has no cipher for the versions of %s",
                         TLS_SETTING_CIPHER_SUITES, TLS_SETTING_PROTOCOLS);
  if (!wants_1_2) SSL_CTX_set_min_proto_version(load->ssl, TLS1_3_VERSION);
  if (!wants_1_3) SSL_CTX_set_max_proto_version(load->ssl, TLS1_2_VERSION);
  return STATUS_OK;
}

/* ---- lists ---- */

static int32_t set_list(const struct tls_load *load, const char *setting, const char *value,
                        int (*set)(SSL_CTX *ssl, char *list)) {
  if (value == NULL) return STATUS_OK;
  struct name_list list = {.size = 0};
  char name[NAME_BYTES];
  for (const char *at = value; (at = next_name(at, name)) != NULL;)
    if (set(load->ssl, name) != 1 || !append(&list, name))
      return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: OpenSSL %s does not know \"%s\"", setting,
                           OpenSSL_version(OPENSSL_VERSION_STRING), name);
  if (list.count == 0) return tls_load_fail(load, STATUS_INVALID_SETTING, "%s is empty", setting);
  if (set(load->ssl, list.text) == 1) return STATUS_OK;
  return tls_load_fail(load, STATUS_INVALID_SETTING, "%s: OpenSSL does not take \"%s\"", setting, list.text);
}

/* The next of the names that ',' or ':' and blanks separate, cut to what fits; NULL at the end. */
static const char *next_name(const char *at, char name[NAME_BYTES]) {
  static const char SEPARATORS[] = ",: \t\r\n";
  at += strspn(at, SEPARATORS);
  if (*at == '\0') return NULL;
  size_t size = strcspn(at, SEPARATORS);
  snprintf(name, NAME_BYTES, "%.*s", (int)(size < NAME_BYTES ? size : NAME_BYTES), at);
  return at + size;
}

static bool append(struct name_list *list, const char *name) {
  size_t size = strlen(name);
  if (list->size + size + 2 > sizeof list->text) return false;
  if (list->count++ > 0) list->text[list->size++] = ':';
  memcpy(list->text + list->size, name, size + 1);
  list->size += size;
  return true;
}

static int set_groups(SSL_CTX *ssl, char *list) {
  return (int)SSL_CTX_set1_groups_list(ssl, list);
}

static int set_signature_algorithms(SSL_CTX *ssl, char *list) {
  return (int)SSL_CTX_set1_sigalgs_list(ssl, list);
}
