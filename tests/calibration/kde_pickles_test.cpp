#include "bhroute/calibration/kde_pickles.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "bhroute/calibration/pickle.h"
#include "bhroute/core/file.h"
#include "calibration/python.h"
#include "calibration/tables.h"
#include "core/log_recorder.h"
#include "core/temporary_folder.h"

namespace bhroute::calibration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Doubles = std::vector<double>;

class KdePickles : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("BHROUTE_KDE_DIR"); }

  void put(const std::string& name, const std::string& bytes) {
    testing::must(write_file(folder / name, bytes));
  }
  void put_layer(int index, const Doubles& x = {0, 1}, const Doubles& cdf = {0.25, 1}) {
    put(fmt::format("distribution_model_layer_{}.pkl", index),
        write_pickle({{"x", x}, {"cdf", cdf}}));
  }
  std::string import_message() {
    const auto table = import_kde(folder.path());
    return table ? "no error" : to_string(table.error());
  }

  ::bhroute::testing::TemporaryFolder folder;
  ::bhroute::testing::LogRecorder log;
};

TEST_F(KdePickles, ImportsEveryLayer) {
  for (int index : {0, 1, 2}) put_layer(index);
  put("distribution_model_layer_01.pkl", "not a layer's name");
  put("distribution_model_layer_.pkl", "nor this");
  put("notes.txt", "nor this");
  const auto table = import_kde(folder.path()).value();
  EXPECT_EQ(table.layers.size(), 3u);
  EXPECT_EQ(table.layers.at(2).groups.at(0).p_value(0.5f), 1 - 0.625);
  EXPECT_EQ(table.metadata.form, stats::PValueForm::gridded);
  EXPECT_EQ(table.metadata.smoothing_kernel, "unknown");
  EXPECT_EQ(table.metadata.num_experts, 0u);
  EXPECT_EQ(table.metadata.num_layers, 3u);
  EXPECT_THAT(log.infos, ElementsAre("Loaded 3 of 3 layers from " + folder.path().string()));
  EXPECT_THAT(log.warnings, IsEmpty());
}

TEST_F(KdePickles, MissingLayersAreNamed) {
  for (int index : {1, 2, 5}) put_layer(index);
  ASSERT_TRUE(import_kde(folder.path()));
  EXPECT_THAT(log.infos, ElementsAre(HasSubstr("Loaded 3 of 6 layers")));
  EXPECT_THAT(log.warnings, ElementsAre(HasSubstr("missing layers 0, 3, 4")));
}

TEST_F(KdePickles, LayersAreMissedByTheModelsOwnIndices) {
  for (int index : {1, 2}) put_layer(index);
  EXPECT_EQ(import_kde(folder.path(), {1, 2, 3, 4})->metadata.num_layers, 4u);
  EXPECT_THAT(log.infos, ElementsAre(HasSubstr("Loaded 2 of 4 layers")));
  EXPECT_THAT(log.warnings, ElementsAre(HasSubstr("missing layers 3, 4"))) << "layer 0 is dense";
}

TEST_F(KdePickles, FilesOfOtherLayersThanTheModelsAreNamed) {
  for (int index : {0, 1, 2, 7}) put_layer(index);
  ASSERT_TRUE(import_kde(folder.path(), {1, 2}));
  EXPECT_THAT(log.infos, ElementsAre(HasSubstr("Loaded 2 of 2 layers")));
  EXPECT_THAT(log.warnings, ElementsAre(HasSubstr("that the model has no router in: 0, 7")));
}

TEST_F(KdePickles, NoLayersAtAll) {
  EXPECT_THAT(import_message(),
              HasSubstr("no KDE tables found, want files distribution_model_layer_<layer>.pkl"));
  EXPECT_THAT(to_string(import_kde(folder / "none").error()),
              HasSubstr("none: no such folder, want one of files distribution_model_layer_<"));
}

TEST_F(KdePickles, DamagedFilesAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto with = [&](const Doubles& x, const Doubles& cdf) {
    put_layer(7, x, cdf);
    return import_message();
  };
  for (const auto& message :
       {with({0, nan}, {0, 1}), with({0, 1}, {0, nan}), with({0, 0}, {0, 1}), with({1, 0}, {0, 1}),
        with({0, 1}, {0.5, 0.25}), with({0, 1}, {-0.1, 1}), with({0, 1}, {0, 1.1}),
        with({0, 1, 2}, {0, 1}), with({}, {}), with({0}, {1})})
    EXPECT_THAT(message, HasSubstr("distribution_model_layer_7.pkl"));
  EXPECT_EQ(with({0, 1}, {0, 1}), "no error");
}

TEST_F(KdePickles, WrongStructuresAreNamed) {
  const auto with = [&](const std::string& bytes) {
    put("distribution_model_layer_7.pkl", bytes);
    return import_message();
  };
  EXPECT_THAT(with("garbage"), HasSubstr("layer_7.pkl: not a pickle of protocols 2 to 5"));
  EXPECT_THAT(with("\x80\x04]."), HasSubstr("layer_7.pkl: not a KDE table, want a dict"));
  EXPECT_THAT(with(write_pickle({{"x", {0, 1}}})), HasSubstr("layer_7.pkl: no 'cdf'"));
  EXPECT_THAT(with(write_pickle({{"x", {0, 1}}, {"cdf", {0, 1}}, {"x", {0, 1}}})),
              HasSubstr("damaged 'x', want one array"));
  EXPECT_THAT(with("\x80\x04}X\x01" + std::string("\0\0\0x]s.", 7)),
              HasSubstr("damaged 'x', want one array of one dimension"));
  EXPECT_EQ(with(write_pickle({{"x", {0, 1}}, {"cdf", {0, 1}}, {"note", {0}}})), "no error");
}

TEST_F(KdePickles, ExportOfCountsIsTheirEmpiricalCdf) {
  const auto table = testing::make_table();
  testing::must(export_kde(table, folder / "made/here"));
  const auto back = import_kde(folder / "made/here").value();
  const auto& counts = *table.layers.at(10).groups[0].counts();
  for (float z : counts.values())
    EXPECT_NEAR(back.layers.at(10).groups[0].p_value(z), counts.gridded_p_value(z), 1e-15);
}

TEST_F(KdePickles, ExportErrors) {
  CalibrationOptions options;
  options.pooling = Pooling::per_expert;
  EXPECT_THAT(to_string(export_kde(testing::make_table(options), folder.path()).error()),
              HasSubstr("layer 0: a per-expert table has no place in the original's files, got 8 "
                        "groups, want a pooled table"));
  put("file", "");
  EXPECT_THAT(to_string(export_kde(testing::make_table(), folder / "file/inside").error()),
              HasSubstr("cannot make the folder"));
}

TEST_F(KdePickles, TheSearchPathBeginsWithTheEnvironment) {
  ASSERT_EQ(::setenv("BHROUTE_KDE_DIR", folder.path().c_str(), 1), 0);
  EXPECT_THAT(kde_search_path(),
              ElementsAre(folder.path(), "./kde_models/models", "../kde_models/models"));
  ASSERT_EQ(::setenv("BHROUTE_KDE_DIR", "", 1), 0);
  EXPECT_THAT(kde_search_path(), ElementsAre("./kde_models/models", "../kde_models/models"));
}

TEST_F(KdePickles, FindIsCachedByContent) {
  ASSERT_EQ(::setenv("BHROUTE_KDE_DIR", folder.path().c_str(), 1), 0);
  put_layer(0);
  const auto first = find_kde_table().value();
  ASSERT_TRUE(first);
  EXPECT_EQ(find_kde_table().value(), first);
  EXPECT_EQ(log.infos.size(), 1u) << "said when loaded, not when found again";
  put_layer(0, {0, 1}, {0.5, 1});
  EXPECT_NE(find_kde_table().value(), first);
  put_layer(0, {0, 1}, {0.5, 2});
  EXPECT_FALSE(find_kde_table());
}

TEST_F(KdePickles, NoTableIsOneWarningThatNamesThePlaces) {
  ASSERT_EQ(::setenv("BHROUTE_KDE_DIR", folder.path().c_str(), 1), 0);
  if (std::filesystem::exists("./kde_models") || std::filesystem::exists("../kde_models"))
    GTEST_SKIP() << "tables lie beside the tests";
  EXPECT_EQ(find_kde_table().value(), nullptr);
  EXPECT_EQ(find_kde_table().value(), nullptr);
  EXPECT_THAT(log.warnings, ElementsAre("no KDE tables found in " + folder.path().string() +
                                        ", ./kde_models/models, ../kde_models/models: p-values are ranks among the "
                                        "rows of one call only"));
}

TEST_F(KdePickles, PythonOpensWhatIsExported) {
  const auto python = testing::python_with("numpy");
  if (!python) GTEST_SKIP() << "no Python with numpy: set BHROUTE_PYTHON or make .venv";
  testing::must(export_kde(testing::make_table(testing::smoothed()), folder.path()));
  EXPECT_EQ(testing::run_python(*python, folder.path(), R"(
import pickle, numpy as np
d = pickle.load(open('distribution_model_layer_10.pkl', 'rb'))
print(sorted(d), d['x'].dtype, d['cdf'].shape, bool(np.all(np.diff(d['x']) > 0)), float(d['cdf'][-1]))
)"),
            "['cdf', 'x'] float64 (100,) True 1.0\n");
}

const char* original_tables() { return std::getenv("BHROUTE_SEED_TABLES"); }

TEST_F(KdePickles, TheOriginalsTablesLoad) {
  if (original_tables() == nullptr)
    GTEST_SKIP() << "BHROUTE_SEED_TABLES names no folder of the original's tables";
  std::vector<int> layers(16);
  std::iota(layers.begin(), layers.end(), 0);
  const auto table = import_kde(original_tables(), layers).value();
  EXPECT_EQ(table.layers.size(), 16u);
  EXPECT_THAT(log.infos,
              ElementsAre(fmt::format("Loaded 16 of 16 layers from {}", original_tables())));
  EXPECT_EQ(table.layers.at(15).groups.at(0).grid()->x().size(), 10000u);
}

TEST_F(KdePickles, TheOriginalsWorkedExampleHolds) {
  if (original_tables() == nullptr)
    GTEST_SKIP() << "BHROUTE_SEED_TABLES names no folder of the original's tables";
  const auto table = import_kde(original_tables()).value();
  const std::vector<float> logits = {4.9269f, 4.4873f, 3.9007f, 2.6784f,
                                     2.1228f, 1.9569f, 1.8446f, 1.7174f};
  const Doubles want = {0.000000, 0.000000, 0.000000, 0.000187,
                        0.002426, 0.003939, 0.005432, 0.007688};
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(table.layers.at(0).groups.at(0).p_value(logits[i]), want[i], 1e-6) << logits[i];
}

TEST_F(KdePickles, ExportThenImportIsTheIdentity) {
  if (original_tables() == nullptr)
    GTEST_SKIP() << "BHROUTE_SEED_TABLES names no folder of the original's tables";
  const auto table = import_kde(original_tables()).value();
  testing::must(export_kde(table, folder.path()));
  const auto back = import_kde(folder.path()).value();
  for (const auto& [index, layer] : table.layers) {
    const auto &want = *layer.groups[0].grid(), &got = *back.layers.at(index).groups[0].grid();
    EXPECT_TRUE(std::equal(want.x().begin(), want.x().end(), got.x().begin(), got.x().end()))
        << index;
    EXPECT_TRUE(std::equal(want.values().begin(), want.values().end(), got.values().begin(),
                           got.values().end()))
        << index;
  }
}

}  // namespace
}  // namespace bhroute::calibration
