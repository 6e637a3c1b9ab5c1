/* libcurl, loaded at run time: no header of it is needed to build, no library to run without OIDC. What is
 * declared here is part of its public ABI, which has been stable since 7.16 (2006): names are curl's own
 * without their prefix, numbers are those of curl/curl.h.
 *
 * curl copies headers and bodies into memory of its own and frees it as it is. So, if nobody in the process
 * has initialised curl before, it gets functions of ours that wipe what they free (curl_global_init_mem).
 * Where the host has, pieces of the Basic header and of the answer may stay behind in freed memory until it
 * is used again; `wipes` tells which of the two it is. A host that starts curl itself has to do so before it
 * creates producers: before 7.84, two threads must not start it at once. */
#ifndef SECURITY_CURL_H
#define SECURITY_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void CURL;

/* struct curl_slist of curl/curl.h. We build its nodes ourselves, so that curl frees none. */
struct curl_slist {
  char *data;
  struct curl_slist *next;
};

/* struct curl_blob of curl/easy.h. */
struct curl_blob {
  void *data;
  size_t size;
  unsigned int flags;
};

enum { CURL_BLOB_COPY = 1 };

/* CURLcode: the ones that are told apart. */
enum {
  CURLE_OK = 0,
  CURLE_NOT_BUILT_IN = 4,
  CURLE_COULDNT_RESOLVE_PROXY = 5,
  CURLE_COULDNT_RESOLVE_HOST = 6,
  CURLE_COULDNT_CONNECT = 7,
  CURLE_WRITE_ERROR = 23,
  CURLE_OUT_OF_MEMORY = 27,
  CURLE_OPERATION_TIMEDOUT = 28,
  CURLE_SSL_CONNECT_ERROR = 35,
  CURLE_ABORTED_BY_CALLBACK = 42,
  CURLE_UNKNOWN_OPTION = 48,
  CURLE_PEER_FAILED_VERIFICATION = 60,
  CURLE_SSL_CACERT_BADFILE = 77,
};

/* CURLoption: the type's base (0 long, 10000 object, 20000 function, 40000 blob) plus its number. */
enum {
  CURLOPT_POST = 47,
  CURLOPT_NOPROGRESS = 43,
  CURLOPT_FOLLOWLOCATION = 52,
  CURLOPT_POSTFIELDSIZE = 60,
  CURLOPT_SSL_VERIFYPEER = 64,
  CURLOPT_SSL_VERIFYHOST = 81,
  CURLOPT_NOSIGNAL = 99,
  CURLOPT_TIMEOUT_MS = 155,
  CURLOPT_CONNECTTIMEOUT_MS = 156,
  CURLOPT_PROTOCOLS = 181, /* since 7.19.4; 7.85 prefers _STR and keeps this */
  CURLOPT_HEADEROPT = 229, /* since 7.37 */
  CURLOPT_SSLVERSION = 32,
  CURLOPT_WRITEDATA = 10001,
  CURLOPT_URL = 10002,
  CURLOPT_ERRORBUFFER = 10010,
  CURLOPT_POSTFIELDS = 10015,
  CURLOPT_USERAGENT = 10018,
  CURLOPT_HTTPHEADER = 10023,
  CURLOPT_HEADERDATA = 10029,
  CURLOPT_XFERINFODATA = 10057,
  CURLOPT_CAINFO = 10065,
  CURLOPT_CAPATH = 10097,
  CURLOPT_SSL_CTX_DATA = 10109,
  CURLOPT_WRITEFUNCTION = 20011,
  CURLOPT_HEADERFUNCTION = 20079,
  CURLOPT_SSL_CTX_FUNCTION = 20108,
  CURLOPT_XFERINFOFUNCTION = 20219, /* since 7.32 */
  CURLOPT_CAINFO_BLOB = 40309,      /* since 7.77 */
};

/* CURLINFO: the type's base (0x200000 long) plus its number. */
enum { CURLINFO_RESPONSE_CODE = 0x200002 };

enum {
  CURL_GLOBAL_DEFAULT = 3,
  CURL_ERROR_SIZE = 256,
  CURLPROTO_HTTPS = 2,
  CURLHEADER_SEPARATE = 1,
  CURL_SSLVERSION_TLSv1_2 = 6,
};

/* SSL_OP_CLEANSE_PLAINTEXT of openssl/ssl.h (3.0): wipe what came from the wire once it is handed out. */
#define CURL_SSL_OP_CLEANSE_PLAINTEXT (UINT64_C(1) << 1)

/* The functions in use; tests bring others. */
struct curl {
  CURL *(*easy_init)(void);
  void (*easy_cleanup)(CURL *handle);
  int (*easy_setopt)(CURL *handle, int option, ...);
  int (*easy_perform)(CURL *handle);
  int (*easy_getinfo)(CURL *handle, int info, ...);
  const char *(*easy_strerror)(int code);
  char *(*version)(void);
  /* Of the OpenSSL that this curl uses; NULL if it uses another library. */
  uint64_t (*SSL_CTX_set_options)(void *context, uint64_t options);
  bool wipes;
};

/* The system's, loaded and initialised once, for good. Statuses: OK; NOT_CONFIGURED (error says which package
 * is missing); OUT_OF_MEMORY. Any thread. */
int32_t curl_load(const struct curl **curl, char *error, size_t error_size);

#endif
