# What cpack makes of what is installed: Debian packages of a build with SENDOFF_DEBIAN, a tarball of a self-contained
# one. scripts/packages makes both.
set(CPACK_PACKAGE_NAME sendoff)
set(CPACK_PACKAGE_VENDOR "The Sendoff maintainers")
set(CPACK_PACKAGE_CONTACT "The Sendoff maintainers <maintainers@sendoff.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
# Whatever the umask of who makes them.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL runtime development tools)

if(SENDOFF_DEBIAN)
  include(cmake/package_debian.cmake)
elseif(SENDOFF_SELF_CONTAINED)
  include(cmake/package_tarball.cmake)
else()
  return()
endif()
include(CPack)
