# steward_unity(TARGET): its source files are compiled in groups (tools/unity.py), which takes about half the time of one by one. After a
# change the whole group is compiled again: who works on the sources for long may prefer `cmake --preset release -DSTEWARD_UNITY=OFF`.
option(STEWARD_UNITY "Compile source files in groups" ON)

function(steward_unity target)
  if(NOT STEWARD_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  execute_process(COMMAND /usr/bin/python3 -m tools.unity ${CMAKE_SOURCE_DIR}/src ${sources} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
                  OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" lines "${lines}")
  foreach(line ${lines})
    string(REGEX MATCH "^(g[0-9]+) (.*)$" _ "${line}")
    set_source_files_properties(${CMAKE_MATCH_2} PROPERTIES UNITY_GROUP ${CMAKE_MATCH_1})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A file may come to use a name that another of its group has for itself.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
endfunction()
