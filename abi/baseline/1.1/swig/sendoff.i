/* What SWIG wraps of sendoff.h, the same for every language. HOW types map is in the language's own file, go.i,
 * java.i or ruby.i; what is fast or safe in one language only is there too.
 *
 * Hosts take reports from the queue (delivery.report.mode=queue, sendoff_poll): no function of theirs is ever called
 * from a thread of the library, so nothing that holds a callback is wrapped. Handles are numbers that may be stale;
 * the library checks them. */
%module native
%{
#include "sendoff/sendoff.h"
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
%}

#define SENDOFF_API
%include "sendoff/sendoff.h"
