#pragma once
// A tiny deterministic mixture of experts behind ModelRunner: its output logits depend on which
// experts were selected and on their weights, and it calls policy, observer and consumer as an
// engine does: in micro-batches that cross windows, with a call of no tokens in the last layer.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/scoring.h"

namespace bhroute::evaluation {

struct FakeOptions {
  std::size_t windows_per_batch = 2;
  std::size_t micro_batch = 5;
  std::size_t most_slots = 8;                    ///< more are refused
  std::size_t fail_at_decode = std::size_t(-1);  ///< the decode call that fails, counted from 0
  bool forgets_last_row = false;                 ///< never hands out the last position
  bool nan_router = false;  ///< layer 1 gives a NaN for expert 3, and only NaNs for token 7
};

class FakeModel : public ModelRunner {
 public:
  static constexpr std::size_t kVocab = 11, kExperts = 8, kTopK = 2, kWidth = 6;

  explicit FakeModel(FakeOptions options = {}) : options_(options), slots_(kTopK) {
    description_.path = "fake.gguf";
    description_.sha256 = std::string(64, 'a');
    description_.name = "fake";
    description_.architecture = "fakemoe";
    description_.engine = "fake engine 1";
    description_.moe_layers = {0, 1, 3};
    description_.num_experts = kExperts;
    description_.top_k = kTopK;
    description_.vocab_size = kVocab;
    description_.d_model = kWidth;
    description_.expert_d_ff = 4;
    description_.context_length = 64;
  }

  const ModelDescription& description() const override { return description_; }
  ModelDescription& mutable_description() { return description_; }

  Result<std::vector<Token>> tokenize(std::string_view text) override {
    std::vector<Token> tokens;
    for (const char c : text) tokens.push_back(static_cast<unsigned char>(c) % kVocab);
    return tokens;
  }

  std::size_t windows_per_batch() const override { return options_.windows_per_batch; }

  Result<void> set_expert_slots(std::size_t num_slots) override {
    if (num_slots > options_.most_slots) return failure("fake", "node budget too small");
    if (num_slots != slots_) ++num_loads;
    slots_ = num_slots;
    return {};
  }
  std::size_t expert_slots() const override { return slots_; }

  Result<void> set_policy(const routing::Policy* policy) override {
    if (policy != nullptr && policy->spec().largest_k() > slots_)
      return invalid_input("policy", "needs more slots");
    policy_ = policy;
    return {};
  }
  void set_plain_override(bool on) override { plain_override_ = on; }
  void set_threads(int) override {}
  void set_observer(RouterObserver* observer) override { observer_ = observer; }

  Result<void> decode(std::span<const std::span<const Token>> windows, std::size_t first_scored,
                      LogitsConsumer* consumer) override {
    if (num_decodes++ == options_.fail_at_decode) return failure("fake", "decode failed");
    const std::size_t length = windows.front().size();
    call_layer(description_.moe_layers.back(), {nullptr, 0, kExperts, kExperts});
    const std::size_t total = windows.size() * length;
    for (std::size_t begin = 0; begin < total; begin += options_.micro_batch) {
      const std::size_t end = std::min(begin + options_.micro_batch, total);
      if (auto done = micro_batch(windows, begin, end); !done) return done;
      if (consumer != nullptr) hand_out(*consumer, length, begin, end, first_scored);
    }
    return {};
  }

  const routing::Policy* policy() const { return policy_; }
  const RouterObserver* observer() const { return observer_; }
  bool plain_override() const { return plain_override_; }
  std::size_t num_decodes = 0, num_loads = 0;

 private:
  using Row = std::array<float, kWidth>;

  static Row embed(std::span<const Token> window, std::size_t position) {
    Row h{};
    const double previous = position > 0 ? window[position - 1] : -1;
    for (std::size_t i = 0; i < kWidth; ++i)
      h[i] = static_cast<float>(std::sin(1.3 * window[position] * double(i + 1) + 0.7 * previous +
                                         0.1 * double(position)));
    return h;
  }

  float router_logit(const Row& h, int layer, std::size_t expert, Token token) const {
    double logit = 0.0;
    for (std::size_t i = 0; i < kWidth; ++i)
      logit += 1.5 * h[i] * std::cos(2.1 * layer + 1.7 * double(expert) + 0.9 * double(i));
    const bool nan = options_.nan_router && layer == 1 && (expert == 3 || token == 7);
    return nan ? std::nanf("") : static_cast<float>(logit);
  }

  static void add_expert(Row& out, const Row& h, int layer, std::size_t expert, float weight) {
    for (std::size_t i = 0; i < kWidth; ++i)
      out[i] +=
          static_cast<float>(3.0 * weight * std::sin(0.37 * double(expert * (i + 1)) + layer)) *
          h[(i + expert) % kWidth];
  }

  const routing::RoutingDecision* call_layer(int layer, LogitsView view) {
    const routing::RoutingDecision* decision = nullptr;
    if (policy_ != nullptr) {
      routing::RouteRequest request;
      request.allow_unroutable = true;
      if (!policy_->route(view, layer, request, decision_)) return nullptr;
      decision = &decision_;
    }
    if (observer_ != nullptr) observer_->on_layer(layer, view, decision);
    return decision;
  }

  // The model's own routing: softmax over all experts, the k largest, not renormalised.
  void own_layer(Row& out, const Row& h, int layer, std::span<const float> logits, std::size_t k) {
    std::vector<std::size_t> order(kExperts);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
    double sum = 0.0;
    for (float logit : logits) sum += std::exp(static_cast<double>(logit));
    for (std::size_t i = 0; i < k; ++i)
      add_expert(out, h, layer, order[i],
                 static_cast<float>(std::exp(static_cast<double>(logits[order[i]])) / sum));
  }

  Result<void> micro_batch(std::span<const std::span<const Token>> windows, std::size_t begin,
                           std::size_t end) {
    rows_.clear();
    const std::size_t length = windows.front().size();
    for (std::size_t r = begin; r < end; ++r)
      rows_.push_back(embed(windows[r / length], r % length));
    for (int layer : description_.moe_layers) {
      std::vector<float> logits;
      for (std::size_t r = begin; r < end; ++r)
        for (std::size_t e = 0; e < kExperts; ++e)
          logits.push_back(
              router_logit(rows_[r - begin], layer, e, windows[r / length][r % length]));
      const auto* decision = call_layer(layer, {logits.data(), end - begin, kExperts, kExperts});
      if (policy_ != nullptr && decision == nullptr) return failure("fake", "routing failed");
      for (std::size_t t = 0; t < rows_.size(); ++t)
        mix(rows_[t], layer, {logits.data() + t * kExperts, kExperts}, decision, t);
    }
    return {};
  }

  void mix(Row& h, int layer, std::span<const float> logits,
           const routing::RoutingDecision* decision, std::size_t token) {
    Row out = h;
    if (decision == nullptr) {
      own_layer(out, h, layer, logits, plain_override_ ? slots_ : std::min(kTopK, slots_));
    } else {
      for (std::int32_t i = 0; i < decision->num_selected[token]; ++i) {
        const std::size_t at = token * decision->max_k + static_cast<std::size_t>(i);
        add_expert(out, h, layer, static_cast<std::size_t>(decision->expert_ids[at]),
                   decision->routing_weights[at]);
      }
    }
    h = out;
  }

  void hand_out(LogitsConsumer& consumer, std::size_t length, std::size_t begin, std::size_t end,
                std::size_t first_scored) {
    const std::size_t last = options_.forgets_last_row ? length - 2 : length;
    for (std::size_t r = begin; r < end;) {
      const std::size_t window = r / length, first = std::max(r % length, first_scored);
      const std::size_t stop = std::min({end, (window + 1) * length, window * length + last});
      std::vector<float> logits;
      for (std::size_t at = window * length + first; at < stop; ++at)
        append_output(logits, rows_[at - begin]);
      if (!logits.empty()) consumer.on_logits(window, first, logits.size() / kVocab, logits.data());
      r = std::min(end, (window + 1) * length);
    }
  }

  static void append_output(std::vector<float>& logits, const Row& h) {
    for (std::size_t v = 0; v < kVocab; ++v) {
      double logit = 0.0;
      for (std::size_t i = 0; i < kWidth; ++i)
        logit += 0.25 * h[i] * std::cos(0.77 * double(v) + 1.9 * double(i));
      logits.push_back(static_cast<float>(logit));
    }
  }

  FakeOptions options_;
  ModelDescription description_;
  std::size_t slots_;
  bool plain_override_ = false;
  const routing::Policy* policy_ = nullptr;
  RouterObserver* observer_ = nullptr;
  routing::RoutingDecision decision_;
  std::vector<Row> rows_;
};

/// Selects, of the max_k largest logits, those above a limit, at least one; weights by softmax over
/// all experts.
class LimitPolicy final : public routing::Policy {
 public:
  LimitPolicy(float limit, std::size_t max_k) : limit_(limit) {
    spec_.max_k = max_k;
    facts_ = {FakeModel::kExperts, FakeModel::kTopK, false};
  }
  const routing::PolicySpec& spec() const noexcept override { return spec_; }
  const routing::RouterFacts& facts() const noexcept override { return facts_; }

  Result<void> route(LogitsView logits, int, const routing::RouteRequest&,
                     routing::RoutingDecision& decision) const override {
    const std::size_t width = spec_.max_k;
    decision = {};
    decision.num_tokens = logits.num_tokens;
    decision.num_experts = logits.num_experts;
    decision.max_k = width;
    decision.expert_ids.assign(logits.num_tokens * width, -1);
    decision.routing_weights.assign(logits.num_tokens * width, 0.0F);
    decision.num_selected.assign(logits.num_tokens, 0);
    for (std::size_t t = 0; t < logits.num_tokens; ++t) route_token(logits.token(t), t, decision);
    return {};
  }

 private:
  void route_token(std::span<const float> logits, std::size_t t,
                   routing::RoutingDecision& decision) const {
    std::vector<std::int32_t> order;
    double sum = 0.0;
    for (std::size_t e = 0; e < logits.size(); ++e) {
      if (std::isnan(logits[e])) {
        ++decision.num_nan_logits;
        continue;
      }
      order.push_back(static_cast<std::int32_t>(e));
      sum += std::exp(static_cast<double>(logits[e]));
    }
    if (order.empty()) {
      decision.unroutable_tokens.push_back(t);
      return;
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int32_t a, std::int32_t b) { return logits[a] > logits[b]; });
    auto& count = decision.num_selected[t];
    for (std::size_t i = 0; i < std::min(order.size(), spec_.max_k); ++i) {
      if (i > 0 && logits[order[i]] <= limit_) break;
      decision.expert_ids[t * spec_.max_k + i] = order[i];
      decision.routing_weights[t * spec_.max_k + i] =
          static_cast<float>(std::exp(static_cast<double>(logits[order[i]])) / sum);
      ++count;
    }
  }

  float limit_;
  routing::PolicySpec spec_;
  routing::RouterFacts facts_;
};

/// Keeps every row handed out.
class RowCollector final : public LogitsConsumer {
 public:
  struct Row {
    std::size_t window, position;
    std::vector<float> logits;
  };
  explicit RowCollector(std::size_t vocab = FakeModel::kVocab) : vocab_(vocab) {}
  void on_logits(std::size_t window, std::size_t first_position, std::size_t num_positions,
                 const float* logits) override {
    for (std::size_t i = 0; i < num_positions; ++i)
      rows.push_back(
          {window, first_position + i, {logits + i * vocab_, logits + (i + 1) * vocab_}});
  }
  std::vector<Row> rows;

 private:
  std::size_t vocab_;
};

/// `num_tokens` characters that are no pattern of the fake's vocabulary.
inline std::string fake_text(std::size_t num_tokens) {
  std::string text;
  unsigned state = 12345;
  for (std::size_t i = 0; i < num_tokens; ++i) {
    state = state * 1103515245U + 12345U;
    text += static_cast<char>('a' + (state >> 16) % 26);
  }
  return text;
}

/// Windows of 16 tokens; `extra` tokens follow the last one.
inline WindowedText fake_windows(std::size_t num_windows, std::size_t extra = 0) {
  FakeModel model;
  constexpr std::size_t kWindow = 16;
  auto tokens = model.tokenize(fake_text(num_windows * kWindow + extra));
  return {std::move(*tokens), kWindow, num_windows};
}

}  // namespace bhroute::evaluation
