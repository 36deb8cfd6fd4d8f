// bhroute merge: one table of several made in parts.

#include <fmt/format.h>

#include <filesystem>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/core/version.h"
#include "command.h"
#include "json_output.h"
#include "output_path.h"
#include "table_output.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::vector<std::string> tables;
  std::string output;
};

// The library's errors name what differs; here the two files are known too.
Error with_files(Error error, const std::string& a, const std::string& b) {
  error.where = fmt::format("{} and {}: {}", a, b, error.where);
  return error;
}

Result<calibration::CalibrationTable> merge_all(const std::vector<std::string>& paths) {
  auto merged = calibration::read_table(paths.front());
  for (std::size_t i = 1; merged && i < paths.size(); ++i) {
    const auto next = calibration::read_table(paths[i]);
    if (!next) return tl::make_unexpected(next.error());
    merged = calibration::merge(*merged, *next).map_error([&](Error error) {
      return with_files(std::move(error), paths.front(), paths[i]);
    });
  }
  return merged;
}

// A file that is given twice would count its tokens twice.
Result<void> check_distinct(const std::vector<std::string>& paths) {
  std::error_code missing;  // is told when the file is read
  for (std::size_t i = 0; i < paths.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (paths[i] == paths[j] || std::filesystem::equivalent(paths[i], paths[j], missing))
        return invalid_input("merge", "a table is given twice", paths[i], "each once");
  return {};
}

Result<void> run(const Flags& flags, const Context& context) {
  if (flags.tables.size() < 2)
    return invalid_input("merge", "too few tables", std::to_string(flags.tables.size()),
                         "2 or more");
  if (auto ok = check_writable(flags.output, "--output"); !ok) return ok;
  auto merged = merge_all(flags.tables);
  if (!merged) return tl::make_unexpected(merged.error());
  if (auto ok = check_distinct(flags.tables); !ok) return ok;
  merged->metadata.command = context.command_line;
  merged->metadata.created_by = fmt::format("bhroute {}", version());
  if (auto ok = calibration::write_table(flags.output, *merged); !ok) return ok;
  nlohmann::json object{{"num_merged", flags.tables.size()},
                        {"table", table_json(*merged, flags.output)},
                        {"versions", versions_json()}};
  context.console.out(context.json ? json_text(object)
                                   : fmt::format("wrote {}: {} tables merged, {}\n", flags.output,
                                                 flags.tables.size(), describe(*merged)));
  return {};
}

}  // namespace

Action declare_merge(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("tables", flags->tables,
                 "The tables, of one model and made with the same settings")
      ->type_name("TABLE")
      ->required();
  app.add_option("-o,--output", flags->output, "The table to write")
      ->type_name("TABLE")
      ->required();
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
