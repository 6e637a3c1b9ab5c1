/* Real work for OpenSSL: TLS handshakes in memory, client and server, with a certificate made here that the
 * client verifies, and a message each way; again and again until the others have ended, three times at least.
 */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <string.h>

int background(atomic_int *ended);

static X509 *certify(EVP_PKEY *key) {
  X509 *certificate = X509_new();
  X509_NAME *name = X509_get_subject_name(certificate);
  (void)X509_set_version(certificate, 2);
  (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"neighbour", -1, -1, 0);
  (void)X509_set_issuer_name(certificate, name);
  (void)X509_set_pubkey(certificate, key);
  (void)X509_sign(certificate, key, EVP_sha256());
  return certificate;
}

/* Each in turn, until the message of the other has come to both. */
static int talk(SSL *client, SSL *server) {
  static const char message[] = "delivered through both";
  char received[2][sizeof message] = {"", ""};
  SSL *ends[2] = {client, server};
  int have[2] = {0, 0};
  for (int round = 0; round < 100 && !(have[0] && have[1]); round++) {
    SSL *end = ends[round % 2];
    if (SSL_do_handshake(end) != 1) continue;
    if (round < 20) (void)SSL_write(end, message, sizeof message);
    have[round % 2] |= SSL_read(end, received[round % 2], sizeof message) == (int)sizeof message;
  }
  int same =
      memcmp(received[0], message, sizeof message) == 0 && memcmp(received[1], message, sizeof message) == 0;
  return same && SSL_get_verify_result(client) == X509_V_OK ? 0 : 1;
}

static int shake_hands(EVP_PKEY *key, X509 *certificate) {
  SSL_CTX *client_context = SSL_CTX_new(TLS_client_method()),
          *server_context = SSL_CTX_new(TLS_server_method());
  BIO *client_end = NULL, *server_end = NULL;
  (void)SSL_CTX_use_certificate(server_context, certificate);
  (void)SSL_CTX_use_PrivateKey(server_context, key);
  (void)X509_STORE_add_cert(SSL_CTX_get_cert_store(client_context), certificate);
  SSL_CTX_set_verify(client_context, SSL_VERIFY_PEER, NULL);
  SSL *client = SSL_new(client_context), *server = SSL_new(server_context);
  (void)BIO_new_bio_pair(&client_end, 65536, &server_end, 65536);
  SSL_set_bio(client, client_end, client_end);
  SSL_set_bio(server, server_end, server_end);
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  int status = talk(client, server);
  SSL_free(client);
  SSL_free(server);
  SSL_CTX_free(client_context);
  SSL_CTX_free(server_context);
  return status;
}

int background(atomic_int *ended) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = certify(key);
  int status = 0;
  for (int count = 0; status == 0 && (count < 3 || !atomic_load(ended)); count++)
    status = shake_hands(key, certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return status;
}
