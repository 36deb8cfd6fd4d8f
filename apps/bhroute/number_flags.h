#pragma once
// Flags of whole numbers. CLI11 would read "-1" as 2^64 - 1 and take what has no room for 2^64 - 1
// too.

#include <CLI/CLI.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>

namespace bhroute::cli {

/// A check that a text is a whole number in a range, which fails in this project's form.
CLI::Validator in_range(std::int64_t low, std::uint64_t high);
/// A check that a text has no minus sign.
CLI::Validator not_negative();

/// A flag of a whole number from 0 to the largest that `value` has room for.
template <std::integral T>
CLI::Option* add_count(CLI::App& app, const std::string& names, T& value, const std::string& help) {
  return app.add_option(names, value, help)
      ->check(not_negative())
      ->check(in_range(0, std::numeric_limits<T>::max()));
}

/// The same, negative ones too.
template <std::signed_integral T>
CLI::Option* add_whole(CLI::App& app, const std::string& names, T& value, const std::string& help) {
  using Limits = std::numeric_limits<T>;
  return app.add_option(names, value, help)->check(in_range(Limits::min(), Limits::max()));
}

}  // namespace bhroute::cli
