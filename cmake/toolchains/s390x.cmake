# Linux on IBM Z: big-endian.
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(sendoff_triplet s390x-linux-gnu)
set(sendoff_debian_architecture s390x)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
