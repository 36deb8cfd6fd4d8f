// The C API: arguments checked, exceptions and error values turned into a status and a line.

#include "bhroute.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <limits>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bhroute/core/json.h"
#include "bhroute/core/log.h"
#include "bhroute/core/version.h"
#include "bhroute/routing/policy.h"
#include "bhroute/routing/policy_table.h"

struct bhroute_policy {
  std::unique_ptr<bhroute::routing::Policy> compiled;
  std::string text;
  std::size_t width;
};

namespace {

namespace routing = bhroute::routing;
using bhroute::invalid_input;
using bhroute::LogitsView;
using bhroute::Result;

/// A thread's last error, and its working memory: kept from call to call so that routing allocates
/// nothing.
thread_local char last_error[1024] = "";
struct ThreadScratch {
  std::vector<float> gathered;
  routing::RoutingDecision decision;
};

ThreadScratch& thread_scratch() {
  thread_local ThreadScratch scratch;
  return scratch;
}

bhroute_status refuse(bhroute_status status, std::string_view reason) noexcept {
  const std::size_t size = std::min(reason.size(), sizeof last_error - 1);
  std::memcpy(last_error, reason.data(), size);
  last_error[size] = '\0';
  return status;
}

/// The only way out of a function that can fail.
template <class Work>
bhroute_status guarded(const char* where, Work work) noexcept {
  try {
    const Result<void> done = work();
    if (done) return BHROUTE_OK;
    const bool is_input = done.error().kind == bhroute::ErrorKind::invalid_input;
    return refuse(is_input ? BHROUTE_INVALID_INPUT : BHROUTE_FAILURE, to_string(done.error()));
  } catch (const std::bad_alloc&) {
    std::snprintf(last_error, sizeof last_error, "%s: out of memory", where);
    return BHROUTE_FAILURE;
  } catch (const std::exception& error) {
    std::snprintf(last_error, sizeof last_error, "%s: %s", where, error.what());
    return BHROUTE_FAILURE;
  } catch (...) {
    std::snprintf(last_error, sizeof last_error, "%s: an exception of an unknown kind", where);
    return BHROUTE_FAILURE;
  }
}

/// While this thread is in the caller's log sink: a call from there would find the thread's working
/// memory in use, and what the library holds while it speaks.
thread_local bool is_in_sink = false;
struct SinkScope {
  SinkScope() noexcept { is_in_sink = true; }
  SinkScope(const SinkScope&) = delete;
  SinkScope& operator=(const SinkScope&) = delete;
  ~SinkScope() { is_in_sink = false; }
};

Result<void> outside_sink(const char* where) {
  if (!is_in_sink) return {};
  return invalid_input(where, "called from inside the log sink");
}

Result<void> given(const void* pointer, const char* name) {
  if (pointer != nullptr) return {};
  return invalid_input(name, "missing", "NULL", "a pointer");
}

Result<void> all_given(std::initializer_list<std::pair<const void*, const char*>> pointers) {
  for (const auto& [pointer, name] : pointers)
    if (auto ok = given(pointer, name); !ok) return ok;
  return {};
}

/// Never a path: what comes from outside must not name files.
Result<routing::PolicySpec> parse_text(std::string_view text) {
  if (text.starts_with('{'))
    return bhroute::parse_json(text, "policy").and_then([](const nlohmann::json& object) {
      return routing::policy_from_json(object);
    });
  const auto rule = routing::parse_rule(text.substr(0, text.find(':')), "policy");
  if (!rule) return tl::make_unexpected(rule.error());
  return routing::parse_policy(text);
}

Result<void> compile(Result<routing::PolicySpec> spec, const char* table,
                     const bhroute_router_facts& facts, bhroute_policy** policy) {
  if (!spec) return tl::make_unexpected(spec.error());
  if (table != nullptr) spec->table = table;
  auto opened = routing::open_policy_table(*spec);
  if (!opened) return tl::make_unexpected(opened.error());
  auto compiled = routing::make_policy(
      *spec, {facts.num_experts, facts.top_k, facts.normalizes_weights != 0}, std::move(*opened));
  if (!compiled) return tl::make_unexpected(compiled.error());
  *policy = new bhroute_policy{std::move(*compiled), routing::to_string(*spec), spec->largest_k()};
  return {};
}

/// Every index and size in bytes that routing makes of these numbers fits.
bool fits(const bhroute_logits& logits, std::size_t width) {
  constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(double);
  if (logits.num_experts == 0) return false;
  if (logits.num_tokens > kMost / std::max(logits.num_experts, width)) return false;
  if (logits.token_stride > kMost / logits.num_tokens) return false;
  return logits.expert_stride <= kMost / logits.num_experts;
}

Result<void> check_batch(const bhroute_logits& logits, const bhroute_decision& decision) {
  auto ok = all_given({{logits.data, "logits.data"},
                       {decision.expert_ids, "decision.expert_ids"},
                       {decision.routing_weights, "decision.routing_weights"},
                       {decision.num_selected, "decision.num_selected"}});
  if (!ok) return ok;
  if (logits.token_stride == 0 || logits.expert_stride == 0)
    return invalid_input(
        "logits", "a stride is 0",
        fmt::format("token_stride {}, expert_stride {}", logits.token_stride, logits.expert_stride),
        "at least 1");
  if (!fits(logits, decision.width))
    return invalid_input(
        "logits", "sizes out of range",
        fmt::format("{} tokens, {} experts, width {}, strides {} and {}", logits.num_tokens,
                    logits.num_experts, decision.width, logits.token_stride, logits.expert_stride),
        "a batch that memory can hold");
  return {};
}

/// The logits with experts side by side, as the kernels read them.
LogitsView dense_view(const bhroute_logits& logits) {
  const std::size_t n = logits.num_experts;
  if (logits.expert_stride == 1) return {logits.data, logits.num_tokens, n, logits.token_stride};
  auto& gathered = thread_scratch().gathered;
  gathered.resize(logits.num_tokens * n);
  for (std::size_t t = 0; t < logits.num_tokens; ++t)
    for (std::size_t e = 0; e < n; ++e)
      gathered[t * n + e] = logits.data[t * logits.token_stride + e * logits.expert_stride];
  return {gathered.data(), logits.num_tokens, n, n};
}

void hand_over(const routing::RoutingDecision& made, const bhroute_decision& out) {
  for (std::size_t t = 0; t < made.num_tokens; ++t) {
    int32_t* ids = std::copy_n(made.expert_ids.data() + t * made.max_k, made.max_k,
                               out.expert_ids + t * out.width);
    float* weights = std::copy_n(made.routing_weights.data() + t * made.max_k, made.max_k,
                                 out.routing_weights + t * out.width);
    std::fill_n(ids, out.width - made.max_k, -1);
    std::fill_n(weights, out.width - made.max_k, 0.0f);
  }
  std::copy(made.num_selected.begin(), made.num_selected.end(), out.num_selected);
}

Result<void> route(const routing::Policy& policy, int32_t layer, const bhroute_logits& logits,
                   uint32_t flags, const bhroute_decision& out) {
  if ((flags & ~BHROUTE_ALLOW_UNROUTABLE) != 0)
    return invalid_input("flags", "unknown", fmt::format("{:#x}", flags),
                         "BHROUTE_ALLOW_UNROUTABLE or 0");
  if (logits.num_tokens == 0) return {};
  if (auto ok = check_batch(logits, out); !ok) return ok;
  const routing::RouteRequest request{.allow_unroutable = flags != 0};
  routing::RoutingDecision& made = thread_scratch().decision;
  if (auto ok = policy.route(dense_view(logits), layer, request, made); !ok) return ok;
  if (made.max_k > out.width)
    return invalid_input("decision.width", "too narrow for this layer",
                         fmt::format("{}", out.width), fmt::format("at least {}", made.max_k));
  hand_over(made, out);
  return {};
}

}  // namespace

int bhroute_version_number(void) { return BHROUTE_VERSION_NUMBER; }
const char* bhroute_version(void) { return bhroute::version().data(); }
const char* bhroute_last_error(void) { return last_error; }

void bhroute_set_log_sink(bhroute_log_sink sink, void* user) {
  guarded("log sink", [&]() -> Result<void> {
    if (sink == nullptr) {
      bhroute::set_log_sink({});
      return {};
    }
    bhroute::set_log_sink([sink, user](bhroute::Severity severity, std::string_view message) {
      const SinkScope scope;
      sink(user, severity == bhroute::Severity::warning ? BHROUTE_WARNING : BHROUTE_INFO,
           std::string(message).c_str());
    });
    return {};
  });
}

bhroute_status bhroute_policy_load(const char* path, const char* table,
                                   const bhroute_router_facts* facts, bhroute_policy** policy) {
  return guarded("policy", [&]() -> Result<void> {
    if (auto ok = outside_sink("policy"); !ok) return ok;
    if (auto ok = all_given({{path, "path"}, {facts, "facts"}, {policy, "policy"}}); !ok) return ok;
    return compile(routing::read_policy(path), table, *facts, policy);
  });
}

bhroute_status bhroute_policy_parse(const char* text, const char* table,
                                    const bhroute_router_facts* facts, bhroute_policy** policy) {
  return guarded("policy", [&]() -> Result<void> {
    if (auto ok = outside_sink("policy"); !ok) return ok;
    if (auto ok = all_given({{text, "text"}, {facts, "facts"}, {policy, "policy"}}); !ok) return ok;
    return compile(parse_text(text), table, *facts, policy);
  });
}

void bhroute_policy_free(bhroute_policy* policy) { delete policy; }
const char* bhroute_policy_text(const bhroute_policy* policy) { return policy->text.c_str(); }
size_t bhroute_policy_width(const bhroute_policy* policy) { return policy->width; }

bhroute_status bhroute_route(const bhroute_policy* policy, int32_t layer,
                             const bhroute_logits* logits, uint32_t flags,
                             const bhroute_decision* decision) {
  return guarded("route", [&]() -> Result<void> {
    if (auto ok = outside_sink("route"); !ok) return ok;
    if (auto ok = all_given({{policy, "policy"}, {logits, "logits"}, {decision, "decision"}}); !ok)
      return ok;
    return route(*policy->compiled, layer, *logits, flags, *decision);
  });
}
