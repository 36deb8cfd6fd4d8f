#pragma once
// One policy on one text.

#include <filesystem>
#include <memory>

#include "bhroute/core/progress.h"
#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/routing_log.h"
#include "bhroute/evaluation/run_result.h"
#include "bhroute/evaluation/scoring.h"
#include "bhroute/evaluation/token_scores.h"

namespace bhroute::evaluation {

/// Output logits of the model's own routing at every scored position, to compare a policy with.
/// Kept in a file, float32, so that a large vocabulary does not need the memory; mapped for
/// reading.
class OwnLogits {
 public:
  virtual ~OwnLogits() = default;
  virtual std::span<const float> row(std::size_t scored_index) const = 0;  ///< [vocab]
  virtual RowSummary summary(std::size_t scored_index) const = 0;  ///< of that row, computed once
  virtual std::size_t num_rows() const = 0;
};

/// Runs the model by its own routing, writes its logits to `file` and maps them. An existing
/// complete file of the same model, text and settings (said by `key`) is reused. Errors: too little
/// space for it (with the bytes needed).
Result<std::unique_ptr<OwnLogits>> record_own_logits(ModelRunner& model, const WindowedText& text,
                                                     Score score, const std::filesystem::path& file,
                                                     std::string_view key, ProgressSink& progress);

struct EvaluateOptions {
  Score score = Score::second_half;
  std::size_t num_threads = 2;  ///< for scoring (the engine has its own)
  bool probe = false;  ///< also distinct experts of batches and determinism, from short excerpts
  RoutingLog* log = nullptr;  ///< also written to; windows are then decoded one at a time
  bool plain_override = false;  ///< without a policy: every slot, as if the model's top_k were that
};

/// Runs `policy` (nullptr = the model's own routing) over the text. `own` may be null: then kl and
/// top1_agreement are NaN, absent in JSON. The runner must already have slots for the policy.
Result<RunResult> evaluate(ModelRunner& model, const WindowedText& text,
                           const routing::Policy* policy, const OwnLogits* own,
                           const EvaluateOptions& options, ProgressSink& progress);

}  // namespace bhroute::evaluation
