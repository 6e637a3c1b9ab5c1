# What a builder may choose, and the flags that every target of ours is compiled with.
option(SENDOFF_TESTS "Build the tests" ON)
set(SENDOFF_TEST_SUITES "unit;sim;model;fuzz;integration;abi;bench;install;tidy" CACHE STRING "Which folders of tests")
option(SENDOFF_STATIC_TESTS "Link unit tests with the C library inside" OFF)
option(SENDOFF_WERROR "Treat warnings as errors" OFF)
option(SENDOFF_WITH_GZIP "compression.type=gzip, by libdeflate" ON)
option(SENDOFF_WITH_LZ4 "compression.type=lz4, by liblz4" ON)
option(SENDOFF_WITH_SNAPPY "compression.type=snappy, by libsnappy" ON)
option(SENDOFF_WITH_ZSTD "compression.type=zstd, by libzstd" ON)
option(SENDOFF_WITH_ISAL "Checksums by ISA-L" ON)
option(SENDOFF_WITH_TLS "security.protocol other than PLAINTEXT: TLS and logins, by OpenSSL 3" ON)
option(SENDOFF_SELF_CONTAINED "Link in all other libraries but C's, in libsendoff.so and in libsendoff.a" OFF)
option(SENDOFF_JAVA "Build the native part of the Java package" OFF)
set(SENDOFF_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

# Releases are optimised over all sources at once: a send passes five of them, and a tenth of its cost is the calls.
include(CheckIPOSupported)
check_ipo_supported(RESULT ipo_supported OUTPUT ipo_output LANGUAGES C)
if(ipo_supported)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(sendoff_flags INTERFACE)
target_compile_definitions(sendoff_flags INTERFACE _GNU_SOURCE)
target_compile_options(sendoff_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wcast-align -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wnull-dereference
  -Wimplicit-fallthrough -Wdouble-promotion -fno-common)
# sendoff_check_locks(TARGET): a wrong lock does not build, where the compiler is clang (src/base/thread_safety.h).
function(sendoff_check_locks target)
  if(CMAKE_C_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE -Wthread-safety -Werror=thread-safety)
  endif()
endfunction()

if(SENDOFF_TESTS) # what is installed is built without: see src/base/transition.h
  target_compile_definitions(sendoff_flags INTERFACE SENDOFF_OBSERVE_TRANSITIONS)
endif()
if(SENDOFF_WERROR)
  target_compile_options(sendoff_flags INTERFACE -Werror)
endif()
if(SENDOFF_SANITIZE)
  target_compile_options(sendoff_flags INTERFACE -fsanitize=${SENDOFF_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1)
  target_link_options(sendoff_flags INTERFACE -fsanitize=${SENDOFF_SANITIZE})
endif()

# Hardening of what is installed: stack canaries, checked library calls, read-only relocations.
target_compile_options(sendoff_flags INTERFACE
  "$<$<CONFIG:Release>:-fstack-protector-strong;-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
target_link_options(sendoff_flags INTERFACE
  "$<$<PLATFORM_ID:Linux>:LINKER:-z,relro;LINKER:-z,now;LINKER:-z,noexecstack>")
