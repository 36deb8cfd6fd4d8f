#include "p_value_file.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "bhroute/core/file_limits.h"
#include "input_text.h"

namespace bhroute::cli {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// Without blanks and one pair of quotes around it.
std::string_view cell_of(std::string_view line) {
  const std::size_t first = line.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  line = line.substr(first, line.find_last_not_of(kBlank) - first + 1);
  const bool quoted = line.size() >= 2 && line.front() == '"' && line.back() == '"';
  return quoted ? line.substr(1, line.size() - 2) : line;
}

/// Of a number beyond the doubles: whether it lies below the smallest, not above the largest.
bool is_tiny(std::string_view cell) {
  const std::size_t exponent = cell.find_first_of("eE");
  if (exponent != std::string_view::npos) return cell.substr(exponent + 1).starts_with('-');
  return cell.starts_with('0') || cell.starts_with('.');
}

std::optional<double> number_of(std::string_view cell) {
  double value = 0.0;
  const char* end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end)
    return is_tiny(cell) ? 0.0 : std::numeric_limits<double>::infinity();
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

Result<double> p_value_of(std::string_view cell, const std::string& where) {
  if (cell.find_first_of(",;\t") != std::string_view::npos)
    return invalid_input(where, "more than one column", fmt::format("'{}'", cell.substr(0, 40)),
                         "one p-value a line");
  const auto value = number_of(cell);
  if (!value)
    return invalid_input(where, "not a number", fmt::format("'{}'", cell.substr(0, 40)),
                         "a p-value");
  if (!(*value >= 0.0 && *value <= 1.0))
    return invalid_input(where, "not a p-value", std::string(cell.substr(0, 40)), "0 <= p <= 1");
  return *value;
}

}  // namespace

Result<std::vector<double>> parse_p_values(std::string_view content, const std::string& where) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  std::vector<double> values;
  bool may_be_header = true;
  for (std::size_t line = 1; !content.empty(); ++line) {
    const std::size_t end = content.find('\n');
    const std::string_view cell = cell_of(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (cell.empty()) continue;
    const auto value = p_value_of(cell, fmt::format("{} line {}", where, line));
    const bool header = std::exchange(may_be_header, false) && !number_of(cell) &&
                        cell.find_first_of(",;\t") == std::string_view::npos;
    if (header) continue;
    if (!value) return tl::make_unexpected(value.error());
    if (values.size() == kMaxPValues)
      return invalid_input(where, "too many p-values", fmt::format("more than {}", kMaxPValues),
                           "fewer");
    values.push_back(*value);
  }
  if (values.empty())
    return invalid_input(where, "no p-values", "an empty column", "one number a line");
  return values;
}

Result<std::vector<double>> read_p_values(const std::string& path) {
  return read_input(path, kMaxPValueBytes).and_then([](const InputText& input) {
    return parse_p_values(input.content, input.where);
  });
}

}  // namespace bhroute::cli
