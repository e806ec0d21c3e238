# A room is a folder of src/gesso/, one static library `gesso_NAME` (alias gesso::NAME), and its
# own include root. The include root holds a link to that room alone, so a header of a room that is
# not among DEPENDS cannot be included by mistake. A room within a larger one is named by its path:
# `localdb/storage` is the library `gesso_localdb_storage`.
#
#   DEPENDS          rooms that its headers and sources include
#   PRIVATE_DEPENDS  rooms that its sources alone include
#   FACE             headers beside its folder that it defines: the public face of a larger room
#   INTERNAL         its headers are not installed

add_library(gesso_options INTERFACE)
target_compile_features(gesso_options INTERFACE cxx_std_20)
target_compile_options(gesso_options INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(GESSO_WERROR)
  target_compile_options(gesso_options INTERFACE -Werror)
endif()
if(GESSO_SANITIZE)
  target_compile_options(gesso_options INTERFACE
    -fsanitize=${GESSO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(gesso_options INTERFACE -fsanitize=${GESSO_SANITIZE})
endif()

set(GESSO_ROOMS "" CACHE INTERNAL "")
set(GESSO_PUBLIC_FOLDERS "" CACHE INTERNAL "")
set(GESSO_PUBLIC_HEADERS "" CACHE INTERNAL "")

function(gesso_room name)
  cmake_parse_arguments(ROOM "INTERNAL" ""
    "DEPENDS;PRIVATE_DEPENDS;LIBRARIES;PRIVATE_LIBRARIES;FACE" ${ARGN})
  set(folder ${PROJECT_SOURCE_DIR}/src/gesso/${name})
  string(REPLACE "/" "_" room ${name})
  set(root ${PROJECT_BINARY_DIR}/rooms/${room})
  cmake_path(GET name PARENT_PATH parent)
  file(MAKE_DIRECTORY ${root}/gesso/${parent})
  file(CREATE_LINK ${folder} ${root}/gesso/${name} SYMBOLIC)
  foreach(header ${ROOM_FACE})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/gesso/${header} ${root}/gesso/${header} SYMBOLIC)
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  foreach(kind DEPENDS PRIVATE_DEPENDS)
    string(REPLACE "/" "_" ROOM_${kind} "${ROOM_${kind}}")
    list(TRANSFORM ROOM_${kind} PREPEND gesso_)
  endforeach()

  set(target gesso_${room})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:gesso_options>
                          ${ROOM_PRIVATE_DEPENDS} ${ROOM_PRIVATE_LIBRARIES})
    target_compile_features(${target} PUBLIC cxx_std_20)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    target_link_libraries(${target} INTERFACE ${ROOM_PRIVATE_LIBRARIES})
  endif()
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${root}>
                             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} ${scope} ${ROOM_DEPENDS} ${ROOM_LIBRARIES})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${room})
  add_library(gesso::${room} ALIAS ${target})
  set(GESSO_ROOMS ${GESSO_ROOMS} ${room} CACHE INTERNAL "")
  if(NOT ROOM_INTERNAL)
    set(GESSO_PUBLIC_FOLDERS ${GESSO_PUBLIC_FOLDERS} ${name} CACHE INTERNAL "")
  endif()
  set(GESSO_PUBLIC_HEADERS ${GESSO_PUBLIC_HEADERS} ${ROOM_FACE} CACHE INTERNAL "")
endfunction()

# A program from a folder of src/gesso/: every .cpp but main.cpp is a library that tests can link.
function(gesso_program name)
  cmake_parse_arguments(PROGRAM "" "FROM" "DEPENDS;LIBRARIES" ${ARGN})
  set(folder ${PROJECT_SOURCE_DIR}/src/gesso/${PROGRAM_FROM})
  set(root ${PROJECT_BINARY_DIR}/rooms/${PROGRAM_FROM})
  file(MAKE_DIRECTORY ${root}/gesso)
  file(CREATE_LINK ${folder} ${root}/gesso/${PROGRAM_FROM} SYMBOLIC)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  string(REPLACE "/" "_" PROGRAM_DEPENDS "${PROGRAM_DEPENDS}")
  list(TRANSFORM PROGRAM_DEPENDS PREPEND gesso_)
  if(NOT sources)
    message(FATAL_ERROR "${folder} holds no source beside main.cpp")
  endif()
  add_library(gesso_${PROGRAM_FROM} STATIC ${sources})
  target_include_directories(gesso_${PROGRAM_FROM} PUBLIC ${root})
  target_compile_definitions(gesso_${PROGRAM_FROM} PRIVATE GESSO_VERSION="${PROJECT_VERSION}")
  target_link_libraries(gesso_${PROGRAM_FROM} PUBLIC ${PROGRAM_DEPENDS} ${PROGRAM_LIBRARIES}
                        PRIVATE gesso_options)
  add_executable(${name} ${folder}/main.cpp)
  target_link_libraries(${name} PRIVATE gesso_${PROGRAM_FROM} gesso_options)
endfunction()

# tests/NAME/*.cpp as one executable test_NAME that links the rooms behind USES.
function(gesso_test name)
  cmake_parse_arguments(TEST "" "" "USES;LIBRARIES;SOURCES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  list(TRANSFORM TEST_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  string(REPLACE "/" "_" TEST_USES "${TEST_USES}")
  list(TRANSFORM TEST_USES PREPEND gesso_)
  string(REPLACE "/" "_" room ${name})
  add_executable(test_${room} ${sources} ${TEST_SOURCES})
  target_link_libraries(test_${room} PRIVATE ${TEST_USES} gesso_testing ${TEST_LIBRARIES}
                        GTest::gmock_main GTest::gtest gesso_options)
  target_include_directories(test_${room} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(test_${room} PRIVATE
    GESSO_SOURCE_DIR="${PROJECT_SOURCE_DIR}" GESSO_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${room} COMMAND test_${room})
endfunction()
