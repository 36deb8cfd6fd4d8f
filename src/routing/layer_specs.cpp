#include "layer_specs.h"

#include <fmt/format.h>

namespace bhroute::routing {

LayerSpecs::LayerSpecs(const PolicySpec& spec) : whole_(spec), base_(spec.for_layer(-1)) {
  for (const auto& [layer, own] : spec.layers) own_.emplace(layer, spec.for_layer(layer));
  for (std::size_t i = 0; i < spec.ks.size(); ++i)
    if (spec.rule == Rule::top_k_per_layer)
      own_.emplace(static_cast<int>(i), spec.for_layer(static_cast<int>(i)));
}

Result<const PolicySpec*> LayerSpecs::of(int layer) const {
  if (const auto found = own_.find(layer); found != own_.end()) return &found->second;
  if (whole_.rule == Rule::top_k_per_layer)
    return invalid_input("top_k_per_layer.ks", "no count for a layer",
                         fmt::format("layer {}", layer),
                         fmt::format("layers 0 to {}", whole_.ks.size() - 1));
  return &base_;
}

}  // namespace bhroute::routing
