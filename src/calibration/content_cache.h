#pragma once
// Keeps the last thing made from each file or folder, as long as its content stays the same.

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "bhroute/core/error.h"

namespace bhroute::calibration {

template <class T>
class ContentCache {
 public:
  using Pointer = std::shared_ptr<const T>;

  /// What was made from `key` when its content had the hash `hash`, or else `make()`, which is then
  /// remembered. Errors are not remembered. Thread-safe; two threads may make the same thing, one
  /// is kept.
  template <class Make>
  Result<Pointer> get(const std::string& key, const std::string& hash, Make make) {
    if (Pointer known = find(key, hash)) return known;
    Result<T> made = make();
    if (!made) return tl::make_unexpected(std::move(made).error());
    auto fresh = std::make_shared<const T>(*std::move(made));
    std::lock_guard lock(mutex_);
    entries_[key] = {hash, fresh};
    return fresh;
  }

 private:
  struct Entry {
    std::string hash;
    Pointer value;
  };

  Pointer find(const std::string& key, const std::string& hash) const {
    std::lock_guard lock(mutex_);
    const auto it = entries_.find(key);
    return it != entries_.end() && it->second.hash == hash ? it->second.value : nullptr;
  }

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace bhroute::calibration
