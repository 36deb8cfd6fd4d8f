#include "bhroute/evaluation/routing_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "bhroute/core/file.h"
#include "expert_counter.h"

namespace bhroute::evaluation {
namespace {

// Shortest digits that read back to the same number; JSON has no NaN and no infinity.
template <class T>
std::string json_list(std::span<const T> values) {
  std::string text = "[";
  for (const T value : values) {
    if (text.size() > 1) text += ',';
    text += std::isfinite(value) ? fmt::format("{}", value) : "null";
  }
  return text + "]";
}

std::string ids_of(const routing::RoutingDecision& decision, std::size_t token) {
  const auto* first = decision.expert_ids.data() + token * decision.max_k;
  return fmt::format("[{}]", fmt::join(first, first + decision.num_selected[token], ","));
}

}  // namespace

RoutingLog::RoutingLog(std::filesystem::path file, std::filesystem::path temporary,
                       std::size_t every, std::size_t window, std::string text)
    : file_(std::move(file)),
      temporary_(std::move(temporary)),
      text_(std::move(text)),
      stream_(temporary_, std::ios::binary | std::ios::trunc),
      every_(every),
      window_(window) {}

RoutingLog::~RoutingLog() {
  if (!stream_.is_open()) return;
  stream_.close();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

Result<std::unique_ptr<RoutingLog>> RoutingLog::open(const std::filesystem::path& file,
                                                     std::size_t every, std::size_t window,
                                                     std::string text) {
  if (every == 0) return invalid_input("--log-every", "no token is logged", "0", "at least 1");
  auto temporary = make_temporary(file);
  if (!temporary) return tl::make_unexpected(temporary.error());
  std::unique_ptr<RoutingLog> log(new RoutingLog(file, *temporary, every, window, std::move(text)));
  if (log->stream_.is_open()) return log;
  const std::string reason = std::strerror(errno);
  std::error_code ignored;
  std::filesystem::remove(*temporary, ignored);
  return failure(file.string(), "cannot write: " + reason);
}

void RoutingLog::set_policy(const routing::Policy* policy, std::size_t own_k) {
  policy_ = policy;
  own_k_ = own_k;
}

void RoutingLog::on_layer(int layer, LogitsView logits, const routing::RoutingDecision* decision) {
  std::size_t& seen = seen_[layer];
  for (std::size_t t = 0; t < logits.num_tokens; ++t, ++seen)
    if (seen % every_ == 0)
      write_line(layer, seen, {logits.token(t).data(), 1, logits.num_experts, logits.num_experts},
                 decision, t);
}

void RoutingLog::write_line(int layer, std::size_t index, LogitsView row,
                            const routing::RoutingDecision* decision, std::size_t token) {
  std::string selected;
  if (decision != nullptr && decision->num_selected[token] > 0) {
    selected = ids_of(*decision, token);
  } else {
    largest_logits(row.token(0), own_k_, top_);
    selected = fmt::format("[{}]", fmt::join(top_, ","));
  }
  stream_
      << fmt::format(
             R"({{"text":"{}","sample":{},"token":{},"layer":{},"logits":{},"p_values":{},"selected":{}}})",
             text_, index / window_, index % window_, layer, json_list(row.token(0)),
             p_values(row, layer), selected)
      << '\n';
}

// The row is routed once more, alone, with its intermediate values. Ranks among a call's rows,
// which stand in for p-values where there is no table, mean nothing for one row.
std::string RoutingLog::p_values(LogitsView row, int layer) {
  if (policy_ == nullptr) return "null";
  routing::RouteRequest request;
  request.stats = request.allow_unroutable = true;
  if (auto routed = policy_->route(row, layer, request, decision_); !routed) {
    if (!error_) error_ = routed.error();
    return "null";
  }
  if (!decision_.stats || !decision_.stats->table_available || decision_.stats->p_values.empty())
    return "null";
  return json_list(std::span<const double>(decision_.stats->p_values));
}

Result<void> RoutingLog::finish() {
  if (error_) return tl::make_unexpected(*error_);
  stream_.close();
  if (!stream_.fail()) return put_in_place(temporary_, file_);
  const std::string reason = std::strerror(errno);
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
  return failure(file_.string(), "cannot write: " + reason);
}

}  // namespace bhroute::evaluation
