# libsendoff.a: one object that holds the library, of whose names only those of the ABI are visible, so that it is at
# peace with whatever else a program links. In a self-contained build it has all that the library links inside, and
# is at peace with any other copy of a codec too; else programs link the system's codecs beside it.
# sendoff_static_link_names: what they link then, as -l takes it; sendoff_static_modules: which of those pkg-config
# knows, by its names for them; sendoff_static_imported: which of those CMake's own modules know; sendoff_static_others:
# the rest.

file(READ ${PROJECT_SOURCE_DIR}/abi/sendoff.map map)
string(REGEX MATCHALL "sendoff_[a-z0-9_]+" exported_names "${map}")
list(JOIN exported_names "\n" exported_names)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/exported_names CONTENT "${exported_names}\n")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/abi/sendoff.map)

# The libraries of others: inside, or named for those who link the archive.
set(inside "")
set(sendoff_static_modules "")
set(sendoff_static_others "")
set(sendoff_static_imported "")
set(sendoff_static_link_names "")
if(SENDOFF_SELF_CONTAINED)
  set(inside ${SENDOFF_CODEC_LIBRARIES} ${SENDOFF_SECURITY_LIBRARIES})
  list(REMOVE_ITEM inside "${CMAKE_DL_LIBS}") # the C library's
else()
  foreach(library IN LISTS SENDOFF_CODEC_LIBRARIES SENDOFF_BASE_LIBRARIES SENDOFF_SECURITY_LIBRARIES)
    if(library MATCHES "^PkgConfig::(.+)$")
      list(APPEND sendoff_static_modules ${${CMAKE_MATCH_1}_MODULE_NAME})
      list(APPEND sendoff_static_link_names ${${CMAKE_MATCH_1}_LIBRARIES})
    elseif(library MATCHES "/lib([^/]+)\\.(so|a)$")
      list(APPEND sendoff_static_others ${CMAKE_MATCH_1})
    elseif(library MATCHES "^OpenSSL::(.+)$")
      string(TOLOWER ${CMAKE_MATCH_1} name)
      list(APPEND sendoff_static_modules lib${name})
      list(APPEND sendoff_static_imported ${library})
    elseif(NOT library STREQUAL "Threads::Threads" AND NOT library STREQUAL CMAKE_DL_LIBS)
      message(FATAL_ERROR "libsendoff.a: how would a program link ${library}?")
    endif()
  endforeach()
  if("snappy" IN_LIST sendoff_static_others) # it is C++
    list(APPEND sendoff_static_others stdc++)
  endif()
endif()
list(APPEND sendoff_static_others m)
if(SENDOFF_WITH_TLS)
  list(APPEND sendoff_static_others ${CMAKE_DL_LIBS})
endif()
list(APPEND sendoff_static_link_names ${sendoff_static_others})

# A function of the C++ runtime that would else come from whatever other copy of it is in the process.
set(closed "")
if(inside MATCHES "/libstdc\\+\\+\\.a")
  set(closed -Wl,-u,__cxa_pure_virtual)
  target_link_options(sendoff PRIVATE ${closed})
endif()

set(layers sendoff_producer sendoff_sender sendoff_network sendoff_accumulator sendoff_protocol sendoff_security
    sendoff_base)
set(layer_archives "")
foreach(layer IN LISTS layers)
  list(APPEND layer_archives $<TARGET_FILE:${layer}>)
endforeach()
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
separate_arguments(compile_flags UNIX_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${build_type}}")
set(link_time_flags "")
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION_${build_type})
  set(link_time_flags ${CMAKE_C_COMPILE_OPTIONS_IPO})
  if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    list(APPEND link_time_flags -flinker-output=nolto-rel)
  endif()
endif()

set(object ${CMAKE_BINARY_DIR}/libsendoff.o)
set(archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libsendoff.a)
# -d: OpenSSL has a common symbol, which could not be made local before it is given its place.
add_custom_command(
  OUTPUT ${archive}
  COMMAND ${CMAKE_C_COMPILER} ${compile_flags} -fPIC -fvisibility=hidden ${link_time_flags} -r -nostdlib
          -Wl,--force-group-allocation -Wl,-d ${closed} -o ${object} $<TARGET_OBJECTS:sendoff> -Wl,--start-group ${layer_archives}
          ${inside} -Wl,--end-group
  # C++ wants some constants to be one in a process (STB_GNU_UNIQUE); objcopy makes names local only if they are weak.
  COMMAND ${CMAKE_OBJCOPY} --wildcard --weaken-symbol=_Z* ${object}
  COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${CMAKE_BINARY_DIR}/exported_names --strip-debug ${object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} ${object}
  DEPENDS sendoff ${layers} $<TARGET_OBJECTS:sendoff> ${CMAKE_BINARY_DIR}/exported_names
  COMMENT "Linking libsendoff.a into one object" VERBATIM COMMAND_EXPAND_LISTS)
add_custom_target(sendoff_archive ALL DEPENDS ${archive})

# What the packages of other languages link, in their build.
if(SENDOFF_SELF_CONTAINED)
  add_library(sendoff_self_contained STATIC IMPORTED GLOBAL)
  set_target_properties(sendoff_self_contained PROPERTIES
    IMPORTED_LOCATION ${archive} INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/abi
    INTERFACE_LINK_LIBRARIES "Threads::Threads;m;${CMAKE_DL_LIBS}")
  add_dependencies(sendoff_self_contained sendoff_archive)
endif()
