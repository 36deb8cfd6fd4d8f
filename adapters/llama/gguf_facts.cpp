#include "llama/gguf_facts.h"

#include <fmt/format.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <string_view>

#include "llama/gguf_header.h"

namespace bhroute::llama {
namespace {

constexpr std::size_t kMaxExperts = 4096;  // what the routing kernels hold

struct Header {
  std::unique_ptr<gguf_context, decltype(&gguf_free)> gguf{nullptr, &gguf_free};
  std::unique_ptr<ggml_context, decltype(&ggml_free)> tensors{nullptr, &ggml_free};
};

Result<Header> open_header(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return invalid_input(path, "is a folder", "", "a GGUF file");
  if (std::filesystem::is_other(path, ignored))
    return invalid_input(path, "is a device or a pipe", "", "a GGUF file");
  if (!std::filesystem::is_regular_file(path, ignored))
    return invalid_input(path, "no such model file");
  if (const auto checked = check_gguf_header(path); !checked)
    return tl::make_unexpected(checked.error());
  ggml_context* tensors = nullptr;
  Header header;
  header.gguf.reset(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &tensors}));
  header.tensors.reset(tensors);
  if (!header.gguf)
    return invalid_input(path, "not a readable GGUF model (damaged, truncated or another format)");
  return header;
}

std::string text_value(const gguf_context* gguf, const std::string& key) {
  const int64_t id = gguf_find_key(gguf, key.c_str());
  return id >= 0 && gguf_get_kv_type(gguf, id) == GGUF_TYPE_STRING ? gguf_get_val_str(gguf, id)
                                                                   : "";
}

// Architectures may give one number or one per layer; the largest is what the graph must hold.
std::size_t number_value(const gguf_context* gguf, const std::string& key) {
  const int64_t id = gguf_find_key(gguf, key.c_str());
  if (id < 0) return 0;
  if (gguf_get_kv_type(gguf, id) == GGUF_TYPE_UINT32) return gguf_get_val_u32(gguf, id);
  if (gguf_get_kv_type(gguf, id) != GGUF_TYPE_ARRAY) return 0;
  const gguf_type type = gguf_get_arr_type(gguf, id);
  if (type != GGUF_TYPE_UINT32 && type != GGUF_TYPE_INT32) return 0;
  const auto* values = static_cast<const std::uint32_t*>(gguf_get_arr_data(gguf, id));
  const std::size_t n = gguf_get_arr_n(gguf, id);
  return n == 0 ? 0 : *std::max_element(values, values + n);
}

// "blk.12.<rest>" -> 12; -1 for any other name.
int block_of(std::string_view name, std::string_view rest) {
  if (!name.starts_with("blk.") || !name.ends_with(rest)) return -1;
  int block = -1;
  const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), block);
  return error == std::errc{} && std::string_view(end, name.data() + name.size()) == rest ? block
                                                                                          : -1;
}

void read_tensors(const ggml_context* tensors, GgufFacts& facts) {
  auto* mutable_tensors = const_cast<ggml_context*>(tensors);  // the C API has no const walk
  for (ggml_tensor* t = ggml_get_first_tensor(mutable_tensors); t != nullptr;
       t = ggml_get_next_tensor(mutable_tensors, t)) {
    const std::string_view name = t->name;
    const int layer = block_of(name, ".ffn_gate_inp.weight");
    if (layer >= 0) facts.moe_layers.push_back(layer);
    if (name.find(".ffn_down_exps.weight") != std::string_view::npos)
      facts.expert_d_ff = static_cast<std::size_t>(t->ne[0]);
    const bool matrix = t->ne[1] > 1 && t->ne[2] == 1 && t->ne[3] == 1;
    if (matrix && name.find(".attn_") != std::string_view::npos && name.ends_with(".weight"))
      facts.attention.push_back({std::string(name), t->ne[0], t->ne[1]});
  }
  std::sort(facts.moe_layers.begin(), facts.moe_layers.end());
}

}  // namespace

Result<GgufFacts> read_gguf_facts(const std::string& path) {
  auto header = open_header(path);
  if (!header) return tl::make_unexpected(header.error());
  const gguf_context* gguf = header->gguf.get();
  GgufFacts facts;
  facts.architecture = text_value(gguf, "general.architecture");
  facts.name = text_value(gguf, "general.name");
  facts.num_experts = number_value(gguf, facts.architecture + ".expert_count");
  facts.top_k = number_value(gguf, facts.architecture + ".expert_used_count");
  facts.d_model = number_value(gguf, facts.architecture + ".embedding_length");
  facts.context_length = number_value(gguf, facts.architecture + ".context_length");
  facts.num_tensors = static_cast<std::size_t>(gguf_get_n_tensors(gguf));
  read_tensors(header->tensors.get(), facts);
  if (facts.num_experts == 0 || facts.top_k == 0 || facts.moe_layers.empty())
    return invalid_input(
        path, "not a mixture of experts",
        fmt::format("architecture '{}' with {} experts", facts.architecture, facts.num_experts),
        "a model with router layers (blk.<i>.ffn_gate_inp)");
  if (facts.num_experts > kMaxExperts || facts.top_k > facts.num_experts)
    return invalid_input(path, "implausible number of experts",
                         fmt::format("{} of {}", facts.top_k, facts.num_experts),
                         fmt::format("expert_used_count <= expert_count <= {}", kMaxExperts));
  return facts;
}

}  // namespace bhroute::llama
