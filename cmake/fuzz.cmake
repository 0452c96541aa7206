# Each src/FLOOR/NAME_fuzz.cc is a libFuzzer program of its own, bin/NAME_fuzz. It links its own floor (and what that stands on) alone, so that
# the fuzz build compiles no more than the parsers need.
file(GLOB_RECURSE fuzzers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_fuzz.cc)
add_custom_target(fuzzers)
foreach(source ${fuzzers})
  get_filename_component(name ${source} NAME_WE)
  file(RELATIVE_PATH inside ${CMAKE_SOURCE_DIR}/src ${source})
  string(REGEX REPLACE "/.*" "" floor ${inside})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE steward_${floor})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  steward_program(${name})
  add_dependencies(fuzzers ${name})
endforeach()
