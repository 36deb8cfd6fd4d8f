#pragma once
// Where the policy comes from: a file that is read again when it changes on disk, or a program's
// own words.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bhroute/calibration/calibration_table.h"
#include "bhroute/routing/policy.h"
#include "ggml/bhroute_ggml.h"

namespace bhroute::ggml {

/// Thread-safe. Models differ in their facts, so a policy is bound to each kind of model as it is
/// met.
class PolicySource {
 public:
  /// The short form, or a JSON file, which is read now and again whenever it or its table has
  /// changed and lain still for 100 ms (looked at every 100 ms at most). What cannot be used is
  /// told on stderr and the old policy stays.
  void take(const std::string& policy);
  /// parse_policy's forms; "" = none. From now on no file is watched. Errors: those of the policy,
  /// of its table, or that it does not fit a model already routed; the old policy stays.
  Result<void> set(std::string_view policy);
  /// The host's `router` decides, by the weight rule of `policy`, whose table is not opened.
  Result<void> set(std::string_view policy, const bhroute_ggml_router& router);

  /// Null if there is none. Errors: it does not fit this model.
  Result<std::shared_ptr<const routing::Policy>> policy_for(const routing::RouterFacts& facts);
  bool is_set_from_within() const;

 private:
  using Table = std::shared_ptr<const calibration::CalibrationTable>;
  struct Bound {
    routing::RouterFacts facts;
    Result<std::shared_ptr<const routing::Policy>> policy;
  };
  struct FileStamp {
    std::filesystem::file_time_type time = std::filesystem::file_time_type::min();
    std::uintmax_t size = 0;
    bool operator==(const FileStamp&) const = default;
    bool lies_still() const;
  };
  struct Stamp {
    FileStamp policy, table;
    bool operator==(const Stamp&) const = default;
    bool lies_still() const { return policy.lies_still() && table.lies_still(); }
  };
  struct Loaded {
    routing::PolicySpec spec;
    Table table;
    std::optional<bhroute_ggml_router> router;
    std::vector<Bound> bound;
  };

  static Result<std::shared_ptr<const routing::Policy>> bind(const Loaded& loaded,
                                                             const routing::RouterFacts& facts);
  static FileStamp stamp_of(const std::filesystem::path& file);
  Result<Loaded> load(const routing::PolicySpec& spec) const;
  void look_at_file();
  void read(const std::string& policy, bool first);

  mutable std::mutex mutex_;
  std::filesystem::path file_;
  std::string table_file_;
  bool is_set_from_within_ = false;
  std::optional<Loaded> loaded_;
  Stamp read_, seen_;
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace bhroute::ggml
