#include "llama/node_budget.h"

#include <gtest/gtest.h>

#include "llama/engine.h"
#include "llama/nano.h"

namespace bhroute::llama {
namespace {

GgufFacts sixteen_layers() {
  GgufFacts facts;
  facts.architecture = "olmoe";
  facts.num_tensors = 195;
  for (int i = 0; i < 16; ++i) facts.moe_layers.push_back(i);
  return facts;
}

TEST(NodeBudget, NothingLacksWithinTheEnginesOwn) {
  EXPECT_EQ(missing_nodes(sixteen_layers(), 900, 8, 8), 0u);
  EXPECT_EQ(missing_nodes(sixteen_layers(), 900, 8, 4), 0u);
  EXPECT_EQ(missing_nodes(sixteen_layers(), 900, 8, 16), 0u);
}

TEST(NodeBudget, EachSlotCostsTwoNodesALayer) {
  // (900 + 2 * 56 * 16) * 1.1 = 2961 against 8 * 195 = 1560
  EXPECT_EQ(missing_nodes(sixteen_layers(), 900, 8, 64), 1401u);
}

TEST(NodeBudget, RefusesWithTheReasonWhereNoLoraCanHang) {
  const auto widened = widen_node_budget(nullptr, sixteen_layers(), 100);
  ASSERT_FALSE(widened);
  EXPECT_NE(widened.error().what.find("graph node budget"), std::string::npos);
}

TEST(NodeBudget, RefusesWithTheReasonWhereTheEngineRefusesTheLora) {
  start_engine();
  auto facts = read_gguf_facts(test::nano_path());
  ASSERT_TRUE(facts);
  Model model(llama_model_load_from_file(test::nano_path().c_str(), llama_model_default_params()),
              &llama_model_free);
  ASSERT_TRUE(model);
  ASSERT_TRUE(widen_node_budget(model.get(), *facts, 1000));
  facts->attention.front().rows_in += 1;
  const auto refused = widen_node_budget(model.get(), *facts, 1000);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("refused"), std::string::npos);
}

}  // namespace
}  // namespace bhroute::llama
