#include "support/tls_certificates.h"

#include "base/assertion.h"
#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 24 * 3600, LAST_DAY = 30 };

static void *checked(void *made) {
  ASSERT(made != NULL);
  return made;
}

static void check(bool done) {
  ASSERT(done);
}

static int day_of(int day, int usual, bool is_usual) {
  return is_usual ? usual : day;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = checked(X509V3_EXT_conf_nid(NULL, &context, nid, value));
  check(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

static void set_name(X509_NAME *name, const char *text) {
  check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1);
}

static EVP_PKEY *make_key(const struct tls_recipe *recipe) {
  if (recipe->key != NULL) {
    EVP_PKEY_up_ref(recipe->key);
    return recipe->key;
  }
  if (recipe->rsa_bits > 0) return checked(EVP_RSA_gen(recipe->rsa_bits));
  return checked(EVP_EC_gen("P-256"));
}

struct tls_certificate tls_certificate_make(const struct tls_recipe *recipe) {
  static long serial = 1000;
  struct tls_certificate made = {.certificate = checked(X509_new()), .key = make_key(recipe)};
  const struct tls_certificate *issuer = recipe->issuer == NULL ? &made : recipe->issuer;
  X509 *certificate = made.certificate;
  bool is_usual = recipe->first_day == 0 && recipe->last_day == 0;
  check(X509_set_version(certificate, X509_VERSION_3) == 1);
  check(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial) == 1);
  set_name(X509_get_subject_name(certificate), recipe->name);
  check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer->certificate)) == 1);
  checked(X509_gmtime_adj(X509_getm_notBefore(certificate), day_of(recipe->first_day, -1, is_usual) * DAY_S));
  checked(
      X509_gmtime_adj(X509_getm_notAfter(certificate), day_of(recipe->last_day, LAST_DAY, is_usual) * DAY_S));
  check(X509_set_pubkey(certificate, made.key) == 1);
  add_extension(certificate, issuer->certificate, NID_basic_constraints,
                recipe->is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (recipe->is_authority)
    add_extension(certificate, issuer->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  if (!recipe->has_no_identifiers)
    add_extension(certificate, issuer->certificate, NID_subject_key_identifier, "hash");
  if (!recipe->has_no_identifiers && recipe->issuer != NULL)
    add_extension(certificate, issuer->certificate, NID_authority_key_identifier, "keyid");
  if (recipe->alternative_names != NULL)
    add_extension(certificate, issuer->certificate, NID_subject_alt_name, recipe->alternative_names);
  if (recipe->extended_usage != NULL)
    add_extension(certificate, issuer->certificate, NID_ext_key_usage, recipe->extended_usage);
  check(X509_sign(certificate, issuer->key, recipe->digest == NULL ? EVP_sha256() : recipe->digest) > 0);
  return made;
}

void tls_certificate_free(struct tls_certificate *certificate) {
  X509_free(certificate->certificate);
  EVP_PKEY_free(certificate->key);
  *certificate = (struct tls_certificate){.key = NULL};
}

/* ---- texts ---- */

static char *text_of(BIO *bio) {
  char *data = NULL;
  long size = BIO_get_mem_data(bio, &data);
  char *text = checked(malloc((size_t)size + 1));
  memcpy(text, data, (size_t)size);
  text[size] = '\0';
  BIO_free(bio);
  return text;
}

char *tls_certificate_text(const X509 *certificate) {
  BIO *bio = checked(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(bio, certificate) == 1);
  return text_of(bio);
}

char *tls_key_text(EVP_PKEY *key, const char *password) {
  BIO *bio = checked(BIO_new(BIO_s_mem()));
  const EVP_CIPHER *cipher = password == NULL ? NULL : EVP_aes_256_cbc();
  int size = password == NULL ? 0 : (int)strlen(password);
  check(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, password, size, NULL, NULL) == 1);
  return text_of(bio);
}

char *tls_old_key_text(EVP_PKEY *key, const char *password) {
  BIO *bio = checked(BIO_new(BIO_s_mem()));
  unsigned char bytes[64];
  size_t size = password == NULL ? 0 : strlen(password);
  ASSERT(size <= sizeof bytes);
  if (size > 0) memcpy(bytes, password, size);
  const EVP_CIPHER *cipher = password == NULL ? NULL : EVP_aes_128_cbc();
  check(PEM_write_bio_PrivateKey_traditional(bio, key, cipher, bytes, (int)size, NULL, NULL) == 1);
  return text_of(bio);
}

char *tls_revocations_text(const X509_CRL *revocations) {
  BIO *bio = checked(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509_CRL(bio, revocations) == 1);
  return text_of(bio);
}

char *tls_text_join(char *first, char *second) {
  size_t first_size = strlen(first), second_size = strlen(second);
  char *joined = checked(malloc(first_size + second_size + 1));
  memcpy(joined, first, first_size);
  memcpy(joined + first_size, second, second_size + 1);
  free(first);
  free(second);
  return joined;
}

/* ---- stores and lists ---- */

X509_CRL *tls_revocations_make(const struct tls_certificate *issuer, const X509 *revoked, int first_day,
                               int last_day) {
  X509_CRL *made = checked(X509_CRL_new());
  bool is_usual = first_day == 0 && last_day == 0;
  ASN1_TIME *first = checked(X509_gmtime_adj(NULL, day_of(first_day, -1, is_usual) * DAY_S));
  ASN1_TIME *last = checked(X509_gmtime_adj(NULL, day_of(last_day, LAST_DAY, is_usual) * DAY_S));
  check(X509_CRL_set_version(made, 1) == 1);
  check(X509_CRL_set_issuer_name(made, X509_get_subject_name(issuer->certificate)) == 1);
  check(X509_CRL_set1_lastUpdate(made, first) == 1 && X509_CRL_set1_nextUpdate(made, last) == 1);
  if (revoked != NULL) {
    X509_REVOKED *entry = checked(X509_REVOKED_new());
    ASN1_INTEGER *serial = checked(ASN1_INTEGER_dup(X509_get0_serialNumber(revoked)));
    check(X509_REVOKED_set_serialNumber(entry, serial) == 1);
    check(X509_REVOKED_set_revocationDate(entry, first) == 1);
    check(X509_CRL_add0_revoked(made, entry) == 1);
    ASN1_INTEGER_free(serial);
  }
  check(X509_CRL_sort(made) == 1 && X509_CRL_sign(made, issuer->key, EVP_sha256()) > 0);
  ASN1_TIME_free(first);
  ASN1_TIME_free(last);
  return made;
}

PKCS12 *tls_pkcs12_make(const struct tls_certificate *own, STACK_OF(X509) * others, const char *password,
                        int nid) {
  EVP_PKEY *key = own == NULL ? NULL : own->key;
  X509 *certificate = own == NULL ? NULL : own->certificate;
  int mac_iterations = password == NULL ? -1 : 0; /* -1: no MAC */
  return checked(PKCS12_create(password, "entry", key, certificate, others, nid, nid, 0, mac_iterations, 0));
}

/* ---- files ---- */

struct tls_folder tls_folder_make(void) {
  struct tls_folder made = {.path = "tls_test_XXXXXX"};
  ASSERT(mkdtemp(made.path) != NULL); /* where the test runs: its build folder */
  return made;
}

void tls_folder_remove(struct tls_folder *folder) {
  DIR *opened = checked(opendir(folder->path));
  const struct dirent *entry;
  while ((entry = readdir(opened)) != NULL)
    if (entry->d_type != DT_DIR) check(unlinkat(dirfd(opened), entry->d_name, 0) == 0);
  closedir(opened);
  check(rmdir(folder->path) == 0);
}

char *tls_folder_write(const struct tls_folder *folder, const char *name, const void *data, size_t size) {
  char *path = checked(malloc(strlen(folder->path) + strlen(name) + 2));
  snprintf(path, strlen(folder->path) + strlen(name) + 2, "%s/%s", folder->path, name);
  FILE *file = checked(fopen(path, "w"));
  check(size == 0 || fwrite(data, size, 1, file) == 1);
  check(fclose(file) == 0);
  return path;
}

char *tls_folder_write_text(const struct tls_folder *folder, const char *name, const char *text) {
  return tls_folder_write(folder, name, text, strlen(text));
}

char *tls_folder_write_pkcs12(const struct tls_folder *folder, const char *name, PKCS12 *store) {
  unsigned char *der = NULL;
  int size = i2d_PKCS12(store, &der);
  check(size > 0);
  char *path = tls_folder_write(folder, name, der, (size_t)size);
  OPENSSL_free(der);
  PKCS12_free(store);
  return path;
}
