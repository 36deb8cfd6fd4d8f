// router_cuda_bench [--json]: microseconds a launch of the routing kernels on an NVIDIA GPU.
//
// A CUDA graph of many launches is replayed; each launch has buffers of its own until they exceed
// 100 MB, so that the L2 cache is cold. Beside each: the share of the memory bandwidth that a
// device-to-device copy of the same run reaches, and of the card's peak. Median of the replays
// [least - most].

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>
#include <vector>

#include "bhroute/kernels/routing_kernels_cuda.h"

namespace {

using namespace bhroute::kernels;
constexpr std::size_t kColdBytes = 100'000'000;
constexpr int kReplays = 21;

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  fmt::print(stderr, "router_cuda_bench: CUDA: {}\n", cudaGetErrorString(error));
  std::exit(1);
}

template <class T>
T* device_copy(const std::vector<T>& host) {
  T* data = nullptr;
  check(cudaMalloc(&data, host.size() * sizeof(T)));
  check(cudaMemcpy(data, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice));
  return data;
}

/// z with P(Z >= z) = p for a standard normal Z, by bisection.
float normal_quantile_above(double p) {
  double low = -40.0, high = 40.0;
  while (high - low > 1e-9) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > p ? low : high) = middle;
  }
  return static_cast<float>(high);
}

/// Standard normal logits, one expert in sixteen raised by 4.5 to 5.5: about 4 of 64 pass at alpha
/// 0.05.
std::vector<float> planted_logits(std::size_t num_tokens, std::size_t num_experts) {
  std::mt19937 random(20240501);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> raise(4.5f, 5.5f);
  std::vector<float> logits(num_tokens * num_experts);
  for (float& r : logits) r = normal(random);
  for (std::size_t t = 0; t < num_tokens; ++t) {
    for (std::size_t i = 0; i < num_experts / 16; ++i)
      logits[t * num_experts + random() % num_experts] += raise(random);
  }
  return logits;
}

struct Timing {
  double median = 0.0, least = 0.0, most = 0.0;  // microseconds a launch
};

/// Replays a graph of `launches` calls of launch(i, stream).
Timing replay(int launches, const std::function<void(int, cudaStream_t)>& launch) {
  cudaStream_t stream;
  cudaGraph_t graph;
  cudaGraphExec_t exec;
  cudaEvent_t begin, end;
  check(cudaStreamCreate(&stream));
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  for (int i = 0; i < launches; ++i) launch(i, stream);
  check(cudaStreamEndCapture(stream, &graph));
  check(cudaGraphInstantiate(&exec, graph, 0));
  std::vector<double> times;
  for (int i = -3; i < kReplays; ++i) {  // the first three warm up
    float ms = 0.0f;
    check(cudaEventRecord(begin, stream));
    check(cudaGraphLaunch(exec, stream));
    check(cudaEventRecord(end, stream));
    check(cudaEventSynchronize(end));
    check(cudaEventElapsedTime(&ms, begin, end));
    if (i >= 0) times.push_back(1000.0 * ms / launches);
  }
  check(cudaGraphExecDestroy(exec));
  check(cudaGraphDestroy(graph));
  check(cudaStreamDestroy(stream));
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front(), times.back()};
}

/// Bytes a second of a large copy, read and written.
double copy_bandwidth() {
  constexpr std::size_t kBytes = std::size_t{1} << 30;
  void *from = nullptr, *to = nullptr;
  check(cudaMalloc(&from, kBytes));
  check(cudaMalloc(&to, kBytes));
  const Timing t = replay(4, [&](int, cudaStream_t stream) {
    check(cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice, stream));
  });
  check(cudaFree(from));
  check(cudaFree(to));
  return 2.0 * kBytes / (t.median * 1e-6);
}

double peak_bandwidth() {
  int clock_khz = 0, bits = 0;
  check(cudaDeviceGetAttribute(&clock_khz, cudaDevAttrMemoryClockRate, 0));
  check(cudaDeviceGetAttribute(&bits, cudaDevAttrGlobalMemoryBusWidth, 0));
  return 2.0 * clock_khz * 1e3 * bits / 8;
}

struct Case {
  const char* rule;
  std::size_t num_tokens, num_experts, max_k;
};

nlohmann::json run(const Case& c, double copy, double peak) {
  const std::size_t bytes = c.num_tokens * (c.num_experts * 4 + c.max_k * 8 + 4);
  const int buffers = static_cast<int>(std::clamp<std::size_t>(kColdBytes / bytes + 1, 2, 200));
  const auto logits = planted_logits(std::min<std::size_t>(c.num_tokens, 65536), c.num_experts);
  std::vector<float> critical;
  for (std::size_t k = 1; k <= c.num_experts; ++k)
    critical.push_back(
        normal_quantile_above(0.05 * static_cast<double>(k) / static_cast<double>(c.num_experts)));
  float* bounds = device_copy(critical);
  std::vector<float*> inputs, weights;
  std::vector<std::int32_t*> ids, counts;
  for (int b = 0; b < buffers; ++b) {
    float* data = nullptr;
    check(cudaMalloc(&data, c.num_tokens * c.num_experts * 4));
    for (std::size_t t = 0; t < c.num_tokens; t += 65536) {
      const std::size_t rows = std::min<std::size_t>(65536, c.num_tokens - t);
      check(cudaMemcpy(data + t * c.num_experts, logits.data(), rows * c.num_experts * 4,
                       cudaMemcpyHostToDevice));
    }
    inputs.push_back(data);
    weights.push_back(device_copy(std::vector<float>(c.num_tokens * c.max_k)));
    ids.push_back(device_copy(std::vector<std::int32_t>(c.num_tokens * c.max_k)));
    counts.push_back(device_copy(std::vector<std::int32_t>(c.num_tokens)));
  }
  const bool bh = std::string_view(c.rule) != "top_k", rows = std::string_view(c.rule) == "bh+rows";
  std::int32_t *offsets = nullptr, *pairs = nullptr, *scratch = nullptr;
  if (rows) {
    offsets = device_copy(std::vector<std::int32_t>(c.num_experts + 1));
    pairs = device_copy(std::vector<std::int32_t>(c.num_tokens * c.max_k));
    scratch = device_copy(std::vector<std::int32_t>(num_scratch_cuda(c.num_tokens, c.num_experts)));
  }
  const CudaRouteExtras extras{.row_offsets = offsets, .row_pairs = pairs, .scratch = scratch};
  const Timing time = replay(std::max(buffers, 20), [&](int i, cudaStream_t stream) {
    const std::size_t b = static_cast<std::size_t>(i % buffers);
    const CudaRouteInputs in{.logits = inputs[b],
                             .num_tokens = c.num_tokens,
                             .num_experts = c.num_experts,
                             .token_stride = c.num_experts};
    const RouteOutputs out{ids[b], weights[b], counts[b]};
    const CudaLaunch launched = bh ? route_step_up_cuda(in, bounds, 1, c.max_k, out, stream, extras)
                                   : route_top_k_cuda(in, c.max_k, out, stream);
    if (launched != CudaLaunch::ok) check(cudaErrorLaunchFailure);
  });
  for (int b = 0; b < buffers; ++b) {
    const auto i = static_cast<std::size_t>(b);
    for (void* p : {static_cast<void*>(inputs[i]), static_cast<void*>(weights[i]),
                    static_cast<void*>(ids[i]), static_cast<void*>(counts[i])})
      check(cudaFree(p));
  }
  for (std::int32_t* p : {offsets, pairs, scratch}) check(cudaFree(p));
  check(cudaFree(bounds));
  const double rate = static_cast<double>(bytes) / (time.median * 1e-6);
  return {{"rule", c.rule},       {"num_tokens", c.num_tokens}, {"num_experts", c.num_experts},
          {"max_k", c.max_k},     {"us", time.median},          {"us_least", time.least},
          {"us_most", time.most}, {"of_copy", rate / copy},     {"of_peak", rate / peak}};
}

void print(const nlohmann::json& r) {
  fmt::print(
      "{:<7} N {:>3} max_k {:>2} {:>8} tokens {:>9.2f} us [{:.2f} - {:.2f}]  {:>5.1f} % of a copy, "
      "{:>5.1f} % of peak\n",
      r["rule"].get<std::string>(), r["num_experts"].get<int>(), r["max_k"].get<int>(),
      r["num_tokens"].get<int>(), r["us"].get<double>(), r["us_least"].get<double>(),
      r["us_most"].get<double>(), 100 * r["of_copy"].get<double>(),
      100 * r["of_peak"].get<double>());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_json = argc > 1 && std::string_view(argv[1]) == "--json";
  if (argc > 2 || (argc == 2 && !as_json)) {
    fmt::print(stderr, "usage: router_cuda_bench [--json]\n");
    return 2;
  }
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    fmt::print(stderr, "router_cuda_bench: no NVIDIA GPU here\n");
    return 1;
  }
  cudaDeviceProp device;
  check(cudaGetDeviceProperties(&device, 0));
  const double copy = copy_bandwidth(), peak = peak_bandwidth();
  nlohmann::json results = {
      {"device", device.name}, {"copy_bytes_per_second", copy}, {"peak_bytes_per_second", peak}};
  if (!as_json)
    fmt::print("{}: a copy moves {:.2f} TB/s, peak {:.2f} TB/s\n", device.name, copy / 1e12,
               peak / 1e12);
  for (const char* rule : {"bh", "bh+rows", "top_k"}) {
    for (std::size_t n : {64, 128}) {
      for (std::size_t tokens : {1, 256, 4096, 16384, 131072, 1048576}) {
        const auto result = run({rule, tokens, n, 8}, copy, peak);
        if (!as_json) print(result);
        results["runs"].push_back(result);
      }
    }
  }
  if (as_json) fmt::print("{}\n", results.dump(2));
}
