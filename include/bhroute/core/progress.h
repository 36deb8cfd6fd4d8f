#pragma once
// Progress of long work, reported by the library and shown by the application.

#include <cstdint>
#include <string_view>

namespace bhroute {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// `done` of `total` units ("windows", "configurations") of the work called `label`. Called often; cheap.
  virtual void update(std::string_view label, std::uint64_t done, std::uint64_t total,
                      std::string_view unit) = 0;
};

/// For callers that want silence.
class NoProgress final : public ProgressSink {
 public:
  void update(std::string_view, std::uint64_t, std::uint64_t, std::string_view) override {}
};

}  // namespace bhroute
