# `cpack -G DEB` in build/deb (tools/deb/build.sh): one package with everything that is installed, llama.cpp's libraries too.
set(CPACK_PACKAGE_NAME bhroute)
set(CPACK_PACKAGE_CONTACT "the bhroute authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Adaptive expert selection for mixture-of-experts models")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Calibrates the router logits of a mixture of experts, selects experts by a\nmultiple-testing rule, measures what that costs, and does it inside\nunmodified llama.cpp programs by a plugin. With the C and C++ libraries.")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${BHROUTE_LLAMA_DIR}/lib)
# Of the C++ libraries' headers; the C API needs none.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "g++, cmake, pkg-config, libfmt-dev, libexpected-dev, nlohmann-json3-dev, libssl-dev, libhwy-dev")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/tools/deb/preinst)
endif()
include(CPack)
