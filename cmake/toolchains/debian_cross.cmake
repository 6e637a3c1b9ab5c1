# Debian's cross compiler for sendoff_triplet, a sysroot of that architecture's own packages, which
# tests/architectures/sysroot.py unpacks, and qemu-user to run what was built.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${sendoff_triplet}-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${sendoff_triplet})
get_filename_component(CMAKE_SYSROOT
  ${CMAKE_CURRENT_LIST_DIR}/../../build/sysroots/${sendoff_debian_architecture} ABSOLUTE)
if(NOT EXISTS ${CMAKE_SYSROOT}/usr/include)
  message(FATAL_ERROR "There is no sysroot yet: tests/architectures/sysroot.py ${sendoff_debian_architecture}")
endif()

# Programs are the machine's, all else is the sysroot's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${CMAKE_SYSROOT}/usr/lib/${sendoff_triplet}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

string(REGEX REPLACE "-.*" "" sendoff_emulated ${sendoff_triplet})
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${sendoff_emulated} -L ${CMAKE_SYSROOT})
