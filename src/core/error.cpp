#include "bhroute/core/error.h"

namespace bhroute {
namespace {

tl::unexpected<Error> make(ErrorKind kind, std::string where, std::string what, std::string got,
                           std::string want) {
  return tl::make_unexpected(
      Error{kind, std::move(where), std::move(what), std::move(got), std::move(want)});
}

}  // namespace

std::string to_string(const Error& error) {
  std::string line = error.where + ": " + error.what;
  if (!error.got.empty()) line += ", got " + error.got;
  // "did you mean x?" is a question, not a bound.
  if (!error.want.empty()) line += (error.want.ends_with('?') ? ", " : ", want ") + error.want;
  return line;
}

tl::unexpected<Error> invalid_input(std::string where, std::string what, std::string got,
                                    std::string want) {
  return make(ErrorKind::invalid_input, std::move(where), std::move(what), std::move(got),
              std::move(want));
}

tl::unexpected<Error> failure(std::string where, std::string what, std::string got,
                              std::string want) {
  return make(ErrorKind::failure, std::move(where), std::move(what), std::move(got),
              std::move(want));
}

}  // namespace bhroute
