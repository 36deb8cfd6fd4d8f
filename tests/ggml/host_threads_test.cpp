#include "ggml/host_threads.h"

#include <gtest/gtest.h>

#include <thread>

namespace bhroute::ggml {
namespace {

TEST(HostThreads, TakesThePoolThatThisThreadsHostNamedOnce) {
  ASSERT_TRUE(bind_host(nullptr).has_value());
  listen_for_host_pool();
  listen_for_host_pool();
  ggml_backend_t cpu = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
  const auto ask = [&](const char* name) {
    return ggml_backend_reg_get_proc_address(
        ggml_backend_dev_backend_reg(ggml_backend_get_device(cpu)), name);
  };
  const auto set = reinterpret_cast<decltype(&::ggml_backend_cpu_set_threadpool)>(
      ask("ggml_backend_cpu_set_threadpool"));
  const auto make = reinterpret_cast<decltype(&::ggml_threadpool_new)>(ask("ggml_threadpool_new"));
  const auto free =
      reinterpret_cast<decltype(&::ggml_threadpool_free)>(ask("ggml_threadpool_free"));
  EXPECT_EQ(take_host_pool(), nullptr);

  ggml_threadpool_params params = {};
  params.n_threads = 2;
  ggml_threadpool_t pool = make(&params);
  set(cpu, pool);
  std::thread([] { EXPECT_EQ(take_host_pool(), nullptr); }).join();
  EXPECT_EQ(take_host_pool(), pool);
  EXPECT_EQ(take_host_pool(), nullptr);
  set(cpu, nullptr);
  EXPECT_EQ(take_host_pool(), nullptr);
  free(pool);
  ggml_backend_free(cpu);
}

}  // namespace
}  // namespace bhroute::ggml
