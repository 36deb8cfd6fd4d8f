# What `cmake --install` puts into a prefix for other projects: find_package(bhroute CONFIG) with bhroute::bhroute (C++, static
# libraries) and bhroute::c (libbhroute.so), and bhroute.pc. The program and the plugin: apps/bhroute/CMakeLists.txt.
include(CMakePackageConfigHelpers)

# First of all, so that a tree in which only the program is built (`make demo`) says what to do and installs nothing.
set(installed bhroute bhroute_c)
if(BHROUTE_LLAMA)
  list(APPEND installed ggml-bhroute)
endif()
foreach(target ${installed})
  install(CODE "if(NOT EXISTS \"$<TARGET_FILE:${target}>\")
    message(FATAL_ERROR \"$<TARGET_FILE_NAME:${target}> is not built: run `make build` first\")
  endif()")
endforeach()

add_library(bhroute_all INTERFACE)
set_target_properties(bhroute_all PROPERTIES EXPORT_NAME bhroute)
target_link_libraries(bhroute_all INTERFACE bhroute_evaluation)
add_library(bhroute::bhroute ALIAS bhroute_all)
add_library(bhroute::c ALIAS bhroute_c)

set(folders options core stats calibration kernels routing evaluation)
foreach(folder ${folders})
  set_target_properties(bhroute_${folder} PROPERTIES EXPORT_NAME ${folder})
endforeach()
list(TRANSFORM folders PREPEND bhroute_)
set_target_properties(bhroute_c PROPERTIES EXPORT_NAME c)
install(TARGETS bhroute_all bhroute_c ${folders} EXPORT bhroute
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} PATTERN "*_cuda.h" EXCLUDE)
install(FILES adapters/ggml/bhroute_ggml.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/bhroute)
install(EXPORT bhroute NAMESPACE bhroute:: FILE bhrouteTargets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/templates/bhrouteConfig.cmake.in ${CMAKE_BINARY_DIR}/bhrouteConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
# Before 1.0 a new minor version may break what is compiled against an old one.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/bhrouteConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/bhrouteConfig.cmake ${CMAKE_BINARY_DIR}/bhrouteConfigVersion.cmake
        DESTINATION ${package_folder})

# Relative to itself, so that a prefix can be moved.
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" to_prefix ${to_prefix})
configure_file(cmake/templates/bhroute.pc.in ${CMAKE_BINARY_DIR}/bhroute.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/bhroute.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
