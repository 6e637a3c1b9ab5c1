#include "security/tls_key.h"

#include "base/secret.h"
#include "base/status.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdio.h>

enum { RSA_NUMBERS = 8, EC_PRIVATE_KEY_VERSION = 1, PUBLIC_KEY_TAG = 1, CURVE_TAG = 0 };

/* DER that is left to be read. is_wrong: it was not what it should have been. */
struct der_cursor {
  struct bytes left;
  bool is_wrong;
};

static int32_t make_rsa(struct bytes der, EVP_PKEY **key);
static int32_t make_ec(struct bytes der, int curve, EVP_PKEY **key);
static int32_t make(const char *type, OSSL_PARAM *parameters, EVP_PKEY **key);
static int32_t use(EVP_PKEY *made, EVP_PKEY **key);
static struct bytes take(struct der_cursor *cursor, int tag, int class);
static struct bytes take_number(struct der_cursor *cursor);
static struct secret *native_numbers(const struct bytes *numbers, size_t count);
static void copy_native(const struct bytes *number, uint8_t *to);
static int curve_of(struct bytes oid);

int32_t tls_key_of_info(const PKCS8_PRIV_KEY_INFO *info, EVP_PKEY **key) {
  const ASN1_OBJECT *kind = NULL, *curve = NULL;
  const unsigned char *data = NULL;
  const X509_ALGOR *algorithm = NULL;
  int size = 0, curve_type = V_ASN1_UNDEF;
  const void *curve_value = NULL;
  int32_t status = STATUS_INVALID_SETTING;
  if (PKCS8_pkey_get0(&kind, &data, &size, &algorithm, info) != 1) return status;
  X509_ALGOR_get0(NULL, &curve_type, &curve_value, algorithm);
  if (curve_type == V_ASN1_OBJECT) curve = curve_value;
  if (OBJ_obj2nid(kind) == NID_rsaEncryption) status = make_rsa(bytes_of(data, (size_t)size), key);
  if (OBJ_obj2nid(kind) == NID_X9_62_id_ecPublicKey && curve != NULL)
    status = make_ec(bytes_of(data, (size_t)size), OBJ_obj2nid(curve), key);
  return status != STATUS_INVALID_SETTING ? status : use(EVP_PKCS82PKEY(info), key);
}

int32_t tls_key_of_der(struct bytes der, EVP_PKEY **key) {
  const uint8_t *at = der.data;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.size);
  if (info != NULL) {
    int32_t status = tls_key_of_info(info, key);
    PKCS8_PRIV_KEY_INFO_free(info);
    return status;
  }
  int32_t status = make_rsa(der, key);
  if (status == STATUS_INVALID_SETTING) status = make_ec(der, NID_undef, key);
  at = der.data;
  return status != STATUS_INVALID_SETTING ? status : use(d2i_AutoPrivateKey(NULL, &at, (long)der.size), key);
}

/* ---- kinds ---- */

/* SEQUENCE { version 0, modulus, public exponent, private exponent, two primes, two exponents, coefficient }
 */
static int32_t make_rsa(struct bytes der, EVP_PKEY **key) {
  static const char *const NAMES[RSA_NUMBERS] = {
      OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
      OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
      OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
  struct der_cursor outer = {.left = der};
  struct der_cursor cursor = {.left = take(&outer, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL)};
  struct bytes version = take_number(&cursor), numbers[RSA_NUMBERS];
  for (size_t i = 0; i < RSA_NUMBERS; i++)
    numbers[i] = take_number(&cursor);
  if (outer.is_wrong || cursor.is_wrong || version.size != 1 || version.data[0] != 0)
    return STATUS_INVALID_SETTING;
  struct secret *native = native_numbers(numbers, RSA_NUMBERS);
  if (native == NULL) return STATUS_OUT_OF_MEMORY;
  OSSL_PARAM parameters[RSA_NUMBERS + 1];
  uint8_t *at = secret_data(native);
  for (size_t i = 0; i < RSA_NUMBERS; i++) {
    parameters[i] = OSSL_PARAM_construct_BN(NAMES[i], at, numbers[i].size);
    at += numbers[i].size;
  }
  parameters[RSA_NUMBERS] = OSSL_PARAM_construct_end();
  int32_t status = make("RSA", parameters, key);
  secret_destroy(native);
  return status;
}

/* SEQUENCE { version 1, OCTET STRING private key, [0] curve OPTIONAL, [1] BIT STRING public key OPTIONAL } */
static int32_t make_ec(struct bytes der, int curve, EVP_PKEY **key) {
  struct der_cursor outer = {.left = der};
  struct der_cursor cursor = {.left = take(&outer, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL)};
  struct bytes version = take_number(&cursor);
  struct bytes number = take(&cursor, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL);
  if (outer.is_wrong || cursor.is_wrong || number.size == 0 || version.size != 1 ||
      version.data[0] != EC_PRIVATE_KEY_VERSION)
    return STATUS_INVALID_SETTING;
  struct der_cursor before_curve = cursor;
  struct der_cursor inner = {.left = take(&cursor, CURVE_TAG, V_ASN1_CONTEXT_SPECIFIC)};
  if (cursor.is_wrong)
    cursor = before_curve;
  else if (curve == NID_undef)
    curve = curve_of(inner.left);
  inner = (struct der_cursor){.left = take(&cursor, PUBLIC_KEY_TAG, V_ASN1_CONTEXT_SPECIFIC)};
  struct bytes point = take(&inner, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
  if (curve == NID_undef || cursor.is_wrong || inner.is_wrong || point.size < 2 || point.data[0] != 0)
    return STATUS_INVALID_SETTING;
  struct secret *native = native_numbers(&number, 1);
  struct secret *public_key =
      secret_create(bytes_of(point.data + 1, point.size - 1)); /* parameters are not const */
  char name[64];
  snprintf(name, sizeof name, "%s", OBJ_nid2sn(curve));
  int32_t status = STATUS_OUT_OF_MEMORY;
  if (native != NULL && public_key != NULL) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, secret_data(native), number.size),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, secret_data(public_key), point.size - 1),
        OSSL_PARAM_construct_end()};
    status = make("EC", parameters, key);
  }
  secret_destroy(native);
  secret_destroy(public_key);
  return status;
}

static int32_t make(const char *type, OSSL_PARAM *parameters, EVP_PKEY **key) {
  EVP_PKEY *made = NULL;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
  bool done = context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
              EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, parameters) == 1;
  EVP_PKEY_CTX_free(context);
  return use(done ? made : NULL, key);
}

static int32_t use(EVP_PKEY *made, EVP_PKEY **key) {
  if (made == NULL) return STATUS_INVALID_SETTING;
  *key = made;
  return STATUS_OK;
}

/* ---- DER ---- */

/* The content of an element of that tag, over which the cursor moves. */
static struct bytes take(struct der_cursor *cursor, int tag, int class) {
  const unsigned char *at = cursor->left.data;
  long size = 0;
  int found_tag = -1, found_class = -1;
  if (cursor->is_wrong || cursor->left.size == 0) {
    cursor->is_wrong = true;
    return bytes_of(NULL, 0);
  }
  /* 0x80: an error; 0x01: of indefinite length, which DER has not. */
  int flags = ASN1_get_object(&at, &size, &found_tag, &found_class, (long)cursor->left.size);
  if ((flags & 0x81) != 0 || found_tag != tag || found_class != class) {
    cursor->is_wrong = true;
    return bytes_of(NULL, 0);
  }
  const uint8_t *end = cursor->left.data + cursor->left.size;
  cursor->left = bytes_of(at + size, (size_t)(end - (at + size)));
  return bytes_of(at, (size_t)size);
}

/* A number that is not negative, without the zero in front that keeps it so. */
static struct bytes take_number(struct der_cursor *cursor) {
  struct bytes number = take(cursor, V_ASN1_INTEGER, V_ASN1_UNIVERSAL);
  if (number.size == 0 || number.data[0] >= 0x80) cursor->is_wrong = true;
  if (number.size > 1 && number.data[0] == 0) number = bytes_of(number.data + 1, number.size - 1);
  return number;
}

/* One behind the other, in the machine's order of bytes, as OSSL_PARAM has numbers. NULL if memory is
 * missing. */
static struct secret *native_numbers(const struct bytes *numbers, size_t count) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++)
    size += numbers[i].size;
  struct secret *native = secret_allocate(size);
  uint8_t *at = native == NULL ? NULL : secret_data(native);
  for (size_t i = 0; i < count && native != NULL; i++) {
    copy_native(&numbers[i], at);
    at += numbers[i].size;
  }
  return native;
}

static void copy_native(const struct bytes *number, uint8_t *to) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  memcpy(to, number->data, number->size);
#else
  for (size_t i = 0; i < number->size; i++)
    to[i] = number->data[number->size - 1 - i];
#endif
}

static int curve_of(struct bytes oid) {
  const uint8_t *at = oid.data;
  ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.size);
  int nid = object == NULL ? NID_undef : OBJ_obj2nid(object);
  ASN1_OBJECT_free(object);
  return nid;
}
