# musl in the place of glibc, on the machine's own processor: Debian's wrapper of the compiler. Nothing but the C
# library is packaged for it; MUSL_PREFIX is where Check was built for it (tests/architectures/run does).
set(CMAKE_C_COMPILER musl-gcc)
get_filename_component(MUSL_PREFIX ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroots/musl ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${MUSL_PREFIX})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_LIBDIR} ${MUSL_PREFIX}/lib/pkgconfig)
