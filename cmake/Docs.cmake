# The page at /docs is a viewer from npm that is built into the program. `npm ci` runs once, and
# again when web/package-lock.json changes; without the scripts of the packages, of which one would
# tell its maker about the installation.
option(GESSO_DOCS "Build the viewer of the API into the program; needs Node.js and npm" ON)

if(NOT GESSO_DOCS)
  target_sources(gesso_api PRIVATE ${PROJECT_SOURCE_DIR}/web/without_viewer.cpp)
  return()
endif()

find_program(GESSO_NODE node)
find_program(GESSO_NPM npm)
if(NOT GESSO_NODE OR NOT GESSO_NPM)
  message(FATAL_ERROR "Node.js and npm are needed for the page at /docs: install both (apt.txt), or "
                      "configure with -DGESSO_DOCS=OFF, which leaves the viewer out")
endif()

set(web ${PROJECT_SOURCE_DIR}/web)
set(made ${PROJECT_BINARY_DIR}/web)
add_custom_command(
  OUTPUT ${made}/installed
  COMMAND ${CMAKE_COMMAND} -E copy ${web}/package.json ${web}/package-lock.json ${made}
  COMMAND ${GESSO_NPM} ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  COMMAND ${CMAKE_COMMAND} -E touch ${made}/installed
  DEPENDS ${web}/package.json ${web}/package-lock.json
  WORKING_DIRECTORY ${made}
  COMMENT "Fetching the viewer of the API"
  VERBATIM)
add_custom_command(
  OUTPUT ${made}/docs_page.cpp
  COMMAND ${GESSO_NODE} ${web}/embed.mjs ${made}/node_modules ${made}/docs_page.cpp
  DEPENDS ${made}/installed ${web}/embed.mjs ${web}/docs.html ${web}/docs.css ${web}/docs.js
  VERBATIM)
file(MAKE_DIRECTORY ${made})
target_sources(gesso_api PRIVATE ${made}/docs_page.cpp)
