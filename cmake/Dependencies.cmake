# Everything comes from Debian 12; apt.txt is the list.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(CURL REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(bson REQUIRED IMPORTED_TARGET libbson-1.0)
pkg_check_modules(mongoc REQUIRED IMPORTED_TARGET libmongoc-1.0)
pkg_check_modules(lmdb REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
find_package(tomlplusplus REQUIRED)

find_program(GESSO_CCACHE ccache)
if(GESSO_CCACHE)
  # Paths are hashed relative to the tree, so that every build folder shares one cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${GESSO_CCACHE})
endif()

find_program(GESSO_MOLD mold)
if(GESSO_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
