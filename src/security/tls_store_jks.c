#include "base/status.h"
#include "security/tls_store_parts.h"
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <string.h>

/* Java's own kind of key store, as sun.security.provider.JavaKeyStore writes it; integers are big-endian:
 *   u32 magic 0xfeedfeed, u32 version (1 or 2), u32 count of entries, entries, 20 bytes of digest
 *   entry: u32 tag (1 key, 2 trusted certificate), name of the alias, u64 date, then
 *     key: u32 size, EncryptedPrivateKeyInfo; u32 count, certificates
 *     trusted certificate: certificate
 *   certificate: in version 2 name of the type ("X.509"); u32 size, DER
 *   name: u16 size, modified UTF-8
 * The digest is SHA-1 over the password in UTF-16BE, "Mighty Aphrodite" and all before it. */

enum { TAG_KEY = 1, TAG_CERTIFICATE = 2, DIGEST_BYTES = SHA_DIGEST_LENGTH, SALT_BYTES = DIGEST_BYTES };

static const char WHITENER[] = "Mighty Aphrodite";
/* 1.3.6.1.4.1.42.2.17.1.1: how such stores protect keys. */
static const char PROTECTOR_OID[] = "1.3.6.1.4.1.42.2.17.1.1";

/* What is left to be read. is_short: it ended before what it should have held. */
struct jks_cursor {
  struct bytes left;
  bool is_short;
};

static int32_t check_digest(const struct tls_store_reader *reader, struct bytes content);
static int32_t read_entry(const struct tls_store_reader *reader, struct jks_cursor *cursor, uint32_t version);
static int32_t read_certificate(const struct tls_store_reader *reader, struct jks_cursor *cursor,
                                uint32_t version);
static int32_t read_key(const struct tls_store_reader *reader, struct bytes encrypted);
static int32_t decrypt_key(const struct tls_store_reader *reader, struct bytes protected_key);
static bool unmask(struct bytes password, struct bytes protected_key, uint8_t *plain);
static struct secret *password_in_utf16(const struct secret *password);
static bool digest(const struct bytes *parts, size_t count, uint8_t to[DIGEST_BYTES]);
static struct bytes take(struct jks_cursor *cursor, size_t size);
static uint32_t take_u32(struct jks_cursor *cursor);
static void skip_name(struct jks_cursor *cursor);

int32_t tls_store_read_jks(const struct tls_store_reader *reader) {
  struct bytes content = reader->source->content;
  if (content.size < 12 + DIGEST_BYTES) return tls_store_refuse(reader, "is a JKS store that is cut off");
  content.size -= DIGEST_BYTES;
  int32_t status = check_digest(reader, content);
  struct jks_cursor cursor = {.left = content};
  take_u32(&cursor); /* the magic */
  uint32_t version = take_u32(&cursor), count = take_u32(&cursor);
  if (status == STATUS_OK && version != 1 && version != 2)
    return tls_store_refuse(reader, "is a JKS store of an unknown version, %u", (unsigned)version);
  for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
    status = read_entry(reader, &cursor, version);
  return status;
}

/* Without a password the store is not checked, as in Java: its certificates are no secret. */
static int32_t check_digest(const struct tls_store_reader *reader, struct bytes content) {
  if (reader->source->password == NULL) return STATUS_OK;
  struct secret *password = password_in_utf16(reader->source->password);
  if (password == NULL) return tls_store_out_of_memory(reader);
  uint8_t found[DIGEST_BYTES];
  const struct bytes parts[] = {secret_bytes(password), bytes_of_string(WHITENER), content};
  bool done = digest(parts, 3, found);
  secret_destroy(password);
  if (!done) return tls_store_refuse(reader, "is a JKS store, and this OpenSSL does not allow SHA-1 for it");
  if (memcmp(found, content.data + content.size, DIGEST_BYTES) == 0) return STATUS_OK;
  return tls_store_refuse(reader, "is not opened by %s: it is wrong, or the store is damaged",
                          reader->source->password_setting);
}

/* ---- entries ---- */

static int32_t read_entry(const struct tls_store_reader *reader, struct jks_cursor *cursor,
                          uint32_t version) {
  uint32_t tag = take_u32(cursor);
  skip_name(cursor);
  take(cursor, sizeof(uint64_t));
  int32_t status = STATUS_OK;
  if (tag == TAG_CERTIFICATE) {
    status = read_certificate(reader, cursor, version);
  } else if (tag == TAG_KEY) {
    struct bytes key = take(cursor, take_u32(cursor));
    uint32_t count = take_u32(cursor);
    if (!cursor->is_short && reader->source->wants_key) status = read_key(reader, key);
    for (uint32_t i = 0; i < count && status == STATUS_OK && !cursor->is_short; i++)
      status = read_certificate(reader, cursor, version);
  } else {
    return tls_store_refuse(reader, "is a damaged JKS store");
  }
  return cursor->is_short ? tls_store_refuse(reader, "is a JKS store that is cut off") : status;
}

static int32_t read_certificate(const struct tls_store_reader *reader, struct jks_cursor *cursor,
                                uint32_t version) {
  if (version == 2) skip_name(cursor);
  struct bytes der = take(cursor, take_u32(cursor));
  return cursor->is_short ? STATUS_OK : tls_store_add_certificate_der(reader, der);
}

/* ---- keys ---- */

static int32_t read_key(const struct tls_store_reader *reader, struct bytes encrypted) {
  const uint8_t *at = encrypted.data;
  X509_SIG *parsed = d2i_X509_SIG(NULL, &at, (long)encrypted.size);
  if (parsed == NULL) return tls_store_refuse(reader, "has a damaged private key");
  const X509_ALGOR *algorithm;
  const ASN1_OCTET_STRING *content;
  const ASN1_OBJECT *object;
  char oid[64];
  X509_SIG_get0(parsed, &algorithm, &content);
  X509_ALGOR_get0(&object, NULL, NULL, algorithm);
  OBJ_obj2txt(oid, sizeof oid, object, 1);
  int32_t status =
      tls_store_refuse(reader, "has a private key that is protected in an unknown way (%s)", oid);
  if (strcmp(oid, PROTECTOR_OID) == 0)
    status =
        decrypt_key(reader, bytes_of(ASN1_STRING_get0_data(content), (size_t)ASN1_STRING_length(content)));
  X509_SIG_free(parsed);
  return status;
}

/* Salt, masked key, digest. */
static int32_t decrypt_key(const struct tls_store_reader *reader, struct bytes protected_key) {
  const char *setting;
  const struct secret *password = tls_store_key_password(reader, &setting);
  if (password == NULL)
    return tls_store_refuse(reader, "has an encrypted private key, and %s is not set", setting);
  if (protected_key.size <= SALT_BYTES + DIGEST_BYTES)
    return tls_store_refuse(reader, "has a damaged private key");
  size_t size = protected_key.size - SALT_BYTES - DIGEST_BYTES;
  struct secret *wide = password_in_utf16(password);
  struct secret *plain = secret_allocate(size);
  int32_t status;
  if (wide == NULL || plain == NULL)
    status = tls_store_out_of_memory(reader);
  else if (!unmask(secret_bytes(wide), protected_key, secret_data(plain)))
    status = tls_store_refuse(reader, "has a private key that %s does not open: it is wrong", setting);
  else
    status = tls_store_add_key_der(reader, secret_bytes(plain));
  secret_destroy(wide);
  secret_destroy(plain);
  return status;
}

/* The mask is a chain of SHA-1 digests over password and salt, then over password and the digest before.
 * False if the digest of password and plain text is not the one at the end. */
static bool unmask(struct bytes password, struct bytes protected_key, uint8_t *plain) {
  uint8_t mask[DIGEST_BYTES];
  const uint8_t *masked = protected_key.data + SALT_BYTES;
  size_t size = protected_key.size - SALT_BYTES - DIGEST_BYTES;
  bool done = true;
  memcpy(mask, protected_key.data, SALT_BYTES);
  for (size_t i = 0; i < size && done; i++) {
    if (i % DIGEST_BYTES == 0) {
      const struct bytes parts[] = {password, bytes_of(mask, DIGEST_BYTES)};
      done = digest(parts, 2, mask);
    }
    plain[i] = (uint8_t)(masked[i] ^ mask[i % DIGEST_BYTES]);
  }
  const struct bytes parts[] = {password, bytes_of(plain, size)};
  done = done && digest(parts, 2, mask);
  bool is_right = done && memcmp(mask, masked + size, DIGEST_BYTES) == 0;
  secret_wipe(mask, sizeof mask);
  return is_right;
}

/* Of UTF-8; what is not UTF-8 is taken byte by byte. NULL if memory is missing. */
static struct secret *password_in_utf16(const struct secret *password) {
  struct bytes from = secret_bytes(password);
  struct secret *wide = secret_allocate(from.size * 2);
  size_t size = 0;
  for (size_t i = 0; wide != NULL && i < from.size;) {
    uint32_t unit = from.data[i++];
    uint32_t extra = unit >= 0xf0 ? 3 : unit >= 0xe0 ? 2 : unit >= 0xc0 ? 1 : 0;
    if (extra > 0 && i + extra <= from.size) {
      unit &= 0x3fU >> extra;
      for (uint32_t j = 0; j < extra; j++)
        unit = unit << 6 | (from.data[i++] & 0x3fU);
    }
    if (unit > 0xffff) { /* four bytes of UTF-8 are four of UTF-16 */
      bytes_store_u16(secret_data(wide) + size, (uint16_t)(0xd800 + ((unit - 0x10000) >> 10)));
      size += 2;
      unit = 0xdc00 + (unit & 0x3ff);
    }
    bytes_store_u16(secret_data(wide) + size, (uint16_t)unit);
    size += 2;
  }
  if (wide == NULL || size == from.size * 2) return wide;
  struct secret *fitting = secret_create(bytes_of(secret_data(wide), size));
  secret_destroy(wide);
  return fitting;
}

static bool digest(const struct bytes *parts, size_t count, uint8_t to[DIGEST_BYTES]) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1;
  for (size_t i = 0; i < count && done; i++)
    done = EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
  done = done && EVP_DigestFinal_ex(context, to, NULL) == 1;
  EVP_MD_CTX_free(context);
  return done;
}

/* ---- reading ---- */

static struct bytes take(struct jks_cursor *cursor, size_t size) {
  struct bytes taken = bytes_of(cursor->left.data, size);
  if (size > cursor->left.size) {
    cursor->is_short = true;
    cursor->left.size = 0;
    return bytes_of(NULL, 0);
  }
  cursor->left = bytes_of(cursor->left.data + size, cursor->left.size - size);
  return taken;
}

static uint32_t take_u32(struct jks_cursor *cursor) {
  struct bytes taken = take(cursor, sizeof(uint32_t));
  return taken.data == NULL ? 0 : bytes_load_u32(taken.data);
}

static void skip_name(struct jks_cursor *cursor) {
  struct bytes size = take(cursor, sizeof(uint16_t));
  if (size.data != NULL) take(cursor, bytes_load_u16(size.data));
}
