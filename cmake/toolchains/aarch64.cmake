# Linux on 64-bit ARM.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(sendoff_triplet aarch64-linux-gnu)
set(sendoff_debian_architecture arm64)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
