#include "ggml/statistics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "bhroute/core/json.h"
#include "ggml/say.h"

namespace bhroute::ggml {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string layers_text(const std::set<int>& layers) {
  return layers.size() == 1 ? fmt::format("layer {}", *layers.begin())
                            : fmt::format("{} layers", layers.size());
}

}  // namespace

void Statistics::count(const LayerWork& work) {
  tokens_[static_cast<std::size_t>(work.layer) % kMostLayers] += work.num_tokens;
  pairs_ += work.pairs;
  own_pairs_ += work.own_pairs;
  computed_pairs_ += work.computed_pairs;
  choosing_ns_ += static_cast<std::uint64_t>(work.choosing.count());
  block_ns_ += static_cast<std::uint64_t>(work.block.count());
  file_.touch();
}

void Statistics::count_untouched(int layer, const std::string& reason) {
  bool is_new = false;
  {
    std::lock_guard lock(mutex_);
    const auto [entry, added] = untouched_.try_emplace(reason);
    entry->second.insert(layer);
    is_new = added;
  }
  file_.touch();
  if (is_new)
    say(fmt::format(
        "warning: layer {} keeps the model's own routing: {} (said once for all layers)", layer,
        reason));
}

void Statistics::reset() {
  for (auto& count : tokens_) count = 0;
  for (auto* count : {&pairs_, &own_pairs_, &computed_pairs_, &choosing_ns_, &block_ns_})
    *count = 0;
  std::lock_guard lock(mutex_);
  untouched_.clear();
}

bhroute_ggml_statistics Statistics::snapshot() const {
  bhroute_ggml_statistics s{};
  for (const auto& count : tokens_) {
    const std::uint64_t tokens = count;
    s.layers_fused += tokens > 0 ? 1 : 0;
    s.token_layers += tokens;
    s.tokens = std::max(s.tokens, tokens);
  }
  s.pairs = pairs_;
  s.own_pairs = own_pairs_;
  s.computed_pairs = computed_pairs_;
  s.choosing_ns = choosing_ns_;
  s.block_ns = block_ns_;
  std::lock_guard lock(mutex_);
  std::set<int> layers;
  for (const auto& [reason, untouched] : untouched_)
    layers.insert(untouched.begin(), untouched.end());
  s.layers_untouched = layers.size();
  return s;
}

std::string Statistics::summary() const {
  const bhroute_ggml_statistics s = snapshot();
  std::string line;
  if (s.layers_fused > 0)
    line = fmt::format(
        "{} layers fused, {} tokens, {:.2f} experts a token (the model's own {:.0f}), {:.1f} % of "
        "pairs skipped, choosing {:.2f} % of the blocks' time",
        s.layers_fused, s.tokens, ratio(s.pairs, s.token_layers),
        ratio(s.own_pairs, s.token_layers), 100.0 * (1.0 - ratio(s.computed_pairs, s.own_pairs)),
        100.0 * ratio(s.choosing_ns, s.block_ns));
  else
    line = "WARNING: no layer was fused, nothing was routed by the policy";
  std::lock_guard lock(mutex_);
  for (const auto& [reason, layers] : untouched_)
    line += fmt::format("; {} untouched: {}", layers_text(layers), reason);
  if (s.layers_fused == 0 && untouched_.empty())
    line +=
        ": no mixture-of-experts layer reached the plugin (a dense model, no token decoded, or "
        "experts on another device)";
  return line;
}

std::string Statistics::json() const {
  const bhroute_ggml_statistics s = snapshot();
  nlohmann::json object{{kFormatVersionKey, kStatisticsFormat.version},
                        {"layers_fused", s.layers_fused},
                        {"layers_untouched", s.layers_untouched},
                        {"tokens", s.tokens},
                        {"token_layers", s.token_layers},
                        {"mean_experts", ratio(s.pairs, s.token_layers)},
                        {"pairs", s.pairs},
                        {"own_pairs", s.own_pairs},
                        {"computed_pairs", s.computed_pairs},
                        {"choosing_ns", s.choosing_ns},
                        {"block_ns", s.block_ns},
                        {"untouched", nlohmann::json::array()}};
  std::lock_guard lock(mutex_);
  for (const auto& [reason, layers] : untouched_)
    object["untouched"].push_back({{"reason", reason}, {"layers", layers}});
  return dump_json(object);
}

void Statistics::write_to(std::filesystem::path file) {
  const bool as_json = file.extension() == ".json";
  file_.open(std::move(file), [this, as_json] { return as_json ? json() : summary(); });
}

}  // namespace bhroute::ggml
