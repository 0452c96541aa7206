# Compiler settings that hold for every target.
add_compile_options(-Wall -Wextra -Wpedantic -Werror=return-type -Wno-unused-parameter -Wno-missing-field-initializers)
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_DISABLE_BOOST_COROUTINE
                        JSON_DIAGNOSTICS=0 STEWARD_VERSION="${PROJECT_VERSION}")
# The same position-independent code for libraries and programs, since they share the precompiled header.
add_compile_options(-fPIE)
add_link_options(-pie -fuse-ld=lld -Wl,--gc-sections)
add_compile_options(-ffunction-sections -fdata-sections)

if(STEWARD_SANITIZE)
  add_compile_options(-fsanitize=${STEWARD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${STEWARD_SANITIZE})
endif()
if(STEWARD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# ccache keeps rebuilds and fresh clones on one machine short. The precompiled header must not carry a time stamp, or it never hits.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
