# What `cmake --install` puts where, in three components: runtime (the library), development (all that programs are
# built with) and tools (the command). Nothing in it knows its prefix, so that the tree may be moved.
include(CMakePackageConfigHelpers)
option(SENDOFF_DEBIAN "Install as Debian wants it, and make Debian packages by cpack; the prefix has to be /usr" OFF)
set(zsh_folder ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
if(SENDOFF_DEBIAN)
  if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    message(FATAL_ERROR "SENDOFF_DEBIAN: the prefix is ${CMAKE_INSTALL_PREFIX}, not /usr")
  endif()
  set(zsh_folder ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
endif()

# For sendoff.pc: the prefix as it is seen from the file, and folders below it unless they are absolute themselves.
function(sendoff_describe_for_pkgconfig)
  file(RELATIVE_PATH upwards ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  string(REGEX REPLACE "/$" "" upwards "${upwards}")
  set(pkgconfig_prefix "\${pcfiledir}/${upwards}")
  if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pkgconfig_prefix ${CMAKE_INSTALL_PREFIX})
  endif()
  cmake_path(APPEND pkgconfig_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
  cmake_path(APPEND pkgconfig_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
  list(JOIN sendoff_static_modules ", " pkgconfig_requires)
  list(TRANSFORM sendoff_static_others PREPEND "-l" OUTPUT_VARIABLE pkgconfig_libraries)
  list(JOIN pkgconfig_libraries " " pkgconfig_libraries)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/sendoff.pc.in ${CMAKE_BINARY_DIR}/sendoff.pc @ONLY)
endfunction()

function(sendoff_install_library)
  sendoff_describe_for_pkgconfig()
  set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/sendoff)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/sendoff-config.cmake.in ${CMAKE_BINARY_DIR}/sendoff-config.cmake
    INSTALL_DESTINATION ${package_folder} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/sendoff-config-version.cmake COMPATIBILITY SameMajorVersion)
  install(TARGETS sendoff LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
          NAMELINK_COMPONENT development)
  if(TARGET sendoff_archive)
    install(FILES ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libsendoff.a DESTINATION ${CMAKE_INSTALL_LIBDIR}
            COMPONENT development)
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/abi/sendoff/sendoff.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sendoff
          COMPONENT development)
  install(FILES ${CMAKE_BINARY_DIR}/sendoff.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
  install(FILES ${CMAKE_BINARY_DIR}/sendoff-config.cmake ${CMAKE_BINARY_DIR}/sendoff-config-version.cmake
          DESTINATION ${package_folder} COMPONENT development)
endfunction()

function(sendoff_install_command)
  if(NOT SENDOFF_DEBIAN) # there the system knows where its libraries are
    # Relative, so that the command finds its library wherever the prefix is.
    file(RELATIVE_PATH library_path ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
    set_target_properties(sendoff_command PROPERTIES INSTALL_RPATH "$ORIGIN/${library_path}")
  endif()
  install(TARGETS sendoff_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
endfunction()

# The manuals that are written: those of the command, and an overview of the library.
function(sendoff_install_manuals section component)
  file(GLOB manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section})
  install(FILES ${manuals} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endfunction()

# Those that are made: of every function and struct of the header, and of the settings.
function(sendoff_make_manuals)
  find_package(Python3 COMPONENTS Interpreter)
  if(NOT Python3_FOUND)
    message(WARNING "There is no Python: the manuals of functions and settings are left out")
    return()
  endif()
  set(header ${PROJECT_SOURCE_DIR}/abi/sendoff/sendoff.h)
  set(folder ${CMAKE_BINARY_DIR}/man)
  file(GLOB makers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.py)
  add_custom_command(OUTPUT ${folder}/sendoff.properties.5
    COMMAND ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1 ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/man/make-pages
            ${header} ${folder}
    DEPENDS ${header} ${makers} ${PROJECT_SOURCE_DIR}/man/make-pages ${PROJECT_SOURCE_DIR}/CONFIGURATION.md
            ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/src/base/status.def
            ${PROJECT_SOURCE_DIR}/abi/compatibility/header.py
    COMMENT "Making manuals" VERBATIM)
  add_custom_target(sendoff_manuals ALL DEPENDS ${folder}/sendoff.properties.5)
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT development
          FILES_MATCHING PATTERN "*.3")
  install(FILES ${folder}/sendoff.properties.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 COMPONENT tools)
endfunction()

# Completions for three shells, each under the name and in the folder where it is looked for.
function(sendoff_install_completions)
  set(folder ${PROJECT_SOURCE_DIR}/completions)
  install(FILES ${folder}/sendoff.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          RENAME sendoff COMPONENT tools)
  install(FILES ${folder}/_sendoff DESTINATION ${zsh_folder} COMPONENT tools)
  install(FILES ${folder}/sendoff.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT tools)
endfunction()

if(TARGET sendoff)
  sendoff_install_library()
endif()
if(TARGET sendoff_command)
  sendoff_install_command()
endif()
sendoff_install_manuals(1 tools)
sendoff_install_manuals(3 development)
sendoff_make_manuals()
sendoff_install_completions()
include(cmake/package.cmake)
