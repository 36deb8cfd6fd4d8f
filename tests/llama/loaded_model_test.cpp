#include "llama/loaded_model.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "llama/nano.h"

namespace bhroute::llama {
namespace {

LoadOptions small() {
  LoadOptions options;
  options.model_path = test::nano_path();
  options.sequence_length = 32;
  options.threads = 1;
  return options;
}

float first_logit(LoadedModel& model) {
  Batch batch(2, 1);
  model.forget();
  batch.add(17, 0, 0, false);
  batch.add(18, 1, 0, true);
  EXPECT_TRUE(model.decode(batch));
  return llama_get_logits_ith(model.context(), -1)[0];
}

TEST(LoadedModel, StartsWithTheModelsOwnSlots) {
  const auto model = LoadedModel::open(small());
  ASSERT_TRUE(model) << to_string(model.error());
  EXPECT_EQ((*model)->expert_slots(), 8u);
  EXPECT_EQ((*model)->description().vocab_size, 8192u);
  EXPECT_TRUE(std::isfinite(first_logit(**model)));
}

TEST(LoadedModel, ForgetsWhatItDecoded) {
  const auto model = LoadedModel::open(small());
  ASSERT_TRUE(model);
  const float once = first_logit(**model);
  EXPECT_EQ(first_logit(**model), once);
}

TEST(LoadedModel, TakesAnotherNumberOfThreadsBetweenDecodes) {
  const auto model = LoadedModel::open(small());
  ASSERT_TRUE(model);
  const float with_one = first_logit(**model);
  (*model)->set_threads(2);
  EXPECT_EQ(llama_n_threads((*model)->context()), 2);
  EXPECT_EQ(llama_n_threads_batch((*model)->context()), 2);
  EXPECT_EQ(first_logit(**model), with_one);
  ASSERT_TRUE((*model)->set_expert_slots(12));  // a graph of its own
  EXPECT_EQ(llama_n_threads((*model)->context()), 2);
}

TEST(LoadedModel, WhatLlamaCppRefusesIsAnError) {
  const auto model = LoadedModel::open(small());
  ASSERT_TRUE(model);
  Batch batch(2, 1);
  batch.add(17, 5, 0, true);
  batch.add(17, 3, 0, true);
  const auto decoded = (*model)->decode(batch);
  ASSERT_FALSE(decoded) << "positions must rise";
  EXPECT_NE(to_string(decoded.error()).find("llama.cpp failed"), std::string::npos);
}

TEST(LoadedModel, NamesAMissingFile) {
  LoadOptions options = small();
  options.model_path = "/nowhere.gguf";
  EXPECT_EQ(to_string(LoadedModel::open(options).error()), "/nowhere.gguf: no such model file");
}

TEST(LoadedModel, SaysWhyATruncatedFileCannotBeLoaded) {
  const std::filesystem::path path = testing::TempDir() + "truncated.gguf";
  std::filesystem::copy_file(test::nano_path(), path,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);  // all tensors begin
  LoadOptions options = small();
  options.model_path = path.string();
  const auto model = LoadedModel::open(options);
  std::filesystem::remove(path);
  ASSERT_FALSE(model);
  EXPECT_NE(to_string(model.error()).find("not within the file bounds"), std::string::npos)
      << to_string(model.error());
}

TEST(LoadedModel, RefusesMoreThreadsThanTheEngineHolds) {
  for (const int threads : {-1, 513}) {
    LoadOptions options = small();
    options.threads = threads;
    EXPECT_EQ(to_string(LoadedModel::open(options).error()),
              fmt::format("threads: out of range, got {}, want 0 (every core) to 512", threads));
  }
}

}  // namespace
}  // namespace bhroute::llama
