#include "ggml/expert_replay.h"

#include <algorithm>
#include <cstring>

#include "ggml/row_jobs.h"

namespace bhroute::ggml {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t padded(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

std::size_t row_size(const ggml_tensor* node) {
  return static_cast<std::size_t>(node->ne[0]) * sizeof(float);
}

}  // namespace

std::size_t ExpertReplay::scratch_of(const MoeBlock& block, const Tile& tile) const {
  std::size_t size = tile.gathers ? padded(tile.num_pairs * row_size(block.input)) : 0;
  if (tile.in_place) return size;
  for (const ggml_tensor* node : block.expert_nodes)
    if (node->op != GGML_OP_VIEW) size += padded(tile.num_pairs * row_size(node));
  return size;
}

// As many tokens from `begin` on as the memory allows.
ExpertReplay::Tile ExpertReplay::make_tile(const MoeBlock& block, const Selection& selection,
                                           std::size_t begin) const {
  const std::size_t num_tokens = selection.num_tokens();
  const auto tile_to = [&](std::size_t end, bool in_place) {
    Tile tile{.begin = begin, .end = end, .first_pair = selection.first[begin]};
    tile.num_pairs = selection.first[end] - tile.first_pair;
    const auto count = uniform_count(selection, begin, end);
    tile.columns = count.value_or(1);
    tile.rows = count ? end - begin : tile.num_pairs;
    tile.gathers = !count;
    tile.in_place = in_place;
    return tile;
  };
  const bool all_fit = begin == 0 && selection.num_pairs() <= block.num_slots * block.num_tokens;
  if (all_fit && scratch_of(block, tile_to(num_tokens, true)) <= most_scratch_)
    return tile_to(num_tokens, true);
  std::size_t end = begin + 1;
  while (end < num_tokens && scratch_of(block, tile_to(end + 1, false)) <= most_scratch_) ++end;
  return tile_to(end, false);
}

void ExpertReplay::begin_tile(std::size_t scratch) {
  if (scratch > scratch_size_) {
    scratch_ = std::make_unique_for_overwrite<std::byte[]>(scratch + kAlignment);
    scratch_size_ = scratch;
  }
  void* start = scratch_.get();
  std::size_t room = scratch_size_ + kAlignment;
  next_ = scratch == 0 ? nullptr
                       : static_cast<std::byte*>(std::align(kAlignment, scratch, start, room));
  originals_.clear();
  copies_.clear();
  nodes_.clear();
}

std::byte* ExpertReplay::take(std::size_t size) {
  std::byte* taken = next_;
  next_ += padded(size);
  return taken;
}

ggml_tensor* ExpertReplay::copy_of(ggml_tensor* original) const {
  const auto found = std::find(originals_.begin(), originals_.end(), original);
  return found == originals_.end() ? original
                                   : copies_[static_cast<std::size_t>(found - originals_.begin())];
}

// The same operation on [columns, rows] pairs in place of [num_slots, num_tokens].
void ExpertReplay::replay(ggml_tensor* node, const MoeBlock& block, const Tile& tile,
                          ggml_context* arena, ggml_tensor* input, ggml_tensor* ids) {
  const auto columns = static_cast<int64_t>(tile.columns), rows = static_cast<int64_t>(tile.rows);
  ggml_tensor* copy = nullptr;
  if (node->op == GGML_OP_VIEW) {
    ggml_tensor* whole = copy_of(node->view_src);
    copy = host.ggml_view_3d(arena, whole, node->ne[0], columns, rows, whole->nb[1], whole->nb[2],
                             node->view_offs);
  } else {
    copy = host.ggml_new_tensor_4d(arena, node->type, node->ne[0], columns, rows, 1);
    copy->op = node->op;
    std::memcpy(copy->op_params, node->op_params, sizeof node->op_params);
    for (int i = 0; i < GGML_MAX_SRC && node->src[i] != nullptr; ++i)
      copy->src[i] = node->src[i] == block.input ? input
                     : node->src[i] == block.ids ? ids
                                                 : copy_of(node->src[i]);
    copy->data = tile.in_place ? node->data : take(tile.num_pairs * row_size(node));
    nodes_.push_back(copy);
  }
  originals_.push_back(node);
  copies_.push_back(copy);
}

ggml_status ExpertReplay::run_tile(const MoeBlock& block, Selection& selection, const Tile& tile,
                                   InnerBackend& inner) {
  begin_tile(scratch_of(block, tile));
  ggml_context* arena = inner.fresh_arena();
  const std::size_t stride = block.input->nb[2];
  GatherJob gather{input_, stride, selection.tokens.data() + tile.first_pair};
  ggml_tensor* input = nullptr;
  if (tile.gathers) {
    input = host.ggml_custom_4d(arena, GGML_TYPE_F32, block.input->ne[0], 1,
                                static_cast<int64_t>(tile.rows), 1, nullptr, 0, gather_rows,
                                GGML_N_TASKS_MAX, &gather);
    input->data = take(tile.num_pairs * row_size(block.input));
    nodes_.push_back(input);
  } else {
    input = host.ggml_new_tensor_4d(arena, GGML_TYPE_F32, block.input->ne[0], 1,
                                    static_cast<int64_t>(tile.rows), 1);
    input->nb[1] = input->nb[2] = stride;
    input->nb[3] = stride * tile.rows;
    input->data = const_cast<char*>(input_) + tile.begin * stride;
  }
  ggml_tensor* ids = host.ggml_new_tensor_2d(
      arena, GGML_TYPE_I32, static_cast<int64_t>(tile.columns), static_cast<int64_t>(tile.rows));
  ids->data = selection.experts.data() + tile.first_pair;
  if (tile.num_pairs > 0)
    for (ggml_tensor* node : block.expert_nodes) replay(node, block, tile, arena, input, ids);

  const ggml_tensor* result = copy_of(block.result);
  WeightedSumJob sum{static_cast<const float*>(result->data),
                     selection.weights.data() + tile.first_pair,
                     selection.first.data() + tile.begin, tile.first_pair};
  ggml_tensor* output = host.ggml_custom_4d(arena, GGML_TYPE_F32, block.output->ne[0],
                                            static_cast<int64_t>(tile.end - tile.begin), 1, 1,
                                            nullptr, 0, sum_weighted_rows, GGML_N_TASKS_MAX, &sum);
  output->nb[1] = block.output->nb[1];
  output->data = static_cast<char*>(block.output->data) + tile.begin * block.output->nb[1];
  nodes_.push_back(output);
  return inner.compute(nodes_);
}

ggml_status ExpertReplay::run(const MoeBlock& block, Selection& selection, InnerBackend& inner) {
  input_ = static_cast<const char*>(block.input->data);
  for (std::size_t begin = 0; begin < selection.num_tokens();) {
    const Tile tile = make_tile(block, selection, begin);
    if (begin == 0 && tile.end < selection.num_tokens()) {
      input_copy_.assign(input_, input_ + block.num_tokens * block.input->nb[2]);
      input_ = input_copy_.data();
    }
    if (const ggml_status status = run_tile(block, selection, tile, inner);
        status != GGML_STATUS_SUCCESS)
      return status;
    begin = tile.end;
  }
  return GGML_STATUS_SUCCESS;
}

}  // namespace bhroute::ggml
