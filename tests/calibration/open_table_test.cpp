#include "bhroute/calibration/open_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bhroute/calibration/calibration_file.h"
#include "bhroute/calibration/kde_pickles.h"
#include "calibration/tables.h"
#include "core/log_recorder.h"
#include "core/temporary_folder.h"

namespace bhroute::calibration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(OpenTable, AFileAndAFolderOfTheSameTableAreCached) {
  ::bhroute::testing::TemporaryFolder folder;
  const auto table = testing::make_table();
  testing::must(write_table(folder / "t.safetensors", table));
  testing::must(export_kde(table, folder / "pickles"));
  const auto file = open_table(folder / "t.safetensors").value();
  const auto pickles = open_table(folder / "pickles").value();
  EXPECT_EQ(file->layers.size(), table.layers.size());
  EXPECT_EQ(pickles->layers.size(), table.layers.size());
  EXPECT_EQ(open_table(folder / "t.safetensors").value(), file);
  EXPECT_EQ(open_table(folder / "pickles").value(), pickles);
}

TEST(OpenTable, TheModelsLayersAreToldToTheFolder) {
  ::bhroute::testing::TemporaryFolder folder;
  const auto table = testing::make_table();
  testing::must(export_kde(table, folder.path()));
  std::vector<int> layers;
  for (const auto& [index, layer] : table.layers) layers.push_back(index);
  layers.push_back(layers.back() + 1);
  ::bhroute::testing::LogRecorder log;
  EXPECT_EQ(open_table(folder.path(), layers).value()->metadata.num_layers, layers.size());
  EXPECT_THAT(log.warnings,
              ElementsAre(HasSubstr("missing layers " + std::to_string(layers.back()))));
}

TEST(OpenTable, ErrorsNameThePath) {
  EXPECT_THAT(to_string(open_table("/nowhere/t").error()), HasSubstr("/nowhere/t"));
  ::bhroute::testing::TemporaryFolder empty;
  EXPECT_THAT(to_string(open_table(empty.path()).error()), HasSubstr("no KDE tables found"));
}

}  // namespace
}  // namespace bhroute::calibration
