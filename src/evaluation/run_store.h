#pragma once
// Finished runs on disk: DIR/runs/SLUG.json, and beside it the losses of single tokens,
// SLUG.losses.f32.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "bhroute/evaluation/run_result.h"

namespace bhroute::evaluation {

class RunStore {
 public:
  /// Makes DIR/runs. Errors: it cannot be made.
  static Result<RunStore> open(const std::filesystem::path& directory);

  /// The finished run of this fingerprint; nothing if it is missing, of another fingerprint or
  /// damaged.
  std::optional<RunResult> load(const std::string& slug, const std::string& fingerprint) const;

  /// Losses first, then the JSON that names their hash: a run counts as finished only with both.
  /// `record` says what it was made from.
  Result<void> save(const std::string& slug, const std::string& fingerprint,
                    const nlohmann::json& record, const RunResult& result) const;

 private:
  explicit RunStore(std::filesystem::path runs) : runs_(std::move(runs)) {}
  std::filesystem::path json_path(const std::string& slug) const {
    return runs_ / (slug + ".json");
  }
  std::filesystem::path losses_path(const std::string& slug) const {
    return runs_ / (slug + ".losses.f32");
  }
  Result<RunResult> read(const std::string& slug, const std::string& fingerprint) const;
  std::filesystem::path runs_;
};

}  // namespace bhroute::evaluation
