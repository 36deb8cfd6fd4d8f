#include "llama/engine.h"

#include <ggml.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "llama/llama_runner.h"

namespace bhroute::llama {
namespace {

TEST(Engine, SaysItsVersionAndDevices) {
  EXPECT_NE(engine_version().find("llama.cpp"), std::string::npos);
  EXPECT_NE(engine_devices().find("CPU"), std::string::npos);
}

TEST(Engine, KeepsTheFirstErrorOnce) {
  start_engine();
  take_engine_message();
  EXPECT_EQ(llama_model_load_from_file("/nowhere.gguf", llama_model_default_params()), nullptr);
  EXPECT_FALSE(take_engine_message().empty());
  EXPECT_TRUE(take_engine_message().empty());
}

TEST(EngineDeathTest, AnAssertionGoesToTheHandler) {
  const auto assertion = [] {
    set_assertion_handler([](const char* message) {
      std::fputs(message, stderr);
      ::_exit(7);
    });
    GGML_ABORT("of no use");
  };
  EXPECT_EXIT(assertion(), ::testing::ExitedWithCode(7), "engine_test.cpp.*of no use");
}

}  // namespace
}  // namespace bhroute::llama
