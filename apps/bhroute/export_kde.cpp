// bhroute export-kde: a table -> the original system's pickles.

#include <fmt/format.h>

#include "bhroute/calibration/kde_pickles.h"
#include "command.h"
#include "json_output.h"
#include "table_source.h"

namespace bhroute::cli {
namespace {

struct Flags {
  std::string table, directory;
};

Result<void> run(const Flags& flags, const Context& context) {
  const auto table = open_table(flags.table);
  if (!table) return tl::make_unexpected(table.error());
  if (auto ok = calibration::export_kde(**table, flags.directory); !ok) return ok;
  const std::size_t num_layers = (*table)->layers.size();
  const nlohmann::json object{
      {"directory", flags.directory}, {"num_layers", num_layers}, {"versions", versions_json()}};
  context.console.out(context.json
                          ? json_text(object)
                          : fmt::format("wrote {} layers to {}\n", num_layers, flags.directory));
  return {};
}

}  // namespace

Action declare_export_kde(CLI::App& app, Context& context) {
  auto flags = std::make_shared<Flags>();
  app.add_option("table", flags->table, "The table")->type_name("TABLE")->required();
  app.add_option("directory", flags->directory, "Where distribution_model_layer_<i>.pkl go")
      ->type_name("DIR")
      ->required();
  return [flags, &context] { return run(*flags, context); };
}

}  // namespace bhroute::cli
