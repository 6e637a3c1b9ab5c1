#include "base/status.h"
#include "security/tls_store_parts.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

/* PEM (RFC 7468), leniently: text around the blocks is passed over, and so are line ends inside of them,
 * since blocks in properties files often lose theirs or have them written as \n. */

enum { LABEL_BYTES = 64, HEADER_BYTES = 512 };

static const char BEGIN[] = "-----BEGIN ", END[] = "-----END ", DASHES[] = "-----";

/* One block. */
struct block {
  char label[LABEL_BYTES];
  struct bytes body; /* between the two lines */
};

static const uint8_t *find(struct bytes in, const char *what);
static struct bytes behind(struct bytes all, const uint8_t *at, size_t skipped);
static int32_t next_block(const struct tls_store_reader *reader, struct bytes *left, struct block *block,
                          bool *found);
static int32_t take_block(const struct tls_store_reader *reader, const struct block *block);
static bool split_header(struct bytes *body, char header[HEADER_BYTES]);
static size_t decode(struct bytes base64, uint8_t *to);
static int32_t take_der(const struct tls_store_reader *reader, const char *label, struct bytes der);
static int32_t take_old_key(const struct tls_store_reader *reader, char *header, uint8_t *der, size_t size);
static int give_password(char *to, int capacity, int is_writing, void *context);

int32_t tls_store_read_pem(const struct tls_store_reader *reader) {
  struct bytes left = reader->source->content;
  struct block block;
  while (true) {
    bool found = false;
    int32_t status = next_block(reader, &left, &block, &found);
    if (status == STATUS_OK && !found) return STATUS_OK;
    if (status == STATUS_OK) status = take_block(reader, &block);
    if (status != STATUS_OK) return status;
  }
}

/* ---- blocks ---- */

static const uint8_t *find(struct bytes in, const char *what) {
  return in.size == 0 ? NULL : memmem(in.data, in.size, what, strlen(what));
}

static struct bytes behind(struct bytes all, const uint8_t *at, size_t skipped) {
  const uint8_t *start = at + skipped;
  return bytes_of(start, all.size - (size_t)(start - all.data));
}

static int32_t next_block(const struct tls_store_reader *reader, struct bytes *left, struct block *block,
                          bool *found) {
  const uint8_t *begin = find(*left, BEGIN);
  if (begin == NULL) return STATUS_OK;
  struct bytes label = behind(*left, begin, strlen(BEGIN));
  const uint8_t *label_end = find(label, DASHES);
  size_t label_size = label_end == NULL ? LABEL_BYTES : (size_t)(label_end - label.data);
  if (label_size >= LABEL_BYTES) return tls_store_refuse(reader, "has a damaged line -----BEGIN");
  memcpy(block->label, label.data, label_size);
  block->label[label_size] = '\0';
  block->body = behind(label, label_end, strlen(DASHES));
  const uint8_t *end = find(block->body, END);
  struct bytes end_label = end == NULL ? bytes_of("", 0) : behind(block->body, end, strlen(END));
  if (end_label.size < label_size + strlen(DASHES) || memcmp(end_label.data, block->label, label_size) != 0)
    return tls_store_refuse(reader, "is cut off: -----BEGIN %s----- has no -----END %s-----", block->label,
                            block->label);
  block->body.size = (size_t)(end - block->body.data);
  *left = behind(end_label, end_label.data, label_size);
  *found = true;
  return STATUS_OK;
}

static int32_t take_block(const struct tls_store_reader *reader, const struct block *block) {
  bool is_key = strstr(block->label, "PRIVATE KEY") != NULL;
  if (is_key && !reader->source->wants_key) return STATUS_OK;
  struct bytes body = block->body;
  char header[HEADER_BYTES] = "";
  bool has_header = split_header(&body, header);
  struct secret *decoded = secret_allocate(body.size + 1);
  if (decoded == NULL) return tls_store_out_of_memory(reader);
  uint8_t *der = secret_data(decoded);
  size_t size = decode(body, der);
  int32_t status;
  if (size == 0)
    status = tls_store_refuse(reader, "has a block %s that is not base64", block->label);
  else if (is_key && has_header)
    status = take_old_key(reader, header, der, size);
  else
    status = take_der(reader, block->label, bytes_of(der, size));
  secret_destroy(decoded);
  return status;
}

/* The lines "Proc-Type: 4,ENCRYPTED" and "DEK-Info: ..." of RFC 1421, which encrypted keys had before PKCS#8.
 */
static bool split_header(struct bytes *body, char header[HEADER_BYTES]) {
  const uint8_t *start = body->data, *end = body->data + body->size;
  while (start < end && (*start == '\r' || *start == '\n' || *start == ' '))
    start++;
  struct bytes rest = bytes_of(start, (size_t)(end - start));
  const uint8_t *blank = find(rest, "\n\n");
  const uint8_t *blank_crlf = find(rest, "\r\n\r\n");
  if (blank == NULL || (blank_crlf != NULL && blank_crlf < blank)) blank = blank_crlf;
  if (blank == NULL || memchr(start, ':', (size_t)(blank - start)) == NULL) return false;
  size_t size = (size_t)(blank - start), written = 0;
  if (size + 2 > HEADER_BYTES) return false;
  for (size_t i = 0; i < size; i++)
    if (start[i] != '\r') header[written++] = (char)start[i];
  header[written++] = '\n';
  header[written] = '\0';
  *body = behind(*body, blank, 0);
  return true;
}

/* How many bytes they are; 0: it is not base64. */
static size_t decode(struct bytes base64, uint8_t *to) {
  uint32_t group = 0;
  size_t size = 0, digits = 0, padding = 0;
  for (size_t i = 0; i < base64.size; i++) {
    uint8_t byte = base64.data[i];
    if (byte == '\\' && i + 1 < base64.size && (base64.data[i + 1] == 'n' || base64.data[i + 1] == 'r')) {
      i++;
      continue;
    }
    if (byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t' || byte == '\\') continue;
    uint32_t value;
    if (byte >= 'A' && byte <= 'Z')
      value = byte - 'A';
    else if (byte >= 'a' && byte <= 'z')
      value = byte - 'a' + 26U;
    else if (byte >= '0' && byte <= '9')
      value = byte - '0' + 52U;
    else if (byte == '+' || byte == '/')
      value = byte == '+' ? 62 : 63;
    else if (byte == '=' && padding < 2)
      value = 0, padding++;
    else
      return 0;
    if (padding > 0 && byte != '=') return 0;
    group = group << 6 | value;
    if (++digits % 4 != 0) continue;
    to[size++] = (uint8_t)(group >> 16);
    to[size++] = (uint8_t)(group >> 8);
    to[size++] = (uint8_t)group;
  }
  return digits % 4 != 0 || padding > size ? 0 : size - padding;
}

/* ---- content ---- */

/* Blocks of other kinds, parameters of curves among them, are nothing to us. */
static int32_t take_der(const struct tls_store_reader *reader, const char *label, struct bytes der) {
  const uint8_t *at = der.data;
  if (strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0)
    return tls_store_add_certificate_der(reader, der);
  if (strcmp(label, PEM_STRING_X509_TRUSTED) == 0) {
    X509 *certificate = d2i_X509_AUX(NULL, &at, (long)der.size);
    if (certificate == NULL) return tls_store_refuse(reader, "has a damaged block %s", label);
    return tls_store_add_certificate(reader, certificate);
  }
  if (strcmp(label, PEM_STRING_X509_CRL) == 0) {
    X509_CRL *revocations = d2i_X509_CRL(NULL, &at, (long)der.size);
    if (revocations == NULL) return tls_store_refuse(reader, "has a damaged revocation list");
    if (sk_X509_CRL_push(reader->store->revocations, revocations) > 0) return STATUS_OK;
    X509_CRL_free(revocations);
    return tls_store_out_of_memory(reader);
  }
  return strstr(label, "PRIVATE KEY") != NULL ? tls_store_add_key_der(reader, der) : STATUS_OK;
}

/* Decrypts in place. */
static int32_t take_old_key(const struct tls_store_reader *reader, char *header, uint8_t *der, size_t size) {
  const char *setting;
  const struct secret *password = tls_store_key_password(reader, &setting);
  EVP_CIPHER_INFO cipher;
  if (PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1)
    return tls_store_refuse(reader, "has a private key whose header DEK-Info names no known cipher");
  long decrypted = (long)size;
  union {
    const struct secret *read;
    void *passed;
  } argument = {.read = password};
  if (cipher.cipher != NULL && password == NULL)
    return tls_store_refuse(reader, "has an encrypted private key, and %s is not set", setting);
  if (PEM_do_header(&cipher, der, &decrypted, give_password, argument.passed) != 1)
    return tls_store_refuse(reader, "has a private key that %s does not open: it is wrong", setting);
  int32_t status = tls_store_add_key_der(reader, bytes_of(der, (size_t)decrypted));
  if (status != STATUS_INVALID_SETTING || cipher.cipher == NULL) return status;
  /* One wrong password in 256 leaves something that ends like a key. */
  return tls_store_refuse(reader, "has a private key that %s does not open: it is wrong", setting);
}

static int give_password(char *to, int capacity, int is_writing, void *context) {
  struct bytes password = secret_bytes(context);
  (void)is_writing;
  if (password.size > (size_t)capacity) return -1;
  memcpy(to, password.data, password.size);
  return (int)password.size;
}
