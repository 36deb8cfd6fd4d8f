#pragma once

#include <map>
#include <vector>

#include "bhroute/routing/policy_spec.h"

namespace bhroute::routing {

/// A policy's spec with every layer's own parameters resolved once.
class LayerSpecs {
 public:
  explicit LayerSpecs(const PolicySpec& spec);
  /// Errors: top_k_per_layer has no count for the layer.
  Result<const PolicySpec*> of(int layer) const;
  const PolicySpec& whole() const noexcept { return whole_; }

 private:
  PolicySpec whole_;
  PolicySpec base_;  // of the layers with nothing of their own
  std::map<int, PolicySpec> own_;
};

}  // namespace bhroute::routing
