#pragma once
// Runs a block's expert nodes again, over the selected pairs only: the same operations on the inner
// backend with fewer columns, then the weighted sum into the block's output.
//
// Where all tokens have the same number of experts the columns are [count, tokens], as in a stock
// graph with that many slots, and the input is read where it lies. Otherwise they are [1, pairs]
// and the input's rows are gathered. Results go to the graph's own tensors if these hold all pairs.
// Otherwise tokens go through in tiles, in memory of our own of at most kMostScratch bytes (one
// token's need, if that is more) and a copy of the block's input, which the output may overlap.

#include <cstddef>
#include <memory>
#include <vector>

#include "ggml/inner_backend.h"
#include "ggml/moe_block.h"
#include "ggml/selection.h"

namespace bhroute::ggml {

class ExpertReplay {
 public:
  static constexpr std::size_t kMostScratch = std::size_t{64} << 20;

  /// `most_scratch` is for tests.
  explicit ExpertReplay(std::size_t most_scratch = kMostScratch) : most_scratch_(most_scratch) {}

  ggml_status run(const MoeBlock& block, Selection& selection, InnerBackend& inner);

  /// Bytes held for tiles and gathered rows: by it a test sees that the bound is kept.
  std::size_t scratch_size() const { return scratch_size_; }

 private:
  struct Tile {
    std::size_t begin = 0, end = 0;  ///< tokens
    std::size_t first_pair = 0, num_pairs = 0;
    std::size_t columns = 1, rows = 0;  ///< columns * rows == num_pairs
    bool gathers = false;               ///< the input's rows, one for each pair
    bool in_place = false;              ///< results in the graph's own tensors
  };

  Tile make_tile(const MoeBlock& block, const Selection& selection, std::size_t begin) const;
  std::size_t scratch_of(const MoeBlock& block, const Tile& tile) const;
  ggml_status run_tile(const MoeBlock& block, Selection& selection, const Tile& tile,
                       InnerBackend& inner);
  void begin_tile(std::size_t scratch);
  std::byte* take(std::size_t size);
  void replay(ggml_tensor* node, const MoeBlock& block, const Tile& tile, ggml_context* arena,
              ggml_tensor* input, ggml_tensor* ids);
  ggml_tensor* copy_of(ggml_tensor* original) const;

  std::size_t most_scratch_;
  const char* input_ = nullptr;  // the block's, or a copy of it
  std::vector<char> input_copy_;
  std::unique_ptr<std::byte[]> scratch_;
  std::size_t scratch_size_ = 0;
  std::byte* next_ = nullptr;
  std::vector<ggml_tensor*> originals_, copies_;  // of the tile's expert nodes
  std::vector<ggml_tensor*> nodes_;               // the tile's graph
};

}  // namespace bhroute::ggml
