# libsendoff.a, for programs and packages that carry the library inside: one object that holds it and all that it
# links, of whose names only those of the ABI are visible, so that it is at peace with any other copy of a codec.
file(READ ${PROJECT_SOURCE_DIR}/abi/sendoff.map map)
string(REGEX MATCHALL "sendoff_[a-z_]+" exported_names "${map}")
list(JOIN exported_names "\n" exported_names)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/exported_names CONTENT "${exported_names}\n")

set(object ${CMAKE_BINARY_DIR}/libsendoff.o)
set(archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libsendoff.a)
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
separate_arguments(compile_flags UNIX_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${build_type}}")
set(layers sendoff_producer sendoff_sender sendoff_network sendoff_accumulator sendoff_protocol sendoff_base)
set(layer_archives "")
foreach(layer IN LISTS layers)
  list(APPEND layer_archives $<TARGET_FILE:${layer}>)
endforeach()
set(link_time_flags "")
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION_${build_type} AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  set(link_time_flags -flto=auto -flinker-output=nolto-rel)
endif()
add_custom_command(
  OUTPUT ${archive}
  COMMAND ${CMAKE_C_COMPILER} ${compile_flags} -fPIC -fvisibility=hidden ${link_time_flags} -r -nostdlib
          -Wl,--force-group-allocation -o ${object} $<TARGET_OBJECTS:sendoff> -Wl,--start-group ${layer_archives}
          ${SENDOFF_CODEC_LIBRARIES} -Wl,--end-group
  COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${CMAKE_BINARY_DIR}/exported_names --strip-debug ${object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} ${object}
  DEPENDS sendoff ${layers} $<TARGET_OBJECTS:sendoff> ${CMAKE_BINARY_DIR}/exported_names
  COMMENT "Linking libsendoff.a into one object" VERBATIM COMMAND_EXPAND_LISTS)
add_custom_target(sendoff_archive ALL DEPENDS ${archive})

# What links it, in this build.
add_library(sendoff_self_contained STATIC IMPORTED GLOBAL)
set_target_properties(sendoff_self_contained PROPERTIES
  IMPORTED_LOCATION ${archive} INTERFACE_INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/abi
  INTERFACE_LINK_LIBRARIES "Threads::Threads;m")
add_dependencies(sendoff_self_contained sendoff_archive)
