/* How the types of sendoff.h map to Java, and the two calls that Java needs a fast form of: sending a record from byte
 * arrays, and taking reports into a direct buffer. Everything is static in SendoffNativeJNI or a field of a small class
 * per struct; Java's own layer gives it a shape. Results are statuses: nothing here throws. */

/* *TYPE that the function writes: an array of one, which gets 0 if the function left it untouched. */
%define %java_result(TYPE, ARRAY, ELEMENT, JAVA, REGION, CAST)
%typemap(jni) TYPE * "ARRAY"
%typemap(jtype) TYPE * "JAVA[]"
%typemap(jstype) TYPE * "JAVA[]"
%typemap(javain) TYPE * "$javainput"
%typemap(in) TYPE * ($*1_ltype result = 0) %{ $1 = $input ? &result : NULL; %}
%typemap(argout) TYPE * %{
  if ($1) {
    ELEMENT element = CAST result$argnum;
    (*jenv)->Set##REGION##ArrayRegion(jenv, $input, 0, 1, &element);
  }
%}
%enddef

/* Handles are numbers, which the library checks. Those that come out go into an array of one. */
%define %java_handle(TYPE)
%typemap(jni) TYPE *, const TYPE * "jlong"
%typemap(jtype) TYPE *, const TYPE * "long"
%typemap(jstype) TYPE *, const TYPE * "long"
%typemap(in) TYPE *, const TYPE * %{ $1 = ($1_ltype)(intptr_t)$input; %}
%typemap(javain) TYPE *, const TYPE * "$javainput"
%java_result(TYPE *, jlongArray, jlong, long, Long, (jlong)(intptr_t))
%enddef

%java_handle(sendoff_config)
%java_handle(sendoff_producer)
%java_handle(sendoff_partitions)
%java_result(uint32_t, jintArray, jint, int, Int, (jint))
%java_result(size_t, jlongArray, jlong, long, Long, (jlong))

/* uint64_t would become a BigInteger and uint32_t a long. */
%typemap(jni) uint64_t, size_t "jlong"
%typemap(jtype) uint64_t, size_t "long"
%typemap(jstype) uint64_t, size_t "long"
%typemap(in) uint64_t, size_t %{ $1 = ($1_ltype)$input; %}
%typemap(out) uint64_t, size_t %{ $result = (jlong)$1; %}
%typemap(javain) uint64_t, size_t "$javainput"
%typemap(javaout) uint64_t, size_t { return $jnicall; }
%typemap(jni) uint32_t "jint"
%typemap(jtype) uint32_t "int"
%typemap(jstype) uint32_t "int"
%typemap(in) uint32_t %{ $1 = (uint32_t)$input; %}
%typemap(out) uint32_t %{ $result = (jint)$1; %}
%typemap(javain) uint32_t "$javainput"
%typemap(javaout) uint32_t { return $jnicall; }

/* Text is UTF-8, which JNI's own strings are not: it crosses as bytes, copied since a byte array has no end mark. The
 * copy is wiped: it may be a password. */
%typemap(jni) const char * "jbyteArray"
%typemap(jtype) const char * "byte[]"
%typemap(jstype) const char * "String"
%typemap(javain) const char * "Utf8.bytes($javainput)"
%typemap(javaout) const char * { return Utf8.text($jnicall); }
%typemap(in) const char * %{ $1 = java_text_in(jenv, $input); %}
%typemap(freearg) const char * %{ java_text_free($1); %}
%typemap(out) const char * %{ $result = java_text_out(jenv, $1); %}
%typemap(jni) char [ANY] "jbyteArray"
%typemap(jtype) char [ANY] "byte[]"
%typemap(jstype) char [ANY] "String"
%typemap(javaout) char [ANY] { return Utf8.text($jnicall); }
%typemap(out) char [ANY] %{ $result = java_text_out(jenv, $1); %}

/* Text that comes out into a buffer of the caller's: a byte array, with its end mark. */
%typemap(jni) (char *buffer, size_t buffer_size) "jbyteArray"
%typemap(jtype) (char *buffer, size_t buffer_size) "byte[]"
%typemap(jstype) (char *buffer, size_t buffer_size) "byte[]"
%typemap(javain) (char *buffer, size_t buffer_size) "$javainput"
%typemap(in) (char *buffer, size_t buffer_size) %{
  $2 = (size_t)(*jenv)->GetArrayLength(jenv, $input);
  $1 = calloc($2 + 1, 1);
  if ($1 == NULL) $2 = 0;
%}
%typemap(argout) (char *buffer, size_t buffer_size) %{
  if ($2 > 0) (*jenv)->SetByteArrayRegion(jenv, $input, 0, (jsize)strlen($1) + 1, (const jbyte *)$1);
%}
%typemap(freearg) (char *buffer, size_t buffer_size) %{ free($1); %}
%apply (char *buffer, size_t buffer_size) { (char *error, size_t error_size) };

/* Reports: a direct buffer of as many as fit. */
%typemap(jni) (sendoff_report *reports, size_t capacity) "jobject"
%typemap(jtype) (sendoff_report *reports, size_t capacity) "java.nio.ByteBuffer"
%typemap(jstype) (sendoff_report *reports, size_t capacity) "java.nio.ByteBuffer"
%typemap(javain) (sendoff_report *reports, size_t capacity) "$javainput"
%typemap(in) (sendoff_report *reports, size_t capacity) %{
  $1 = (*jenv)->GetDirectBufferAddress(jenv, $input);
  $2 = (size_t)(*jenv)->GetDirectBufferCapacity(jenv, $input) / sizeof(sendoff_report);
%}

/* Node ids: an array of as many as fit. */
%typemap(jni) (int32_t *nodes, uint32_t capacity) "jintArray"
%typemap(jtype) (int32_t *nodes, uint32_t capacity) "int[]"
%typemap(jstype) (int32_t *nodes, uint32_t capacity) "int[]"
%typemap(javain) (int32_t *nodes, uint32_t capacity) "$javainput"
%typemap(in) (int32_t *nodes, uint32_t capacity) %{
  $2 = (uint32_t)(*jenv)->GetArrayLength(jenv, $input);
  $1 = calloc((size_t)$2 + 1, sizeof *$1);
  if ($1 == NULL) $2 = 0;
%}
%typemap(argout) (int32_t *nodes, uint32_t capacity) %{
  (*jenv)->SetIntArrayRegion(jenv, $input, 0, (jsize)$2, (const jint *)$1);
%}
%typemap(freearg) (int32_t *nodes, uint32_t capacity) %{ free($1); %}

/* Java's layer waits for a flush itself and counts by callbacks. */
%typemap(in, numinputs=0) sendoff_flush_result * %{ $1 = NULL; %}
%ignore sendoff_flush_result;

/* Not for Java: waits that cannot be interrupted, files that Java reads itself, and what sendRecord stands for. */
%ignore sendoff_config_load_file;
%ignore sendoff_wait_for_space;
%ignore sendoff_report_descriptor;
%ignore sendoff_send_flat;
%ignore sendoff_send_batch;
%ignore sendoff_topic_name;

/* Structs become classes, whose size is set when they are made, and which are freed by delete, not by a finalizer. */
%immutable;
%typemap(javafinalize) SWIGTYPE ""
%typemap(javainterfaces) SWIGTYPE "AutoCloseable"
%typemap(javacode) SWIGTYPE %{
  @Override public void close() {
    delete();
  }
%}
%define %java_sized(STRUCT, CLASS)
%rename(CLASS) STRUCT;
%rename(CLASS) STRUCT::STRUCT;
%ignore STRUCT::size;
%ignore STRUCT::zero;
%extend STRUCT {
  STRUCT() {
    STRUCT *sized = calloc(1, sizeof *sized);
    if (sized != NULL) sized->size = sizeof *sized;
    return sized;
  }
  ~STRUCT() { free($self); }
}
%enddef
%java_sized(sendoff_setting, NativeSetting)
%java_sized(sendoff_event, NativeEvent)
%java_sized(sendoff_counters, NativeCounters)
%java_sized(sendoff_partition, NativePartition)

%pragma(java) moduleclassmodifiers="public final class"
%pragma(java) jniclassclassmodifiers="public final class"
%pragma(java) jniclasscode=%{
  static {
    NativeLibrary.load();
  }
%}

%{
/* A terminated copy, NULL for null or without memory. */
static char *java_text_in(JNIEnv *jenv, jbyteArray bytes) {
  jsize size = bytes ? (*jenv)->GetArrayLength(jenv, bytes) : 0;
  char *text = bytes ? malloc((size_t)size + 1) : NULL;
  if (text != NULL) {
    (*jenv)->GetByteArrayRegion(jenv, bytes, 0, size, (jbyte *)text);
    text[size] = '\0';
  }
  return text;
}

static void java_text_free(const char *text) {
  if (text != NULL) explicit_bzero((char *)text, strlen(text));
  free((char *)text);
}

static jbyteArray java_text_out(JNIEnv *jenv, const char *text) {
  jsize size = text ? (jsize)strlen(text) : 0;
  jbyteArray bytes = text ? (*jenv)->NewByteArray(jenv, size) : NULL;
  if (bytes != NULL) (*jenv)->SetByteArrayRegion(jenv, bytes, 0, size, (const jbyte *)text);
  return bytes;
}

/* What is copied to the stack; larger records get memory of their own. Either way the library copies it once more, but
 * holding the arrays in place instead would hold up the garbage collector while the library's lock is waited for. */
enum { SMALL_RECORD_BYTES = 4096 };

struct java_bytes {
  jbyteArray array;
  jsize size;
  const char *data; /* NULL for null */
};

static void java_bytes_measure(JNIEnv *jenv, struct java_bytes *bytes, jbyteArray array) {
  bytes->array = array;
  bytes->size = array ? (*jenv)->GetArrayLength(jenv, array) : 0;
}

static char *java_bytes_copy(JNIEnv *jenv, struct java_bytes *bytes, char *to) {
  bytes->data = bytes->array ? to : NULL;
  if (bytes->size > 0) (*jenv)->GetByteArrayRegion(jenv, bytes->array, 0, bytes->size, (jbyte *)to);
  return to + bytes->size;
}

/* sendoff_send_flat that never waits. */
JNIEXPORT jint JNICALL Java_org_sendoff_internal_SendoffNativeJNI_sendRecord(
    JNIEnv *jenv, jclass owner, jlong producer, jint topic, jint set, jint partition, jlong timestamp,
    jbyteArray key_array, jbyteArray value_array, jbyteArray headers_array, jlong opaque) {
  struct java_bytes key, value, headers;
  char small[SMALL_RECORD_BYTES];
  (void)owner;
  java_bytes_measure(jenv, &key, key_array);
  java_bytes_measure(jenv, &value, value_array);
  java_bytes_measure(jenv, &headers, headers_array);
  size_t size = (size_t)key.size + (size_t)value.size + (size_t)headers.size;
  char *memory = size <= sizeof small ? small : malloc(size);
  if (memory == NULL) return SENDOFF_OUT_OF_MEMORY;
  char *end = java_bytes_copy(jenv, &key, memory);
  end = java_bytes_copy(jenv, &value, end);
  java_bytes_copy(jenv, &headers, end);
  int32_t status = sendoff_send_flat((sendoff_producer *)(intptr_t)producer, (uint32_t)topic,
                                     (uint32_t)set | SENDOFF_SET_TRY, partition, timestamp, key.data,
                                     (size_t)key.size, value.data, (size_t)value.size, headers.data,
                                     (size_t)headers.size, (uint64_t)opaque);
  if (memory != small) free(memory);
  return status;
}
%}
%native(sendRecord) jint sendRecord(jlong producer, jint topic, jint set, jint partition, jlong timestamp,
                                    jbyteArray key, jbyteArray value, jbyteArray headers, jlong opaque);
