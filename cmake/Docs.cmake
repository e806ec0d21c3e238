# The page at /docs is a viewer from npm that is built into the program, the console at /console is
# built from web/console by Vite. `npm ci` runs once for each, and again when its package-lock.json
# changes; without the scripts of the packages, of which one would tell its maker about the
# installation.
option(GESSO_DOCS "Build the viewer of the API and the console into the program; needs Node.js and npm" ON)

if(NOT GESSO_DOCS)
  target_sources(gesso_api PRIVATE ${PROJECT_SOURCE_DIR}/web/without_viewer.cpp)
  return()
endif()

find_program(GESSO_NODE node)
find_program(GESSO_NPM npm)
if(NOT GESSO_NODE OR NOT GESSO_NPM)
  message(FATAL_ERROR "Node.js and npm are needed for the pages at /docs and /console: install both "
                      "(apt.txt), or configure with -DGESSO_DOCS=OFF, which leaves them out")
endif()

# `npm ci` of a folder with a package.json and its lock, into a folder of the build.
function(gesso_npm_ci source made about)
  file(MAKE_DIRECTORY ${made})
  add_custom_command(
    OUTPUT ${made}/installed
    COMMAND ${CMAKE_COMMAND} -E copy ${source}/package.json ${source}/package-lock.json ${made}
    COMMAND ${GESSO_NPM} ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${made}/installed
    DEPENDS ${source}/package.json ${source}/package-lock.json
    WORKING_DIRECTORY ${made}
    COMMENT "Fetching ${about}"
    VERBATIM)
endfunction()

set(web ${PROJECT_SOURCE_DIR}/web)
set(docs ${PROJECT_BINARY_DIR}/web)
gesso_npm_ci(${web} ${docs} "the viewer of the API")
add_custom_command(
  OUTPUT ${docs}/docs_page.cpp
  COMMAND ${GESSO_NODE} ${web}/embed.mjs ${docs}/node_modules ${docs}/docs_page.cpp
  DEPENDS ${docs}/installed ${web}/embed.mjs ${web}/cpp_source.mjs ${web}/docs.html ${web}/docs.css
          ${web}/docs.js
  VERBATIM)

set(console ${PROJECT_BINARY_DIR}/console)
gesso_npm_ci(${web}/console ${console} "what the console is built with")
file(GLOB_RECURSE console_sources CONFIGURE_DEPENDS ${web}/console/src/*)
set(console_roots ${web}/console/index.html ${web}/console/vite.config.mjs ${web}/console/tsconfig.json)
add_custom_command(
  OUTPUT ${console}/console_page.cpp
  COMMAND ${CMAKE_COMMAND} -E copy ${console_roots} ${console}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${console}/src ${console}/dist
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${web}/console/src ${console}/src
  COMMAND ${GESSO_NODE} node_modules/vite/bin/vite.js build --logLevel warn
  COMMAND ${GESSO_NODE} ${web}/embed_console.mjs dist console_page.cpp
  DEPENDS ${console}/installed ${console_roots} ${console_sources} ${web}/embed_console.mjs
          ${web}/cpp_source.mjs
  WORKING_DIRECTORY ${console}
  COMMENT "Building the console"
  VERBATIM)
target_sources(gesso_api PRIVATE ${docs}/docs_page.cpp ${console}/console_page.cpp)
