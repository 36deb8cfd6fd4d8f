#pragma once

#include <cuda_runtime.h>
#include <gtest/gtest.h>

namespace bhroute::testing {

/// Tests that skip where there is no NVIDIA GPU.
class GpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0)
      GTEST_SKIP() << "no NVIDIA GPU here";
  }
};

}  // namespace bhroute::testing
