// bhroute import-kde: the original system's pickles -> a table.

#include <fmt/format.h>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/calibration/kde_pickles.h"
#include "command.h"
#include "output_path.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string directory, output;
  std::size_t num_layers = 0;
};

Result<void> run(const Flags& flags, const Context& context) {
  if (auto ok = check_writable(flags.output, "--output"); !ok) return ok;
  auto table = calibration::import_kde(flags.directory, flags.num_layers);
  if (!table) return tl::make_unexpected(table.error());
  table->metadata.command = context.command_line;
  if (auto ok = calibration::write_table(flags.output, *table); !ok) return ok;
  context.console.out(fmt::format("wrote {}: {}\n", flags.output, describe(*table)));
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
  app.add_option("--layers", flags->num_layers,
                 "How many layers there should be: missing ones are named")
      ->check(CLI::Range(0, 10000))
      ->type_name("N");
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
