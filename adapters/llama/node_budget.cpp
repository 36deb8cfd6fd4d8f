#include "llama/node_budget.h"

#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

namespace bhroute::llama {
namespace {

constexpr std::size_t kNodesPerPair = 6;
// Batches of several sequences and the worst-case graph of a reservation differ a little from the
// dry pass.
constexpr double kMargin = 1.1;

using Gguf = std::unique_ptr<gguf_context, decltype(&gguf_free)>;
using Tensors = std::unique_ptr<ggml_context, decltype(&ggml_free)>;
using File = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

void add_zeros(gguf_context* gguf, ggml_context* tensors, const std::string& name, int64_t columns,
               int64_t rows) {
  ggml_tensor* tensor = ggml_new_tensor_2d(tensors, GGML_TYPE_F32, columns, rows);
  std::memset(tensor->data, 0, ggml_nbytes(tensor));
  ggml_set_name(tensor, name.c_str());
  gguf_add_tensor(gguf, tensor);
}

std::size_t bytes_needed(const GgufFacts& facts) {
  std::size_t bytes = 1 << 16;
  for (const MatrixShape& m : facts.attention)
    bytes += static_cast<std::size_t>(m.rows_in + m.rows_out) * sizeof(float) +
             2 * ggml_tensor_overhead() + 128;
  return bytes;
}

// Rank 1: an [in, 1] and a [1, out] of zeros for each attention matrix.
File write_zero_lora(const GgufFacts& facts) {
  Tensors tensors(ggml_init({bytes_needed(facts), nullptr, false}), &ggml_free);
  Gguf gguf(gguf_init_empty(), &gguf_free);
  gguf_set_val_str(gguf.get(), "general.type", "adapter");
  gguf_set_val_str(gguf.get(), "general.architecture", facts.architecture.c_str());
  gguf_set_val_str(gguf.get(), "adapter.type", "lora");
  gguf_set_val_f32(gguf.get(), "adapter.lora.alpha", 1.0f);
  for (const MatrixShape& m : facts.attention) {
    add_zeros(gguf.get(), tensors.get(), m.name + ".lora_a", m.rows_in, 1);
    add_zeros(gguf.get(), tensors.get(), m.name + ".lora_b", 1, m.rows_out);
  }
  File file(std::tmpfile(), &std::fclose);
  if (file && !gguf_write_to_file_ptr(gguf.get(), file.get(), false)) file.reset();
  return file;
}

}  // namespace

std::size_t missing_nodes(const GgufFacts& facts, std::size_t known_nodes, std::size_t known_slots,
                          std::size_t num_slots) {
  if (num_slots <= known_slots) return 0;
  const std::size_t budget = std::max<std::size_t>(1024, 8 * facts.num_tensors);
  const std::size_t added = 2 * (num_slots - known_slots) * facts.moe_layers.size();
  const auto needed = static_cast<std::size_t>(kMargin * static_cast<double>(known_nodes + added));
  return needed > budget ? needed - budget : 0;
}

Result<void> widen_node_budget(llama_model* model, const GgufFacts& facts, std::size_t nodes) {
  if (nodes == 0) return {};
  const std::string where = "expert slots";
  const std::string what = "beyond llama.cpp's graph node budget, and it cannot be widened: ";
  if (facts.attention.empty())
    return failure(where, what + "no attention matrix for a LoRA of zeros");
  const File file = write_zero_lora(facts);
  if (!file) return failure(where, what + "the temporary LoRA file could not be written");
  const std::size_t nodes_per_load = kNodesPerPair * facts.attention.size();
  for (std::size_t loaded = 0; loaded < nodes; loaded += nodes_per_load) {
    std::rewind(file.get());
    if (llama_adapter_lora_init_from_file_ptr(model, file.get()) == nullptr)
      return failure(where, what + "llama.cpp refused the LoRA of zeros");
  }
  return {};
}

}  // namespace bhroute::llama
