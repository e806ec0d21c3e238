# What makes a build faster and changes nothing else: a compiler cache and a quick linker.
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
