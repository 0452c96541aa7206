# Debian packages, and the pinned third-party packages which `make setup` lays under build/third_party.
set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n data)
find_package(date REQUIRED)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(edit REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(simdjson REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(poppler REQUIRED IMPORTED_TARGET poppler-cpp)
pkg_check_modules(xml REQUIRED IMPORTED_TARGET libxml-2.0)
pkg_check_modules(zip REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)

find_path(STEMMER_INCLUDE libstemmer.h REQUIRED)
find_library(STEMMER_LIBRARY libstemmer.a REQUIRED)  # linked into the program: no package is needed to run it
add_library(steward_stemmer INTERFACE)
target_include_directories(steward_stemmer SYSTEM INTERFACE ${STEMMER_INCLUDE})
target_link_libraries(steward_stemmer INTERFACE ${STEMMER_LIBRARY})

add_library(tomlplusplus INTERFACE)  # header only, as Debian packages it
target_compile_definitions(tomlplusplus INTERFACE TOML_HEADER_ONLY=1 TOML_EXCEPTIONS=0)

find_path(RAPIDCHECK_INCLUDE rapidcheck.h REQUIRED)
find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)
add_library(rapidcheck INTERFACE)
target_include_directories(rapidcheck SYSTEM INTERFACE ${RAPIDCHECK_INCLUDE})
target_link_libraries(rapidcheck INTERFACE ${RAPIDCHECK_LIBRARY})

set(STEWARD_THIRD_PARTY ${CMAKE_SOURCE_DIR}/build/third_party CACHE PATH "What `make setup` laid down")
add_library(steward_sqlite STATIC IMPORTED)
set_target_properties(steward_sqlite PROPERTIES
  IMPORTED_LOCATION ${STEWARD_THIRD_PARTY}/sqlite/lib/libsqlite3.a
  INTERFACE_INCLUDE_DIRECTORIES ${STEWARD_THIRD_PARTY}/sqlite/include)
target_link_libraries(steward_sqlite INTERFACE Threads::Threads ${CMAKE_DL_LIBS} m)
