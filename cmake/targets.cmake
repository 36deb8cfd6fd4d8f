# bhroute_library(core LINK ...): the static library of src/<folder>, every .cpp in it.
function(bhroute_library folder)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.cpp)
  if(NOT sources)
    add_library(bhroute_${folder} INTERFACE)
    target_link_libraries(bhroute_${folder} INTERFACE bhroute_options ${ARG_LINK})
    return()
  endif()
  add_library(bhroute_${folder} STATIC ${sources})
  set_target_properties(bhroute_${folder} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_definitions(bhroute_${folder} PRIVATE BHROUTE_VERSION="${PROJECT_VERSION}")
  target_link_libraries(bhroute_${folder} PUBLIC bhroute_options ${ARG_LINK})
endfunction()

# bhroute_test(stats LINK ... FIXTURES ...): one program of tests/<folder>/*_test.cpp.
function(bhroute_test folder)
  cmake_parse_arguments(ARG "" "" "LINK;FIXTURES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/*_test.cpp)
  list(FILTER sources EXCLUDE REGEX "_cuda_test\\.cpp$")  # a program of their own, built with BHROUTE_CUDA
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources})
  target_link_libraries(test_${folder} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main rapidcheck_gtest)
  target_include_directories(test_${folder} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(test_${folder} PRIVATE BHROUTE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data"
                             BHROUTE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(test_${folder} DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${folder} FIXTURES_REQUIRED "${ARG_FIXTURES}")
endfunction()
