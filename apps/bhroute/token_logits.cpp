#include "token_logits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "bhroute/core/file_limits.h"
#include "bhroute/core/npy.h"
#include "input_text.h"

namespace bhroute::cli {
namespace {

constexpr std::string_view kSeparators = " \t\r\n,;";
constexpr std::string_view kNpyMagic = "\x93NUMPY";

std::string position(std::string_view content, std::size_t offset) {
  const std::string_view before = content.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 = 0: the first line
  return fmt::format("line {}, column {}", line, offset - start + 1);
}

Result<float> parse_number(std::string_view word, const std::string& where) {
  const std::string_view digits = word.front() == '+' ? word.substr(1) : word;
  float value = 0.0F;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size();
  if (error == std::errc::result_out_of_range && whole)
    return invalid_input(where, "beyond the range of a float", std::string(word),
                         "a number up to 3.4e38");
  if (error != std::errc{} || !whole)
    return invalid_input(where, "not a number", fmt::format("'{}'", word.substr(0, 40)),
                         "numbers separated by blanks or commas");
  return value;
}

Result<std::vector<float>> parse_array(std::string_view content, const std::string& where) {
  auto array = parse_npy(content, where);
  if (!array) return tl::make_unexpected(array.error());
  const auto& shape = array->shape;
  const bool one_token = shape.size() == 1 || (shape.size() == 2 && shape[0] == 1);
  if (!one_token)
    return invalid_input(where, "not one token's logits",
                         fmt::format("shape [{}]", fmt::join(shape, ", ")), "shape [N] or [1, N]");
  return std::move(array->values);
}

}  // namespace

Result<std::vector<float>> parse_token_logits(std::string_view content, const std::string& where) {
  if (content.substr(0, kNpyMagic.size()) == kNpyMagic) return parse_array(content, where);
  std::vector<float> values;
  for (std::size_t at = content.find_first_not_of(kSeparators); at != std::string_view::npos;) {
    const std::size_t end = std::min(content.find_first_of(kSeparators, at), content.size());
    const auto value =
        parse_number(content.substr(at, end - at), where + " " + position(content, at));
    if (!value) return tl::make_unexpected(value.error());
    values.push_back(*value);
    at = content.find_first_not_of(kSeparators, end);
  }
  if (values.empty())
    return invalid_input(where, "no logits", "an empty input", "one number an expert");
  return values;
}

Result<std::vector<float>> read_token_logits(const std::string& path) {
  return read_input(path, kMaxTokenLogitsBytes).and_then([](const InputText& input) {
    return parse_token_logits(input.content, input.where);
  });
}

}  // namespace bhroute::cli
