// The shared object as a host sees it.

#include <dlfcn.h>
#include <ggml-backend-impl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ggml/host_model.h"

namespace bhroute::ggml {
namespace {

using test::LoadedPlugin;

TEST(Plugin, IsAnAccelDeviceOfTheHostsApiVersion) {
  const int api = ggml_backend_reg_get(0)->api_version;
  LoadedPlugin plugin;
  EXPECT_EQ(plugin.registry()->api_version, api);
  EXPECT_STREQ(ggml_backend_reg_name(plugin.registry()), "bhroute");
  ASSERT_EQ(ggml_backend_reg_dev_count(plugin.registry()), 1u);
  ggml_backend_dev_t device = ggml_backend_reg_dev_get(plugin.registry(), 0);
  EXPECT_EQ(ggml_backend_dev_type(device), GGML_BACKEND_DEVICE_TYPE_ACCEL);
  EXPECT_EQ(ggml_backend_dev_buffer_type(device), ggml_backend_cpu_buffer_type());
}

using Init = ggml_backend_reg_t (*)();

TEST(Plugin, SaysTheVersionOfTheHostAndRefusesUnknownOnes) {
  ggml_backend_reg_t cpu = ggml_backend_reg_get(0);
  const int real = cpu->api_version;
  void* plugin = dlopen(BHROUTE_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(plugin, nullptr) << dlerror();
  const auto init = reinterpret_cast<Init>(dlsym(plugin, "ggml_backend_init"));
  for (const int version : {1, 4, 3, 2}) {
    cpu->api_version = version;
    testing::internal::CaptureStderr();
    ggml_backend_reg_t registry = init();
    const std::string told = testing::internal::GetCapturedStderr();
    if (version < 2 || version > 3)
      EXPECT_THAT(told, testing::HasSubstr("unknown backend API version")) << version;
    else
      EXPECT_EQ(registry->api_version, version);
    EXPECT_EQ(registry == nullptr, version < 2 || version > 3);
  }
  cpu->api_version = real;
}

TEST(Plugin, NeedsNothingOfGgmlAndExportsItsEntryAndVersionAlone) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a second copy of the sanitizer's library cannot be loaded";
#endif
  // Alone in a namespace of its own there is no ggml: it loads, and says why it cannot be used.
  void* alone = dlmopen(LM_ID_NEWLM, BHROUTE_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(alone, nullptr) << dlerror();
  EXPECT_NE(dlsym(alone, "ggml_backend_init"), nullptr);
  EXPECT_NE(dlsym(alone, "bhroute_ggml_version"), nullptr);
  EXPECT_EQ(dlsym(alone, "_ZN7bhroute7versionEv"), nullptr);
  dlclose(alone);
}

TEST(Plugin, ARefusedPolicyIsExplainedInOneLine) {
  LoadedPlugin plugin;
  try {
    plugin.set_policy("bh:alpha=7");
    FAIL() << "alpha 7 was taken";
  } catch (const std::runtime_error& refusal) {
    EXPECT_THAT(refusal.what(), testing::HasSubstr("alpha"));
  }
}

}  // namespace
}  // namespace bhroute::ggml
