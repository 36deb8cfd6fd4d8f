find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)
if(BHROUTE_PROGRAM)
  find_package(CLI11 REQUIRED)
endif()
find_package(OpenSSL REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
# All targets everywhere: without this a baseline with SIMD (arm64, -march=native) has no scalar kernels to force.
target_compile_definitions(PkgConfig::HWY INTERFACE HWY_COMPILE_ALL_ATTAINABLE)
if(NOT TARGET hwy::hwy)
  add_library(hwy::hwy ALIAS PkgConfig::HWY)
endif()

add_library(bhroute_options INTERFACE)
target_include_directories(bhroute_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
target_compile_features(bhroute_options INTERFACE cxx_std_20)
# The reference and the fast path must round alike: no contraction into fused multiply-adds. Not asked of whoever uses an
# installed library: what rounds is compiled here.
target_compile_options(bhroute_options INTERFACE $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra> $<BUILD_INTERFACE:-Wconversion>
                       $<BUILD_INTERFACE:-Wno-sign-conversion> $<BUILD_INTERFACE:-ffp-contract=off>)
target_link_libraries(bhroute_options INTERFACE tl::expected Threads::Threads)
if(BHROUTE_FUZZ)
  target_compile_options(bhroute_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BHROUTE_WERROR)
  target_compile_options(bhroute_options INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
if(BHROUTE_SANITIZE)
  # With assertions, whatever the build type says of NDEBUG.
  target_compile_options(bhroute_options INTERFACE -fsanitize=${BHROUTE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
                         -UNDEBUG -D_GLIBCXX_ASSERTIONS)
  target_link_options(bhroute_options INTERFACE -fsanitize=${BHROUTE_SANITIZE})
endif()
