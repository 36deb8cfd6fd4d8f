#include "excerpt_probe.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "decode_text.h"
#include "expert_counter.h"

namespace bhroute::evaluation {
namespace {

using LayerExperts = std::map<int, TokenExperts>;

// Writes down which experts every token of the next decode call takes.
class Recorder final : public RouterObserver {
 public:
  explicit Recorder(std::size_t own_k) : own_k_(own_k) {}
  void on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) override {
    TokenExperts& rows = layers_[layer];
    for (std::size_t t = 0; t < logits.num_tokens; ++t)
      rows.push_back(decision != nullptr && decision->num_selected[t] > 0
                         ? chosen(*decision, t)
                         : largest(logits.token(t)));
  }
  LayerExperts take() { return std::exchange(layers_, {}); }

 private:
  static std::vector<std::int32_t> chosen(const routing::RoutingDecision& decision,
                                          std::size_t token) {
    const auto row =
        decision.expert_ids.begin() + static_cast<std::ptrdiff_t>(token * decision.max_k);
    return {row, row + decision.num_selected[token]};
  }
  std::vector<std::int32_t> largest(std::span<const float> logits) {
    largest_logits(logits, own_k_, top_);
    return {top_.begin(), top_.end()};
  }

  std::size_t own_k_;
  LayerExperts layers_;
  std::vector<std::size_t> top_;
};

std::vector<std::span<const Token>> cut_excerpts(const WindowedText& text, std::size_t length,
                                                 std::size_t most) {
  const std::size_t count = std::min(most, text.tokens.size() / length);
  std::vector<std::span<const Token>> excerpts;
  for (std::size_t i = 0; i < count; ++i)
    excerpts.emplace_back(text.tokens.data() + i * (text.tokens.size() / count), length);
  return excerpts;
}

Result<LayerExperts> decode_one(ModelRunner& model, std::span<const Token> excerpt,
                                Recorder& recorder) {
  // No row of output is wanted, and every position is flagged all the same.
  if (auto done = model.decode({&excerpt, 1}, excerpt.size(), nullptr); !done)
    return tl::make_unexpected(done.error());
  return recorder.take();
}

struct Agreement {
  std::size_t same = 0, all = 0;
  void add(const TokenExperts& first, const TokenExperts& second) {
    all += std::max(first.size(), second.size());
    for (std::size_t t = 0; t < std::min(first.size(), second.size()); ++t)
      same += first[t] == second[t] ? 1 : 0;
  }
};

std::vector<DistinctExperts> distinct_of(const std::map<int, std::vector<TokenExperts>>& layers,
                                         std::size_t num_excerpts, std::size_t warm_up) {
  std::vector<DistinctExperts> found;
  for (std::size_t batch = 1; batch <= num_excerpts; batch *= 2) {
    double sum = 0.0;
    for (const auto& [layer, excerpts] : layers) sum += mean_distinct(excerpts, batch, warm_up);
    found.push_back({batch, sum / static_cast<double>(layers.size())});
  }
  return found;
}

}  // namespace

double mean_distinct(const std::vector<TokenExperts>& excerpts, std::size_t batch,
                     std::size_t warm_up) {
  double sum = 0.0;
  std::size_t counted = 0;
  for (std::size_t first = 0; first + batch <= excerpts.size(); first += batch)
    for (std::size_t t = warm_up; t < excerpts[first].size(); ++t) {
      std::set<std::int32_t> experts;
      for (std::size_t i = first; i < first + batch; ++i)
        experts.insert(excerpts[i][t].begin(), excerpts[i][t].end());
      sum += static_cast<double>(experts.size());
      ++counted;
    }
  return counted == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : sum / static_cast<double>(counted);
}

Result<Probe> probe_excerpts(ModelRunner& model, const routing::Policy* policy, std::size_t own_k,
                             const WindowedText& text, const ProbeOptions& options) {
  const std::size_t length = std::min(options.length, text.window);
  const auto excerpts = cut_excerpts(text, length, options.num_excerpts);
  if (excerpts.empty()) return invalid_input("text", "shorter than an excerpt");
  Recorder recorder(own_k);
  // As many experts as there are slots: a plain override, or the model's own count.
  auto scope = RoutingScope::enter(model, policy, &recorder, own_k == model.expert_slots());
  if (!scope) return tl::make_unexpected(scope.error());
  std::map<int, std::vector<TokenExperts>> layers;
  Agreement agreement;
  for (std::size_t i = 0; i < excerpts.size(); ++i) {
    auto first = decode_one(model, excerpts[i], recorder);
    if (!first) return tl::make_unexpected(first.error());
    if (i < options.num_repeated) {
      auto second = decode_one(model, excerpts[i], recorder);
      if (!second) return tl::make_unexpected(second.error());
      for (const auto& [layer, rows] : *first) agreement.add(rows, (*second)[layer]);
    }
    for (auto& [layer, rows] : *first) layers[layer].push_back(std::move(rows));
  }
  const std::size_t warm_up = std::min(options.warm_up, length - 1);
  return Probe{distinct_of(layers, excerpts.size(), warm_up),
               static_cast<double>(agreement.same) / static_cast<double>(agreement.all)};
}

}  // namespace bhroute::evaluation
