#include "decode_text.h"

#include <algorithm>

#include "bhroute/core/stop.h"
#include "stopwatch.h"

namespace bhroute::evaluation {
namespace {

// Turns a window's index within one decode call into its index in the text.
class ShiftedConsumer final : public LogitsConsumer {
 public:
  ShiftedConsumer(LogitsConsumer& inner, std::size_t first) : inner_(inner), first_(first) {}
  void on_logits(std::size_t window, std::size_t first_position, std::size_t num_positions,
                 const float* logits) override {
    inner_.on_logits(first_ + window, first_position, num_positions, logits);
  }

 private:
  LogitsConsumer& inner_;
  std::size_t first_;
};

std::vector<std::span<const Token>> group(const WindowedText& text, std::size_t begin,
                                          std::size_t end) {
  std::vector<std::span<const Token>> windows;
  for (std::size_t w = begin; w < end; ++w) windows.push_back(text.at(w));
  return windows;
}

Result<void> decode_group(ModelRunner& model, const std::vector<std::span<const Token>>& windows,
                          std::size_t first_window, std::size_t first_scored,
                          LogitsConsumer* consumer) {
  if (consumer == nullptr) return model.decode(windows, first_scored, nullptr);
  ShiftedConsumer shifted(*consumer, first_window);
  return model.decode(windows, first_scored, &shifted);
}

}  // namespace

Result<double> decode_text(ModelRunner& model, const WindowedText& text, std::size_t first_scored,
                           LogitsConsumer* consumer, std::string_view label, ProgressSink& progress,
                           std::size_t most_windows) {
  const std::size_t step =
      std::max<std::size_t>(std::min(model.windows_per_batch(), most_windows), 1);
  double seconds = 0.0;
  for (std::size_t begin = 0; begin < text.num_windows; begin += step) {
    progress.update(label, begin, text.num_windows, "windows");
    if (auto go_on = check_stop(); !go_on) return tl::make_unexpected(go_on.error());
    const auto windows = group(text, begin, std::min(begin + step, text.num_windows));
    const Stopwatch watch(seconds);
    if (auto done = decode_group(model, windows, begin, first_scored, consumer); !done)
      return tl::make_unexpected(done.error());
  }
  progress.update(label, text.num_windows, text.num_windows, "windows");
  return seconds;
}

Result<RoutingScope> RoutingScope::enter(ModelRunner& model, const routing::Policy* policy,
                                         RouterObserver* observer, bool plain_override) {
  model.set_plain_override(plain_override);
  if (auto set = model.set_policy(policy); !set) {
    model.set_plain_override(false);
    return tl::make_unexpected(set.error());
  }
  model.set_observer(observer);
  return RoutingScope(&model);
}

RoutingScope::~RoutingScope() {
  if (model_ == nullptr) return;
  model_->set_observer(nullptr);
  model_->set_plain_override(false);
  // Where an engine cannot go back to the model's own routing, the next call says so.
  static_cast<void>(model_->set_policy(nullptr));
}

}  // namespace bhroute::evaluation
