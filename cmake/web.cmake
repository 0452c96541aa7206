# The web app: Vite builds web/ into one pack of files, which pack.S lays into the binary. A change of C++ builds nothing of it, a change of
# web/ compiles one object. set-up brings Node and the packages; where they are missing (a build folder from elsewhere) they are fetched here.
set(web_pack ${CMAKE_BINARY_DIR}/web/web.pack)
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/src/*)
list(FILTER web_sources EXCLUDE REGEX "(\\.test\\.tsx?|/api/schema\\.d\\.ts)$")
foreach(name index.html build.mjs vite.config.ts tsconfig.json package-lock.json openapi.json)
  list(APPEND web_sources ${CMAKE_SOURCE_DIR}/web/${name})
endforeach()
add_custom_command(
  OUTPUT ${web_pack}
  COMMAND /usr/bin/python3 -m tools.third_party node web
  COMMAND ${STEWARD_THIRD_PARTY}/node/bin/node ${CMAKE_SOURCE_DIR}/web/build.mjs ${CMAKE_BINARY_DIR}/web
  DEPENDS ${web_sources}
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
  COMMENT "The web app"
  VERBATIM)
add_library(steward_web STATIC ${CMAKE_SOURCE_DIR}/web/pack.S)
set_source_files_properties(${CMAKE_SOURCE_DIR}/web/pack.S PROPERTIES OBJECT_DEPENDS ${web_pack})
target_include_directories(steward_web PRIVATE ${CMAKE_BINARY_DIR}/web)
