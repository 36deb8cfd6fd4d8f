#pragma once

#include <cstdint>
#include <span>

#include "bhroute/kernels/routing_kernels.h"

namespace bhroute::routing {

/// How routing weights are made: the softmax's temperature and what the selected ones are scaled
/// to.
struct WeightForm {
  double temperature = 1.0;
  kernels::WeightScale scale = kernels::WeightScale::none;
  std::size_t own_top_k = 0;  ///< for WeightScale::mass
};

/// Routing weights of `ids` by softmax in double, each rounded once to float. NaN logits take no
/// part; logits that share an infinite maximum share the mass. `weights` has ids.size() values.
void reference_weights(std::span<const float> logits, std::span<const std::int32_t> ids,
                       const WeightForm& form, std::span<float> weights);

}  // namespace bhroute::routing
