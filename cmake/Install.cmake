# `cmake --install` and what find_package(gesso) needs. Tests and programs of the tree use the same
# targets, so what is installed is what was tested.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/gesso)
set(targets ${GESSO_ROOMS})
list(TRANSFORM targets PREPEND gesso_)

install(TARGETS ${targets} EXPORT gesso ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS gesso RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT service)
foreach(folder ${GESSO_PUBLIC_FOLDERS})
  install(DIRECTORY src/gesso/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/gesso
          FILES_MATCHING PATTERN "*.hpp" PATTERN detail EXCLUDE)
endforeach()
foreach(header ${GESSO_PUBLIC_HEADERS})
  cmake_path(GET header PARENT_PATH folder)
  install(FILES src/gesso/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/gesso/${folder})
endforeach()
install(EXPORT gesso NAMESPACE gesso:: DESTINATION ${package} FILE gessoTargets.cmake)

configure_package_config_file(cmake/gessoConfig.cmake.in ${PROJECT_BINARY_DIR}/gessoConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gessoConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gessoConfig.cmake ${PROJECT_BINARY_DIR}/gessoConfigVersion.cmake
              cmake/Dependencies.cmake
        DESTINATION ${package})
