#pragma once
// Two runs of the same text, token by token.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bhroute/core/error.h"
#include "bhroute/evaluation/run_result.h"
#include "bhroute/evaluation/scoring.h"
#include "bhroute/stats/block_bootstrap.h"

namespace bhroute::evaluation {

/// A finished run with the losses of its tokens and what it was measured on.
struct StoredRun {
  std::string path;
  RunResult result;
  std::string model_name, model_sha256;
  std::string text_path, text_sha256, tokens_sha256;
  std::size_t window = 0, num_windows = 0;
  Score score = Score::second_half;
};

/// A file of a sweep's `runs/` or of `bhroute evaluate --summary`, with the losses that lie beside
/// it. Errors: not such a file; no losses; losses of another run.
Result<StoredRun> load_run(const std::filesystem::path& path);

/// SHA-256 of the text's tokens: two vocabularies give two.
std::string hash_tokens(const WindowedText& text);

struct Comparison {
  stats::Interval difference;  ///< a's loss minus b's, nats per scored token, 95 %
  std::size_t num_tokens = 0, num_windows = 0;
  double experts_difference = 0.0;  ///< a's mean experts minus b's
  std::string verdict;              ///< one sentence of plain words
};

/// Errors, each by name: another text, other tokens, windows or scoring; fewer than two windows.
Result<Comparison> compare_runs(const StoredRun& a, const StoredRun& b);

nlohmann::json to_json(const Comparison& comparison, const StoredRun& a, const StoredRun& b);

}  // namespace bhroute::evaluation
