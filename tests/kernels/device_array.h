#pragma once
// The host's arrays in the memory of an NVIDIA GPU.

#include <cuda_runtime.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace bhroute::testing {

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

/// An array in device memory, filled from the host's.
template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& host) : size_(host.size()) {
    check(cudaMalloc(&data_, std::max<std::size_t>(size_, 1) * sizeof(T)));
    check(cudaMemcpy(data_, host.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(data_); }
  T* data() const { return data_; }
  void copy_to(std::vector<T>& host) const {
    check(cudaMemcpy(host.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

/// The values in half the bits: what the GPU reads, and (rounded) what the CPU must be given.
template <class Half, class To, class From>
std::vector<Half> halves(std::vector<float>& values, To to, From from) {
  std::vector<Half> out;
  for (float& v : values) {
    out.push_back(to(v));
    v = from(out.back());
  }
  return out;
}

}  // namespace bhroute::testing
