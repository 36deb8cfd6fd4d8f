#pragma once
// Errors as values: every fallible function of the library returns Result<T>; nothing throws across a
// public boundary and nothing prints.

#include <string>
#include <tl/expected.hpp>

namespace bhroute {

/// Decides the exit code of the command line: 2 for `invalid_input`, 1 for `failure`, 128 + the signal for `stopped`.
enum class ErrorKind {
  invalid_input,  ///< a flag, a file's content or an argument is wrong
  failure,        ///< the input was fine, the work could not be done (disk full, model does not load)
  stopped         ///< nothing went wrong: somebody asked for a stop (bhroute/core/stop.h)
};

/// One line for a person: "WHERE: what, got X, want Y". `got` and `want` may be empty.
struct Error {
  ErrorKind kind = ErrorKind::failure;
  std::string where;  ///< a file, a flag or an argument's name
  std::string what;   ///< the problem, without a full stop
  std::string got;    ///< the value found
  std::string want;   ///< the bound or form expected
};

template <class T>
using Result = tl::expected<T, Error>;

/// "WHERE: what, got X, want Y", leaving out the parts that are empty.
std::string to_string(const Error& error);

tl::unexpected<Error> invalid_input(std::string where, std::string what, std::string got = "",
                                    std::string want = "");
tl::unexpected<Error> failure(std::string where, std::string what, std::string got = "",
                              std::string want = "");

}  // namespace bhroute
