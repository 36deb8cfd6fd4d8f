// bhroute import-kde: the original system's pickles -> a table.

#include <fmt/format.h>

#include <numeric>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/calibration/kde_pickles.h"
#include "command.h"
#include "engine.h"
#include "json_output.h"
#include "number_flags.h"
#include "output_path.h"
#include "table_output.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string directory, output, model;
  std::size_t num_layers = 0;
};

/// The model's own indices; else 0, 1, ... as many as there should be; else empty: not known.
Result<std::vector<int>> expected_layers(const Flags& flags) {
  if (!flags.model.empty())
    return read_model_header(flags.model).map([](const auto& header) { return header.moe_layers; });
  std::vector<int> layers(flags.num_layers);
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

Result<void> run(const Flags& flags, const Context& context) {
  if (auto ok = check_writable(flags.output, "--output"); !ok) return ok;
  const auto layers = expected_layers(flags);
  if (!layers) return tl::make_unexpected(layers.error());
  auto table = calibration::import_kde(flags.directory, *layers);
  if (!table) return tl::make_unexpected(table.error());
  table->metadata.command = context.command_line;
  if (auto ok = calibration::write_table(flags.output, *table); !ok) return ok;
  const nlohmann::json object{{"table", table_json(*table, flags.output)},
                              {"versions", versions_json()}};
  context.console.out(context.json ? json_text(object)
                                   : fmt::format("wrote {}: {}\n", flags.output, describe(*table)));
  return {};
}

}  // namespace

Action declare_import_kde(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("directory", flags->directory, "Folder of distribution_model_layer_<i>.pkl")
      ->type_name("DIR")
      ->required();
  app.add_option("-o,--output", flags->output, "The table to write")
      ->type_name("TABLE")
      ->required();
  auto* layers = app.add_option("--layers", flags->num_layers,
                                "How many layers there should be: missing ones are named")
                     ->check(in_range(0, 10000))
                     ->type_name("N");
  app.add_option("-m,--model", flags->model,
                 "The model they belong to, instead: missing ones are named by its own indices")
      ->excludes(layers)
      ->type_name("GGUF");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
