# Runs in cpack between installation and packing: manuals and changelogs are compressed, links to manuals go to the
# compressed ones.
file(GLOB_RECURSE texts ${CPACK_TEMPORARY_DIRECTORY}/*)
list(FILTER texts INCLUDE REGEX "/share/man/man[0-9]/[^/]+\\.[0-9]$|/share/doc/[^/]+/changelog$")
foreach(text IN LISTS texts)
  if(IS_SYMLINK ${text})
    file(READ_SYMLINK ${text} target)
    file(REMOVE ${text})
    file(CREATE_LINK ${target}.gz ${text}.gz SYMBOLIC)
  else()
    execute_process(COMMAND gzip -9n ${text} COMMAND_ERROR_IS_FATAL ANY)
  endif()
endforeach()
