// bhroute report: a sweep's results.json as one HTML page.

#include "bhroute/evaluation/report.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "command.h"
#include "output_path.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string directory, output;
};

Result<nlohmann::json> read_results(const std::filesystem::path& path,
                                    const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return invalid_input(
        path.string(), "not found", "",
        "a sweep's results: bhroute sweep -m MODEL -f TEXT --table TABLE -o " + directory);
  auto content = read_file(path);
  if (!content) return tl::make_unexpected(content.error());
  auto results = nlohmann::json::parse(*content, nullptr, false);
  if (results.is_discarded())
    return invalid_input(path.string(), "not valid JSON", "", "a results.json of bhroute sweep");
  return results;
}

Result<void> run(const Flags& flags, Console& console) {
  const auto path = std::filesystem::path(flags.directory) / "results.json";
  const std::string output = flags.output.empty()
                                 ? (std::filesystem::path(flags.directory) / "report.html").string()
                                 : flags.output;
  const auto results = read_results(path, flags.directory);
  if (!results) return tl::make_unexpected(results.error());
  if (auto ok = check_writable(output, "--output"); !ok) return ok;
  const auto page = evaluation::render_report(*results, path.string());
  if (!page) return tl::make_unexpected(page.error());
  const auto sentences = evaluation::verdict(*results, path.string());
  if (!sentences) return tl::make_unexpected(sentences.error());
  if (auto ok = write_file(output, *page); !ok) return ok;
  for (const std::string& sentence : *sentences) console.out(sentence + "\n");
  console.out(fmt::format("\nwrote {} ({:.1f} MiB, opens without a network)\n", output,
                          static_cast<double>(page->size()) / (1 << 20)));
  return {};
}

}  // namespace

Action declare_report(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("directory", flags->directory, "The folder that `bhroute sweep -o` wrote")
      ->type_name("DIR")
      ->required();
  app.add_option("-o,--output", flags->output, "The page (default: DIR/report.html)")
      ->type_name("HTML");
  return [flags, &context] { return run(*flags, context.console); };
}

}  // namespace bhroute::cli
