#pragma once
// Every n-th token's routing in every layer, a line each: JSON Lines, for DuckDB or pandas.
//   {"text": "b94d27b9934d", "sample": 0, "token": 64, "layer": 3, "logits": [...],
//    "p_values": [...] or null, "selected": [...]}

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "bhroute/evaluation/model_runner.h"

namespace bhroute::evaluation {

/// Watches a run whose windows are decoded one at a time, in order, so that a layer's rows come in
/// order of the text: `sample` is the window, `token` the position in it. `text` tells logs of
/// several texts apart. The file appears under its name at finish() only.
class RoutingLog final : public RouterObserver {
 public:
  /// `text`: the beginning of its SHA-256, in hex. Errors: `every` is 0; the file cannot be
  /// written.
  static Result<std::unique_ptr<RoutingLog>> open(const std::filesystem::path& file,
                                                  std::size_t every, std::size_t window,
                                                  std::string text);
  ~RoutingLog() override;  ///< an unfinished log is removed

  /// nullptr = the model's own routing with `own_k` experts; before the first call of on_layer.
  void set_policy(const routing::Policy* policy, std::size_t own_k);
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override;
  /// Errors: the disk is full, a policy failed on a logged row.
  Result<void> finish();

 private:
  RoutingLog(std::filesystem::path file, std::filesystem::path temporary, std::size_t every,
             std::size_t window, std::string text);
  void write_line(int layer, std::size_t index, LogitsView row,
                  const routing::RoutingDecision* decision, std::size_t token);
  std::string p_values(LogitsView row, int layer);

  std::filesystem::path file_, temporary_;
  std::string text_;
  std::ofstream stream_;
  std::size_t every_, window_, own_k_ = 0;
  const routing::Policy* policy_ = nullptr;
  std::map<int, std::size_t> seen_;  // tokens of each layer so far
  std::optional<Error> error_;
  routing::RoutingDecision decision_;
  std::vector<std::size_t> top_;
};

}  // namespace bhroute::evaluation
