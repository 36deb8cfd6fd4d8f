#include "ggml/block_router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>

#include "ggml/host_model.h"

namespace bhroute::ggml {
namespace {

using test::HostModel;
using test::HostOptions;
using test::LoadedPlugin;
using test::Logits;

constexpr int kLayers = 16;

TEST(BlockRouter, TheModelsOwnCountGivesTheSameBits) {
  const Logits stock = HostModel({}).run();
  LoadedPlugin plugin;
  plugin.set_policy("top_k:k=8");
  EXPECT_EQ(test::num_different(HostModel({}).run(), stock), 0u);
  const auto counted = plugin.statistics();
  EXPECT_EQ(counted.layers_fused, kLayers);
  EXPECT_EQ(counted.layers_untouched, 0u);
  EXPECT_EQ(counted.tokens, 2u * 43u);
  EXPECT_EQ(counted.pairs, 8u * kLayers * 2u * 43u);
}

TEST(BlockRouter, AFixedCountIsTheStockModelWithThatCount) {
  for (const int k : {1, 4, 12}) {  // 12 is more than the graph's own 8
    const HostOptions stock_options{.expert_used_count = k};
    const Logits stock = HostModel(stock_options).run();
    LoadedPlugin plugin;
    plugin.set_policy("top_k:k=" + std::to_string(k));
    EXPECT_EQ(test::num_different(HostModel({}).run(), stock), 0u) << k;
    EXPECT_EQ(plugin.statistics().computed_pairs, static_cast<std::uint64_t>(k) * kLayers * 86u);
  }
}

TEST(BlockRouter, FlashAttentionWarmUpAndOneSequence) {
  const HostOptions options{
      .flash_attention = true, .threads = 2, .num_sequences = 1, .warm_up = true};
  const Logits stock = HostModel(options).run();
  LoadedPlugin plugin;
  plugin.set_policy("top_k:k=8");
  EXPECT_EQ(test::num_different(HostModel(options).run(), stock), 0u);
  EXPECT_EQ(plugin.statistics().tokens, 43u) << "warm-up is not counted";
}

TEST(BlockRouter, MicroBatchesWithoutATokenInTheLastLayer) {
  const Logits stock = HostModel({}).run_last_only();
  LoadedPlugin plugin;
  plugin.set_policy("top_k:k=8");
  EXPECT_EQ(test::num_different(HostModel({}).run_last_only(), stock), 0u);
  EXPECT_EQ(plugin.statistics().token_layers, 15u * 100u + 1u);
}

TEST(BlockRouter, WithoutAPolicyTheHostIsUntouched) {
  const Logits stock = HostModel({}).run();
  LoadedPlugin plugin;
  EXPECT_EQ(test::num_different(HostModel({}).run(), stock), 0u);
  EXPECT_EQ(plugin.statistics().layers_fused, 0u);
}

// A host that looks at nodes as they are computed.
struct Watcher {
  std::string stem;  // "" = every node
  int seen = 0;
  static bool on_node(ggml_tensor* node, bool ask, void* self) {
    auto& watcher = *static_cast<Watcher*>(self);
    const std::string name(node->name);
    if (ask) return watcher.stem.empty() || name.starts_with(watcher.stem + "-");
    ++watcher.seen;
    return true;
  }
};

TEST(BlockRouter, AHostThatWatchesTheLogitsKeepsWholeLayers) {
  const Logits stock = HostModel({.expert_used_count = 4}).run();
  LoadedPlugin plugin;
  plugin.set_policy("top_k:k=4");
  Watcher watcher{"ffn_moe_logits"};
  const HostOptions options{.cb_eval = Watcher::on_node, .cb_eval_data = &watcher};
  EXPECT_EQ(test::num_different(HostModel(options).run(), stock), 0u);
  EXPECT_GT(watcher.seen, 0);
  EXPECT_EQ(plugin.statistics().computed_pairs, 4u * kLayers * 86u);
}

TEST(BlockRouter, AHostThatWatchesSingleNodesGetsThePolicysValues) {
  const Logits four = HostModel({.expert_used_count = 4}).run();
  const Logits own = HostModel({}).run();
  LoadedPlugin plugin;
  for (const char* stem : {"", "ffn_moe_weights", "ffn_moe_argsort", "ffn_moe_down"}) {
    Watcher watcher{stem};
    const HostOptions options{.cb_eval = Watcher::on_node, .cb_eval_data = &watcher};
    plugin.set_policy("top_k:k=4");
    EXPECT_LE(test::largest_difference(HostModel(options).run(), four), 1e-5) << stem;
    EXPECT_GT(watcher.seen, 0);
    const auto counted = plugin.statistics();
    EXPECT_EQ(counted.layers_fused, kLayers) << stem;
    EXPECT_EQ(counted.pairs, 4u * kLayers * 86u) << stem;
    EXPECT_EQ(counted.computed_pairs, 8u * kLayers * 86u) << stem << ": nothing is skipped";
  }
  Watcher watcher;
  const HostOptions options{.cb_eval = Watcher::on_node, .cb_eval_data = &watcher};
  plugin.set_policy("top_k:k=12");  // more than the graph's slots: cut to these
  EXPECT_EQ(test::num_different(HostModel(options).run(), own), 0u);
}

TEST(BlockRouter, TwoContextsInTwoThreads) {
  const Logits stock = HostModel({}).run();
  LoadedPlugin plugin;
  plugin.set_policy("top_k:k=8");
  Logits first, second;
  std::thread other([&] { second = HostModel({.threads = 1}).run(); });
  first = HostModel({.threads = 1}).run();
  other.join();
  EXPECT_EQ(test::num_different(first, stock), 0u);
  EXPECT_EQ(test::num_different(second, stock), 0u);
  EXPECT_EQ(plugin.statistics().tokens, 2u * 86u);
}

// What came of it depends on when each layer was reached; that nothing tears is for ThreadSanitizer
// to see.
TEST(BlockRouter, ThePolicyChangesWhileTwoContextsRun) {
  const Logits stock = HostModel({}).run();
  LoadedPlugin plugin;
  plugin.set_policy("top_k:k=4");
  std::atomic<bool> done = false;
  std::thread changer([&] {
    for (int i = 0; !done; ++i) {
      plugin.set_policy(i % 2 == 0 ? "top_p:p=0.5,max_k=12" : "top_k:k=4");
      EXPECT_EQ(plugin.statistics().layers_untouched, 0u);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  Logits first, second;
  std::thread other([&] { second = HostModel({.threads = 2}).run(); });
  first = HostModel({.threads = 2}).run();
  other.join();
  done = true;
  changer.join();
  EXPECT_EQ(first.size(), second.size());
  for (const Logits& logits : {first, second})
    EXPECT_TRUE(std::ranges::all_of(logits, [](float z) { return std::isfinite(z); }));
  plugin.set_policy("top_k:k=8");
  EXPECT_EQ(test::num_different(HostModel({}).run(), stock), 0u) << "afterwards it routes as ever";
}

}  // namespace
}  // namespace bhroute::ggml
