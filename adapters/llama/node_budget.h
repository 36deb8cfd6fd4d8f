#pragma once
// llama.cpp plans its graphs for max(1024, 8 * tensors) nodes and aborts beyond. Each expert slot
// costs two nodes a layer (a view and an add). Every loaded LoRA tensor pair adds six to the
// budget, whether it is applied or not: so a LoRA of zeros, loaded as often as needed and never
// applied, widens it.

#include <llama.h>

#include <cstddef>

#include "bhroute/core/error.h"
#include "llama/gguf_facts.h"

namespace bhroute::llama {

/// Nodes that llama.cpp's own budget lacks for `num_slots`, given a graph of `known_nodes` at
/// `known_slots`.
std::size_t missing_nodes(const GgufFacts& facts, std::size_t known_nodes, std::size_t known_slots,
                          std::size_t num_slots);

/// Loads zero LoRAs into `model` until they bring `nodes`. They belong to the model.
/// Errors (failure): no matrix to hang them on, no room for the temporary file, llama.cpp refuses
/// them.
Result<void> widen_node_budget(llama_model* model, const GgufFacts& facts, std::size_t nodes);

}  // namespace bhroute::llama
