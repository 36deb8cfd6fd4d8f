// bhroute report: a sweep's results.json as one HTML page.

#include "bhroute/evaluation/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/core/file_format.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "command.h"
#include "json_output.h"
#include "output_path.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::vector<std::string> directories;
  std::string output;
};

Result<nlohmann::json> read_results(const std::filesystem::path& path,
                                    const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return invalid_input(
        path.string(), "not found", "",
        "a sweep's results: bhroute sweep -m MODEL -f TEXT --table TABLE -o " + directory);
  return read_json(path, kMaxJsonBytes);
}

// What `bhroute check -o DIR/check.json` wrote, where it did.
Result<void> add_check(nlohmann::json& results, const std::filesystem::path& path) {
  std::error_code ignored;
  if (!results.is_object() || !std::filesystem::exists(path, ignored)) return {};
  auto check = read_json(path, kMaxJsonBytes);
  if (!check) return tl::make_unexpected(check.error());
  if (!check->is_object()) return invalid_input(path.string(), "not the output of bhroute check");
  if (auto ok = check_format_version(*check, kCheckFormat, path.string()); !ok) return ok;
  results["check"] = *std::move(check);
  return {};
}

Result<std::vector<nlohmann::json>> read_all(const std::vector<std::string>& directories) {
  std::vector<nlohmann::json> all;
  for (const std::string& directory : directories) {
    const std::filesystem::path folder(directory);
    auto results = read_results(folder / "results.json", directory);
    if (!results) return tl::make_unexpected(results.error());
    if (auto ok = add_check(*results, folder / "check.json"); !ok)
      return tl::make_unexpected(ok.error());
    if (!all.empty())
      if (auto ok = evaluation::pair_with_first(*results, folder, all.front(), directories.front());
          !ok)
        return tl::make_unexpected(ok.error());
    all.push_back(std::move(*results));
  }
  return all;
}

std::string readable(const std::vector<std::string>& verdict, const std::string& output,
                     std::size_t num_bytes) {
  return fmt::format("{}\n\nwrote {} ({:.1f} MiB, opens without a network)\n",
                     fmt::join(verdict, "\n"), output, static_cast<double>(num_bytes) / (1 << 20));
}

Result<void> run(const Flags& flags, const Context& context) {
  const std::filesystem::path folder(flags.directories.front());
  const std::string output =
      flags.output.empty() ? (folder / "report.html").string() : flags.output;
  const auto all = read_all(flags.directories);
  if (!all) return tl::make_unexpected(all.error());
  if (auto ok = check_writable(output, "--output"); !ok) return ok;
  const std::string where = (folder / "results.json").string();
  const std::span others = std::span(*all).subspan(1);
  const auto page = evaluation::render_report(all->front(), where, others);
  if (!page) return tl::make_unexpected(page.error());
  const auto sentences = evaluation::verdict(all->front(), where, others);
  if (!sentences) return tl::make_unexpected(sentences.error());
  if (auto ok = write_file(output, *page); !ok) return ok;
  const nlohmann::json object{
      {"report", output}, {"verdict", *sentences}, {"versions", versions_json()}};
  context.console.out(context.json ? json_text(object)
                                   : readable(*sentences, output, page->size()));
  return {};
}

}  // namespace

Action declare_report(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("directory", flags->directories,
                 "The folder that `bhroute sweep -o` wrote; further ones hold other models on the\n"
                 "same text, whose runs stand beside the first one's")
      ->type_name("DIR")
      ->required();
  app.add_option("-o,--output", flags->output, "The page (default: DIR/report.html)")
      ->type_name("HTML");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
