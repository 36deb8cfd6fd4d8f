#include "policy_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

namespace bhroute::routing {
namespace {

/// "inf" and "nan" parse and fail validate().
template <class T>
Result<void> read_number(std::string_view key, std::string_view text, T& number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && rest == end) return {};
  return invalid_input(std::string(key), "not a number in range", std::string(text),
                       std::string(kind_of(&number)));
}

struct Reader {
  std::string_view key, text;

  Result<void> operator()(std::monostate) const { return {}; }
  Result<void> operator()(double* place) const { return read_number(key, text, *place); }
  Result<void> operator()(std::size_t* place) const { return read_number(key, text, *place); }
  Result<void> operator()(bool* place) const {
    if (text != "true" && text != "false")
      return invalid_input(std::string(key), "not a truth value", std::string(text),
                           "true or false");
    *place = text == "true";
    return {};
  }
  Result<void> operator()(WeightRule* place) const {
    return parse_weight_rule(text, key).map([&](WeightRule rule) { *place = rule; });
  }
  Result<void> operator()(calibration::Statistic* place) const {
    return parse_statistic_of(text, key).map([&](calibration::Statistic kind) { *place = kind; });
  }
  Result<void> operator()(std::string* place) const {
    *place = text;
    return {};
  }
  template <class T>
  Result<void> operator()(std::vector<T>* place) const {
    place->clear();
    for (std::string_view rest = text; !text.empty();) {
      const std::size_t slash = rest.find('/');
      T& value = place->emplace_back();
      if (auto ok = read_number(key, rest.substr(0, slash), value); !ok) return ok;
      if (slash == std::string_view::npos) break;
      rest.remove_prefix(slash + 1);
    }
    return {};
  }
};

struct Writer {
  std::string operator()(WeightRule rule) const { return std::string(to_string(rule)); }
  std::string operator()(calibration::Statistic kind) const {
    return std::string(calibration::to_string(kind));
  }
  template <class T>
  std::string operator()(const std::vector<T>& list) const {
    return fmt::format("{}", fmt::join(list, "/"));
  }
  template <class T>
  std::string operator()(const T& value) const {
    return fmt::format("{}", value);
  }
};

}  // namespace

Result<void> read_text(std::string_view key, std::string_view text, const PolicyField& field) {
  return std::visit(Reader{key, text}, field);
}

std::string value_text(const ParameterValue& value) { return std::visit(Writer{}, value); }

}  // namespace bhroute::routing
