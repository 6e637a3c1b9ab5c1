/* How types map to Ruby. What every record takes, and what may block, is written by hand in
 * bindings/ruby/ext/sendoff and only hooked in here; all that is wrapped below is short and does not wait.
 *
 * Handles are Integers. A status comes first, then what the function gives: Native.topic(producer, name) returns
 * [status, id]. Strings are bytes, whatever their encoding; nil is NULL. */
%header %{
#include <ruby/encoding.h>
#include "delivery.h"
#include "producer.h"
%}
%init %{
  delivery_define(rb_path2class("Sendoff"));
  producer_define(rb_path2class("Sendoff::Native"));
%}

/* By hand: the record's path, and waits, which must give up the GVL and be interruptible. */
%ignore sendoff_send_flat;
%ignore sendoff_send_batch;
%ignore sendoff_wait_for_space;
%ignore sendoff_poll;
%ignore sendoff_connect;
%ignore sendoff_partitions_for;
%ignore sendoff_close;
%ignore sendoff_flush_result;
%ignore sendoff_wake;
%ignore sendoff_wait_token_wanted;
%ignore sendoff_reload_credentials;

/* Handles. */
%define %ruby_handle(TYPE)
%typemap(in) TYPE *, const TYPE * %{ $1 = ($1_ltype)(uintptr_t)NUM2ULL($input); %}
%typemap(out) TYPE *, const TYPE * %{ $result = ULL2NUM((uintptr_t)$1); %}
%typemap(in, numinputs=0) TYPE ** (TYPE *handle = NULL) %{ $1 = &handle; %}
%typemap(argout) TYPE ** %{ $result = SWIG_Ruby_AppendOutput($result, ULL2NUM((uintptr_t)*$1)); %}
%enddef
%ruby_handle(sendoff_config)
%ruby_handle(sendoff_producer)
%ruby_handle(sendoff_partitions)

/* Text that goes in must be free of zero bytes: StringValueCStr raises otherwise. Static text comes out. */
%typemap(in) const char * %{ $1 = StringValueCStr($input); %}
%typemap(argout) const char * %{ RB_GC_GUARD($input); %}
%typemap(freearg) const char * ""
%typemap(out) const char * %{ $result = $1 == NULL ? Qnil : rb_utf8_str_new_cstr($1); %}
%typemap(out) char [ANY] %{ $result = rb_utf8_str_new_cstr($1); %}

/* Text that comes out. */
%typemap(in, numinputs=0) (char *error, size_t error_size) (char text[512] = "") %{
  $1 = text;
  $2 = sizeof text;
%}
%typemap(argout) (char *error, size_t error_size) %{
  $result = SWIG_Ruby_AppendOutput($result, rb_utf8_str_new_cstr($1));
%}
%typemap(in, numinputs=0) (char *buffer, size_t buffer_size, size_t *needed) (char text[4096] = "", size_t bytes) %{
  $1 = text;
  $2 = sizeof text;
  $3 = &bytes;
%}
%typemap(argout) (char *buffer, size_t buffer_size, size_t *needed) %{
  $result = SWIG_Ruby_AppendOutput($result, rb_utf8_str_new_cstr($1));
%}

/* Numbers that come out. */
%typemap(in, numinputs=0) uint32_t *count (uint32_t number = 0), uint32_t *topic (uint32_t number = 0) %{
  $1 = &number;
%}
%typemap(argout) uint32_t *count, uint32_t *topic %{ $result = SWIG_Ruby_AppendOutput($result, UINT2NUM(*$1)); %}
%typemap(in, numinputs=0) int32_t *descriptor (int32_t number = -1) %{ $1 = &number; %}
%typemap(argout) int32_t *descriptor %{ $result = SWIG_Ruby_AppendOutput($result, INT2NUM(*$1)); %}
%typemap(in, numinputs=0) (int32_t *nodes, uint32_t capacity, uint32_t *count)
    (int32_t ids[256], uint32_t number = 0) %{
  $1 = ids;
  $2 = sizeof ids / sizeof ids[0];
  $3 = &number;
%}
%typemap(argout) (int32_t *nodes, uint32_t capacity, uint32_t *count) %{
  {
    VALUE array = rb_ary_new();
    for (uint32_t index = 0; index < *$3 && index < $2; index++) rb_ary_push(array, INT2NUM($1[index]));
    $result = SWIG_Ruby_AppendOutput($result, array);
  }
%}

/* Only cuts linger. */
%typemap(in, numinputs=0) sendoff_flush_result * %{ $1 = NULL; %}

/* Structs that grow: objects that know their size. Text in them is read, never written. */
%immutable;
%define %ruby_struct(NAME, CLASS)
%rename(CLASS) NAME;
%extend NAME {
  NAME(void) {
    NAME *created = ALLOC(NAME);
    memset(created, 0, sizeof *created);
    created->size = sizeof *created;
    return created;
  }
  ~NAME(void) { xfree($self); }
}
%enddef
%ruby_struct(sendoff_setting, Setting)
%ruby_struct(sendoff_event, Event)
%ruby_struct(sendoff_counters, Counters)
%ruby_struct(sendoff_partition, Partition)
