#include "ggml/policy_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "bhroute/routing/policy_table.h"
#include "ggml/host_policy.h"
#include "ggml/say.h"

namespace bhroute::ggml {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(100);

bool same_facts(const routing::RouterFacts& a, const routing::RouterFacts& b) {
  return a.num_experts == b.num_experts && a.top_k == b.top_k &&
         a.normalizes_weights == b.normalizes_weights;
}

}  // namespace

PolicySource::FileStamp PolicySource::stamp_of(const std::filesystem::path& file) {
  std::error_code missing;
  if (file.empty()) return {};
  return {std::filesystem::last_write_time(file, missing),
          std::filesystem::file_size(file, missing)};
}

// By its own time no writer is at work any more. A file that is missing may be on its way.
bool PolicySource::FileStamp::lies_still() const {
  constexpr auto kMissing = static_cast<std::uintmax_t>(-1);
  return size != kMissing && time <= std::filesystem::file_time_type::clock::now() - kLookEvery;
}

Result<std::shared_ptr<const routing::Policy>> PolicySource::bind(
    const Loaded& loaded, const routing::RouterFacts& facts) {
  if (loaded.router) return std::make_shared<HostPolicy>(loaded.spec, facts, *loaded.router);
  auto made = routing::make_policy(loaded.spec, facts, loaded.table);
  if (!made) return tl::make_unexpected(made.error());
  return std::shared_ptr<const routing::Policy>(std::move(*made));
}

// With every model met so far, so that a policy that does not fit one is refused while the old is
// still there.
Result<PolicySource::Loaded> PolicySource::load(const routing::PolicySpec& spec) const {
  Loaded loaded;
  loaded.spec = spec;
  auto table = routing::open_policy_table(spec);
  if (!table) return tl::make_unexpected(table.error());
  loaded.table = std::move(*table);
  if (!loaded_) return loaded;
  for (const Bound& old : loaded_->bound) {
    auto bound = bind(loaded, old.facts);
    if (!bound) return tl::make_unexpected(bound.error());
    loaded.bound.push_back({old.facts, std::move(bound)});
  }
  return loaded;
}

// What changes while it is read is read again: each file is stamped before. A table that cannot be
// used is watched too, since it may be mended.
void PolicySource::read(const std::string& policy, bool first) {
  read_.policy = stamp_of(file_);
  const auto spec = routing::parse_policy(policy);
  if (spec) table_file_ = spec->table;
  read_.table = stamp_of(table_file_);
  seen_ = read_;
  auto loaded = spec.and_then([&](const auto& parsed) { return load(parsed); });
  if (loaded) loaded_ = std::move(*loaded);
  if (loaded)
    say_info(
        fmt::format("policy {}{}", routing::to_string(loaded_->spec), first ? "" : " (changed)"));
  else
    say(fmt::format("{}; {}", to_string(loaded.error()),
                    loaded_ ? "the old policy stays" : "the model's own routing stays"));
}

void PolicySource::take(const std::string& policy) {
  std::lock_guard lock(mutex_);
  std::error_code ignored;
  const bool is_file =
      policy.ends_with(".json") || std::filesystem::is_regular_file(policy, ignored);
  if (is_file) file_ = std::filesystem::absolute(policy);
  read(is_file ? file_.string() : policy, true);
}

Result<void> PolicySource::set(std::string_view policy) {
  std::lock_guard lock(mutex_);
  if (policy.empty()) {
    loaded_.reset();
  } else {
    auto loaded =
        routing::parse_policy(policy).and_then([&](const auto& parsed) { return load(parsed); });
    if (!loaded) return tl::make_unexpected(loaded.error());
    loaded_ = std::move(*loaded);
  }
  file_.clear();
  is_set_from_within_ = true;
  return {};
}

Result<void> PolicySource::set(std::string_view policy, const bhroute_ggml_router& router) {
  auto spec = routing::parse_policy(policy);
  if (!spec) return tl::make_unexpected(spec.error());
  if (auto off = set(""); !off) return off;
  std::lock_guard lock(mutex_);
  loaded_ = Loaded{.spec = std::move(*spec), .table = nullptr, .router = router, .bound = {}};
  return {};
}

// A change is read once it lies still, by the files' times or, since their clock may not be this
// one, from one look to the next: an editor may write in pieces.
void PolicySource::look_at_file() {
  const auto now = std::chrono::steady_clock::now();
  if (file_.empty() || now < next_look_) return;
  next_look_ = now + kLookEvery;
  const Stamp current{stamp_of(file_), stamp_of(table_file_)};
  if (!(current == read_) && (current == seen_ || current.lies_still()))
    read(file_.string(), false);
  seen_ = current;
}

Result<std::shared_ptr<const routing::Policy>> PolicySource::policy_for(
    const routing::RouterFacts& facts) {
  std::lock_guard lock(mutex_);
  look_at_file();
  if (!loaded_) return std::shared_ptr<const routing::Policy>();
  for (const Bound& bound : loaded_->bound)
    if (same_facts(bound.facts, facts)) return bound.policy;
  loaded_->bound.push_back({facts, bind(*loaded_, facts)});
  return loaded_->bound.back().policy;
}

bool PolicySource::is_set_from_within() const {
  std::lock_guard lock(mutex_);
  return is_set_from_within_;
}

}  // namespace bhroute::ggml
