# The CUDA kernels as a library of their own: src/kernels/*_cuda.cu. Nothing else depends on a GPU.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90 100)  # 8.6 and 8.9 run the code for 8.0, later ones compile that for 10.0 anew
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
file(GLOB cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/*_cuda.cu)
add_library(bhroute_kernels_cuda STATIC ${cuda_sources})
target_include_directories(bhroute_kernels_cuda PUBLIC include PRIVATE src)
# As a plain flag: this CMake does not know that nvcc speaks C++20.
target_compile_options(bhroute_kernels_cuda PRIVATE -std=c++20 --expt-relaxed-constexpr)
set_target_properties(bhroute_kernels_cuda PROPERTIES CUDA_STANDARD_REQUIRED OFF)
target_link_libraries(bhroute_kernels_cuda PUBLIC CUDA::cudart_static)
