# libsendoff1, libsendoff-dev and sendoff-tools.
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CPACK_PACKAGE_CONTACT}")
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE https://sendoff.org)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_debian_compress.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_debian_control.cmake)
set(runtime_package libsendoff${PROJECT_VERSION_MAJOR})
set(control_files ${CMAKE_BINARY_DIR}/debian)
set(promise "Sendoff is a producer for Apache Kafka: each record that it accepted is sent,
once and in order, and gets exactly one report, also if the program ends
without closing it.")

# sendoff_debian_package(COMPONENT NAME SECTION SUMMARY MORE) says what all three have in common.
macro(sendoff_debian_package component name section summary more)
  string(TOUPPER ${component} key)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${key}_PACKAGE_SOURCE sendoff)
  set(CPACK_DEBIAN_${key}_DESCRIPTION "${summary}\n${promise}\n\n${more}")
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/debian/copyright ${control_files}/changelog
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} COMPONENT ${component})
endmacro()

sendoff_debian_package(runtime ${runtime_package} libs "producer for Apache Kafka (library)"
  "This package has the shared library.")
sendoff_debian_package(development libsendoff-dev libdevel "producer for Apache Kafka (development files)"
  "This package has what programs are built with: the header, the static library,\nand what pkg-config and CMake need.")
sendoff_debian_package(tools sendoff-tools utils "producer for Apache Kafka (command)"
  "This package has the command: it sends files, measures, and is a small broker\nfor tests.")

# Programs get the version that has their newest symbol: those of node SENDOFF_1.1 came with 1.1.
function(sendoff_write_symbols path)
  file(STRINGS ${PROJECT_SOURCE_DIR}/abi/sendoff.map lines)
  set(text "libsendoff.so.${PROJECT_VERSION_MAJOR} ${runtime_package} #MINVER#\n")
  string(APPEND text "* Build-Depends-Package: libsendoff-dev\n")
  foreach(line IN LISTS lines)
    if(line MATCHES "^(SENDOFF_([0-9.]+)) ")
      set(node ${CMAKE_MATCH_1})
      set(since ${CMAKE_MATCH_2})
      string(APPEND text " ${node}@${node} ${since}\n")
    elseif(line MATCHES "(sendoff_[a-z0-9_]+)")
      string(APPEND text " ${CMAKE_MATCH_1}@${node} ${since}\n")
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${path} CONTENT "${text}" @ONLY)
endfunction()

# The archive wants the system's codecs and OpenSSL, and sendoff.pc names them.
function(sendoff_development_packages result)
  list(TRANSFORM sendoff_static_modules REPLACE "^libcrypto$" libssl OUTPUT_VARIABLE packages)
  list(REMOVE_DUPLICATES packages)
  foreach(name IN LISTS sendoff_static_others)
    if(name STREQUAL "stdc++")
      # One that exists by this name, for apt to begin with.
      if(CMAKE_C_COMPILER_ID STREQUAL GNU)
        string(REGEX MATCH "^[0-9]+" release ${CMAKE_C_COMPILER_VERSION})
        list(APPEND packages "libstdc++-${release}-dev | libstdc++")
      else()
        list(APPEND packages libstdc++)
      endif()
    elseif(NOT name MATCHES "^(m|dl)$")
      list(APPEND packages lib${name})
    endif()
  endforeach()
  list(TRANSFORM packages APPEND "-dev")
  list(PREPEND packages "${runtime_package} (= ${PROJECT_VERSION})" "libc6-dev | libc-dev")
  list(JOIN packages ", " packages)
  set(${result} "${packages}" PARENT_SCOPE)
endfunction()

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${PROJECT_SOURCE_DIR}/cmake/debian/changelog.in ${control_files}/changelog @ONLY)
sendoff_write_symbols(${control_files}/symbols)
file(CONFIGURE OUTPUT ${control_files}/shlibs
     CONTENT "libsendoff ${PROJECT_VERSION_MAJOR} ${runtime_package} (>= ${PROJECT_VERSION})\n")
file(CONFIGURE OUTPUT ${control_files}/triggers CONTENT "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA
    ${control_files}/symbols ${control_files}/shlibs ${control_files}/triggers)
sendoff_development_packages(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS)
if(SENDOFF_WITH_TLS) # loaded when a producer wants them: for OAUTHBEARER's tokens over HTTPS, for Kerberos
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "libcurl4 | libcurl4t64 | libcurl3-gnutls, libgssapi-krb5-2")
endif()
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${runtime_package} (>= ${PROJECT_VERSION})")
