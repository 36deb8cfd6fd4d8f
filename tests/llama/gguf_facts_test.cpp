#include "llama/gguf_facts.h"

#include <gguf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "llama/engine.h"
#include "llama/nano.h"

namespace bhroute::llama {
namespace {

class GgufFactsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { start_engine(); }
  std::string path_ = (std::filesystem::temp_directory_path() /
                       ("bhroute_gguf_facts_test" + std::to_string(getpid()) + ".gguf"))
                          .string();
  void TearDown() override { std::filesystem::remove(path_); }
};

TEST_F(GgufFactsTest, ReadsTheEmbeddedModel) {
  const auto facts = read_gguf_facts(test::nano_path());
  ASSERT_TRUE(facts) << to_string(facts.error());
  EXPECT_EQ(facts->architecture, "olmoe");
  EXPECT_EQ(facts->num_experts, 64u);
  EXPECT_EQ(facts->top_k, 8u);
  EXPECT_EQ(facts->d_model, 192u);
  EXPECT_EQ(facts->expert_d_ff, 64u);
  EXPECT_EQ(facts->context_length, 512u);
  ASSERT_EQ(facts->moe_layers.size(), 16u);
  EXPECT_EQ(facts->moe_layers.front(), 0);
  EXPECT_EQ(facts->moe_layers.back(), 15);
  EXPECT_EQ(facts->attention.size(), 64u);  // q, k, v and output of 16 layers
}

TEST_F(GgufFactsTest, NamesAMissingFile) {
  const auto facts = read_gguf_facts("/nowhere/model.gguf");
  ASSERT_FALSE(facts);
  EXPECT_EQ(to_string(facts.error()), "/nowhere/model.gguf: no such model file");
  EXPECT_EQ(facts.error().kind, ErrorKind::invalid_input);
}

TEST_F(GgufFactsTest, RefusesWhatIsNotAGguf) {
  std::ofstream(path_) << "not a model";
  const auto facts = read_gguf_facts(path_);
  ASSERT_FALSE(facts);
  EXPECT_NE(facts.error().what.find("not a readable GGUF"), std::string::npos);
}

TEST_F(GgufFactsTest, RefusesATruncatedHeader) {
  std::ifstream whole(test::nano_path(), std::ios::binary);
  std::string head(3000, '\0');
  whole.read(head.data(), 3000);
  std::ofstream(path_, std::ios::binary) << head;
  EXPECT_FALSE(read_gguf_facts(path_));
}

TEST_F(GgufFactsTest, RefusesADenseModelByName) {
  gguf_context* gguf = gguf_init_empty();
  gguf_set_val_str(gguf, "general.architecture", "llama");
  gguf_set_val_u32(gguf, "llama.embedding_length", 32);
  ASSERT_TRUE(gguf_write_to_file(gguf, path_.c_str(), false));
  gguf_free(gguf);
  const auto facts = read_gguf_facts(path_);
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().what, "not a mixture of experts");
  EXPECT_EQ(facts.error().kind, ErrorKind::invalid_input);
}

}  // namespace
}  // namespace bhroute::llama
