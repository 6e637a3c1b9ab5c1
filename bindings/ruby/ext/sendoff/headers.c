#include "headers.h"

static void append_header(VALUE packed, VALUE name, VALUE value);
static void append_bytes(VALUE packed, VALUE bytes);
static int append_entry(VALUE name, VALUE value, VALUE packed);

VALUE headers_pack(VALUE headers) {
  if (NIL_P(headers)) return Qnil;
  VALUE packed = rb_str_buf_new(128);
  if (RB_TYPE_P(headers, T_HASH)) {
    rb_hash_foreach(headers, append_entry, packed);
    return packed;
  }
  headers = rb_convert_type(headers, T_ARRAY, "Array", "to_ary");
  for (long index = 0; index < RARRAY_LEN(headers); index++) {
    VALUE pair = rb_convert_type(RARRAY_AREF(headers, index), T_ARRAY, "Array", "to_ary");
    if (RARRAY_LEN(pair) != 2)
      rb_raise(rb_eArgError, "a header is a pair of name and value, not %ld objects", RARRAY_LEN(pair));
    append_header(packed, RARRAY_AREF(pair, 0), RARRAY_AREF(pair, 1));
  }
  return packed;
}

static int append_entry(VALUE name, VALUE value, VALUE packed) {
  append_header(packed, name, value);
  return ST_CONTINUE;
}

static void append_header(VALUE packed, VALUE name, VALUE value) {
  append_bytes(packed, RB_SYMBOL_P(name) ? rb_sym2str(name) : name);
  if (NIL_P(value)) {
    const int32_t null = -1;
    rb_str_buf_cat(packed, (const char *)&null, sizeof null);
  } else {
    append_bytes(packed, value);
  }
}

static void append_bytes(VALUE packed, VALUE bytes) {
  StringValue(bytes);
  if (RSTRING_LEN(bytes) > INT32_MAX) rb_raise(rb_eArgError, "a header is too long");
  const int32_t size = (int32_t)RSTRING_LEN(bytes);
  rb_str_buf_cat(packed, (const char *)&size, sizeof size);
  rb_str_buf_cat(packed, RSTRING_PTR(bytes), size);
  RB_GC_GUARD(bytes);
}
