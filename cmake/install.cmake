# What `cmake --install` puts where: the library, its one header, the command and the file for pkg-config.
if(TARGET sendoff)
  # Below ${prefix}, as pkg-config --define-prefix wants it, unless they are absolute themselves.
  cmake_path(APPEND pkgconfig_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})
  cmake_path(APPEND pkgconfig_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/sendoff.pc.in ${CMAKE_BINARY_DIR}/sendoff.pc @ONLY)
  install(TARGETS sendoff LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES ${PROJECT_SOURCE_DIR}/abi/sendoff/sendoff.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sendoff)
  install(FILES ${CMAKE_BINARY_DIR}/sendoff.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
if(TARGET sendoff_command)
  # Relative, so that the command finds its library wherever the prefix is.
  file(RELATIVE_PATH library_path ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(sendoff_command PROPERTIES INSTALL_RPATH "$ORIGIN/${library_path}")
  install(TARGETS sendoff_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
