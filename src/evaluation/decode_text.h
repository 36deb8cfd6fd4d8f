#pragma once
// All windows of a text through a model, some side by side.

#include <string_view>
#include <utility>

#include "bhroute/core/progress.h"
#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/scoring.h"

namespace bhroute::evaluation {

/// Decodes the text's windows in groups of windows_per_batch(). `consumer` (may be null) is told
/// the text's window indices. `most_windows` caps a group. Returns the seconds spent inside the
/// model, callbacks included.
Result<double> decode_text(ModelRunner& model, const WindowedText& text, std::size_t first_scored,
                           LogitsConsumer* consumer, std::string_view label, ProgressSink& progress,
                           std::size_t most_windows = std::size_t(-1));

/// Routes `model` by `policy` under the eyes of `observer` for as long as it lives (`plain_override`
/// as in ModelRunner); afterwards the model routes by itself, with its own top_k, and nobody watches.
class RoutingScope {
 public:
  static Result<RoutingScope> enter(ModelRunner& model, const routing::Policy* policy,
                                    RouterObserver* observer, bool plain_override = false);
  RoutingScope(RoutingScope&& other) noexcept : model_(std::exchange(other.model_, nullptr)) {}
  RoutingScope& operator=(RoutingScope&&) = delete;
  ~RoutingScope();

 private:
  explicit RoutingScope(ModelRunner* model) : model_(model) {}
  ModelRunner* model_;
};

}  // namespace bhroute::evaluation
