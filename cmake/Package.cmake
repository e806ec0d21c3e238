# `cpack` makes a Debian package of the program and its systemd units: gesso_VERSION_ARCH.deb. It takes
# what is built and builds nothing; its dependencies are those of the program's libraries.
set(units deploy/debian/gesso-serve.service deploy/debian/gesso-work.service)
install(FILES ${units} DESTINATION lib/systemd/system COMPONENT service EXCLUDE_FROM_ALL)
install(FILES deploy/debian/gesso.env DESTINATION /etc/gesso
        PERMISSIONS OWNER_READ OWNER_WRITE COMPONENT service EXCLUDE_FROM_ALL)
install(FILES README.md docs/OPERATIONS.md DESTINATION share/doc/gesso
        COMPONENT service EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gesso)
set(CPACK_PACKAGE_CONTACT "The Gesso project <gesso@gesso.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Back end of an AI image-generation platform")
set(CPACK_PACKAGE_DESCRIPTION
    "Users, credits, generations, billing and limits over the MongoDB protocol, with a database
inside or a server's. gesso-serve.service answers HTTP, gesso-work.service paints.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL service)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles
    ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
    ${PROJECT_SOURCE_DIR}/deploy/debian/prerm
    ${PROJECT_SOURCE_DIR}/deploy/debian/postrm)
include(CPack)
