/* What SWIG wraps of sendoff.h, the same for every language. HOW types map is in the language's own file, go.i,
 * java.i or ruby.i; what is fast or safe in one language only is there too.
 *
 * Hosts take reports from the queue (delivery.report.mode=queue, sendoff_poll): no function of theirs is ever called
 * from a thread of the library, so nothing that holds a callback is wrapped. Handles are numbers that may be stale;
 * the library checks them. */
%module native
%{
#include "sendoff/sendoff.h"
#include <stdlib.h>
#include <string.h>
%}
%include <stdint.i>

/* Callbacks, and structs that hold pointers into the host's memory: each language builds records in its own file. */
%ignore sendoff_callbacks;
%ignore sendoff_create;
%ignore sendoff_header;
%ignore sendoff_record;
%ignore sendoff_packed_record;
%ignore sendoff_send;
%ignore sendoff_try_send;
%ignore sendoff_send_sync;
%ignore sendoff_token;
%ignore sendoff_token_extension;
%ignore sendoff_set_token;
/* Fixed layouts of bytes, read as such. */
%ignore sendoff_report;

%rename("%(strip:[sendoff_])s") "";
%rename("%(strip:[SENDOFF_])s", %$isconstant) "";
%rename("%(strip:[SENDOFF_])s", %$isenumitem) "";

#if defined(SWIGGO)
%include "go.i"
#elif defined(SWIGJAVA)
%include "java.i"
#elif defined(SWIGRUBY)
%include "ruby.i"
#endif

%inline %{
/* sendoff_create without callbacks. */
static int32_t sendoff_open(const sendoff_config *config, sendoff_producer **producer, char *error,
                            size_t error_size) {
  return sendoff_create(config, NULL, producer, error, error_size);
}

/* sendoff_set_token of text alone. Extensions are as brokers get them, name=value, but with \1 behind each; an empty
 * principal is none. */
static int32_t sendoff_give_token(sendoff_producer *producer, const char *value, const char *principal,
                                  int64_t expires_ms, const char *extensions, char *error, size_t error_size) {
  const size_t bytes = strlen(extensions) + 1;
  char *text = (char *)malloc(bytes);
  sendoff_token_extension *list = (sendoff_token_extension *)calloc(bytes, sizeof *list); /* more than there can be */
  sendoff_token token;
  int32_t status = SENDOFF_OUT_OF_MEMORY;
  memset(&token, 0, sizeof token);
  token.size = sizeof token;
  token.value = value;
  token.principal = principal[0] == '\0' ? NULL : principal;
  token.expires_ms = expires_ms;
  token.extensions = list;
  if (text != NULL && list != NULL) {
    char *next = (char *)memcpy(text, extensions, bytes);
    for (char *end; (end = strchr(next, '\1')) != NULL; next = end + 1) {
      char *equals = strchr(next, '=');
      *end = '\0';
      list[token.extension_count].name = next;
      list[token.extension_count++].value = equals == NULL ? end : equals + 1;
      if (equals != NULL) *equals = '\0';
    }
    status = sendoff_set_token(producer, &token, error, error_size);
  }
  free(text);
  free(list);
  return status;
}
%}

#define SENDOFF_API
%include "sendoff/sendoff.h"
