#include "help_formatter.h"

#include <fmt/format.h>

#include <algorithm>

#include "manual.h"
#include "wrap.h"

namespace bhroute::cli {
namespace {

constexpr std::size_t kLeastWidth = 40;
constexpr std::size_t kHanging = 4;  // of a usage's further lines
constexpr std::size_t kNarrow = 70;  // below this the names take too much of a line

std::string indented(const std::vector<std::string>& lines, std::size_t by) {
  std::string text;
  for (const std::string& line : lines)
    text += (text.empty() ? "" : std::string(by, ' ')) + line + "\n";
  return text;
}

}  // namespace

HelpFormatter::HelpFormatter(std::size_t width) : width_(std::max(width, kLeastWidth)) {
  column_width(width_ < kNarrow ? 8 : 30);
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return indented(wrap(app->get_description(), width_), 0) + "\n";
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  if (app->get_parent() == nullptr) return CLI::Formatter::make_usage(app, std::move(name));
  return indented(wrap("Usage: " + usage(*app), width_, kHanging), 0);
}

std::string HelpFormatter::make_subcommand(const CLI::App* sub) const {
  return entry(sub->get_name(), sub->get_description());
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  return entry(make_option_name(option, is_positional) + make_option_opts(option),
               make_option_desc(option));
}

std::string HelpFormatter::entry(const std::string& name, const std::string& meaning) const {
  const std::size_t column = get_column_width();
  const std::string left = "  " + name;
  const bool beside = left.size() < column;
  const std::string lines = indented(wrap(meaning, width_ - column), column);
  return beside ? fmt::format("{:<{}}{}", left, column, lines)
                : fmt::format("{}\n{:{}}{}", left, "", column, lines);
}

}  // namespace bhroute::cli
