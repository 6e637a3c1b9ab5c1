# A mutant is a patch of tests/mutants that puts one bug into the sources, to see whether the tests notice. Patched are
# copies in the build folder; the tree stays as it is. SENDOFF_MUTANT builds everything with one of them; what
# tests/mutants builds has each of them in programs of its own.
set(SENDOFF_MUTANT "" CACHE STRING "Put a bug into everything: the name of a patch of tests/mutants, without .patch")

# sendoff_mutant(PATCH FOLDER TOUCHED PATCHED): TOUCHED becomes the sources that the patch changes, PATCHED their
# copies, which the build makes below FOLDER.
function(sendoff_mutant patch folder touched patched)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${patch})
  file(STRINGS ${patch} sources REGEX "^\\+\\+\\+ b/(src|abi)/[a-z0-9_/]+\\.c$")
  list(TRANSFORM sources REPLACE "^\\+\\+\\+ b/" "")
  if(NOT sources)
    message(FATAL_ERROR "${patch} changes no source of src or abi")
  endif()
  set(originals ${sources})
  list(TRANSFORM originals PREPEND ${PROJECT_SOURCE_DIR}/)
  set(copies ${sources})
  list(TRANSFORM copies PREPEND ${folder}/)
  set(apply ${PROJECT_SOURCE_DIR}/tests/mutants/apply)
  add_custom_command(OUTPUT ${copies} COMMAND ${apply} ${patch} ${PROJECT_SOURCE_DIR} ${folder} ${sources}
                     DEPENDS ${patch} ${apply} ${originals} VERBATIM)
  set(${touched} ${originals} PARENT_SCOPE)
  set(${patched} ${copies} PARENT_SCOPE)
endfunction()

if(SENDOFF_MUTANT)
  set(patch ${PROJECT_SOURCE_DIR}/tests/mutants/${SENDOFF_MUTANT}.patch)
  if(NOT EXISTS ${patch})
    message(FATAL_ERROR "SENDOFF_MUTANT: there is no ${patch}")
  endif()
  # What has a bug on purpose must not get to users, by whatever way.
  if(NOT SENDOFF_TESTS OR CMAKE_BUILD_TYPE STREQUAL Release OR SENDOFF_SELF_CONTAINED OR SENDOFF_DEBIAN OR SENDOFF_JAVA)
    message(FATAL_ERROR "SENDOFF_MUTANT is for builds with tests that nobody installs: take the preset dev, in a "
                        "build folder of its own")
  endif()
  install(CODE "message(FATAL_ERROR \"This build has the bug ${SENDOFF_MUTANT} on purpose: it is not installed\")"
          ALL_COMPONENTS)
  sendoff_mutant(${patch} ${CMAKE_BINARY_DIR}/mutant SENDOFF_MUTANT_TOUCHED SENDOFF_MUTANT_PATCHED)
endif()

# sendoff_mutate(VARIABLE): in the list of sources those that SENDOFF_MUTANT changes are replaced by their copies.
function(sendoff_mutate variable)
  set(sources ${${variable}})
  foreach(original copy IN ZIP_LISTS SENDOFF_MUTANT_TOUCHED SENDOFF_MUTANT_PATCHED)
    list(TRANSFORM sources REPLACE "^${original}$" "${copy}")
  endforeach()
  set(${variable} ${sources} PARENT_SCOPE)
endfunction()
