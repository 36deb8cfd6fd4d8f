#include "bhroute/calibration/calibration_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "../../src/calibration/safetensors.h"
#include "../../src/calibration/table_metadata.h"
#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "calibration/python.h"
#include "calibration/tables.h"
#include "core/temporary_folder.h"

namespace bhroute::calibration {
namespace {

using ::testing::HasSubstr;

class CalibrationFile : public ::testing::Test {
 protected:
  std::string bytes_of(const CalibrationTable& table) {
    testing::must(write_table(path, table));
    return read_file(path, kMaxTextBytes).value();
  }
  Result<CalibrationTable> read_bytes(const std::string& bytes) {
    testing::must(write_file(path, bytes));
    return read_table(path);
  }
  std::string message(const Safetensors& content) {
    const auto table = read_bytes(format_safetensors(content));
    return table ? "no error" : to_string(table.error());
  }

  ::bhroute::testing::TemporaryFolder folder;
  std::filesystem::path path = folder / "t.safetensors";
};

std::vector<CalibrationOptions> kinds() {
  CalibrationOptions per_expert, smooth_per_expert = testing::smoothed();
  per_expert.pooling = smooth_per_expert.pooling = Pooling::per_expert;
  return {{}, per_expert, testing::smoothed(), smooth_per_expert};
}

TEST_F(CalibrationFile, RoundTripsToTheByte) {
  for (const auto& options : kinds()) {
    const std::string bytes = bytes_of(testing::make_table(options));
    const auto back = read_table(path).value();
    EXPECT_EQ(back.metadata.model_name, "nano");
    EXPECT_EQ(bytes_of(back), bytes);
    EXPECT_EQ(bytes_of(testing::make_table(options)), bytes);
  }
}

TEST_F(CalibrationFile, SampledRowsRoundTripAsVersion2) {
  CalibrationOptions options;
  options.reservoir_rows = 7;
  options.reservoir_seed = 3;
  const auto table = testing::make_table(options);
  const std::string bytes = bytes_of(table);
  const auto back = read_table(path).value();
  EXPECT_EQ(back.samples, table.samples);
  EXPECT_EQ(back.samples.at(10).keys.size(), 7u);
  EXPECT_EQ(back.metadata.reservoir_seed, 3u);
  EXPECT_EQ(bytes_of(back), bytes);
  EXPECT_EQ(format_metadata(table.metadata).at("format_version"), "2");
}

TEST_F(CalibrationFile, WithoutRowsItIsVersion1AsEver) {
  const auto strings = format_metadata(testing::make_table().metadata);
  EXPECT_EQ(strings.at("format_version"), "1");
  EXPECT_FALSE(strings.contains("reservoir_rows"));
}

TEST_F(CalibrationFile, PValuesAreTheSameAfterwards) {
  for (const auto& options : kinds()) {
    const auto table = testing::make_table(options);
    bytes_of(table);
    const auto back = read_table(path).value();
    for (std::size_t e : {0u, 7u})
      for (float z = -4; z < 4; z += 0.01f)
        ASSERT_EQ(back.layers.at(10).of_expert(e).p_value(z),
                  table.layers.at(10).of_expert(e).p_value(z));
  }
}

TEST_F(CalibrationFile, AGridWithoutCountsRoundTrips) {
  auto table = testing::make_table(testing::smoothed());
  for (auto& [index, layer] : table.layers)
    layer.groups[0] = NullDistribution::from_grid(*layer.groups[0].grid());
  bytes_of(table);
  EXPECT_FALSE(read_table(path)->layers.at(0).groups[0].counts());
}

TEST_F(CalibrationFile, MixedGroupsCannotBeWritten) {
  CalibrationOptions options = testing::smoothed();
  options.pooling = Pooling::per_expert;
  auto table = testing::make_table(options);
  table.layers.at(10).groups[1] =
      NullDistribution::from_grid(stats::GriddedCdf::create({0, 1}, {0, 1}).value());
  EXPECT_THAT(to_string(write_table(path, table).error()),
              HasSubstr("layer 10: groups of different kinds or grid sizes"));
}

TEST_F(CalibrationFile, TruncatedAnywhereIsAnError) {
  const std::string bytes = bytes_of(testing::make_table({}, 2));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = parse_safetensors(std::string_view(bytes).substr(0, size), "cut");
    ASSERT_FALSE(cut) << size;
    ASSERT_TRUE(size % 97 != 0 || !read_bytes(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(read_bytes(bytes + "x"));
}

TEST_F(CalibrationFile, MissingFilesAreNamed) {
  EXPECT_THAT(to_string(read_table(folder / "none").error()),
              HasSubstr("none: cannot read: No such file"));
  EXPECT_FALSE(write_table(folder / "no/such/folder", testing::make_table()));
}

// A good pooled table of one layer, to be damaged: values 1, 2 with counts 3, 4 and a grid of two
// points.
struct Parts {
  template <class T>
  static std::string raw(std::initializer_list<T> values) {
    return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
  }

  std::string values = raw<float>({1, 2}), counts = raw<std::uint64_t>({3, 4}),
              offsets = raw<std::uint64_t>({0, 2});
  std::string x = raw<double>({0, 1}), cdf = raw<double>({0, 1});
  TableMetadata metadata;

  Safetensors content() const {
    TableMetadata described = metadata;
    described.form = stats::PValueForm::gridded;
    Safetensors content{format_metadata(described), {}};
    content.tensors["layer.4.values"] = {"F32", {values.size() / 4}, values};
    content.tensors["layer.4.counts"] = {"U64", {counts.size() / 8}, counts};
    content.tensors["layer.4.offsets"] = {"U64", {offsets.size() / 8}, offsets};
    content.tensors["layer.4.x"] = {"F64", {1, x.size() / 8}, x};
    content.tensors["layer.4.cdf"] = {"F64", {1, cdf.size() / 8}, cdf};
    return content;
  }
};

TEST_F(CalibrationFile, TheUndamagedPartsAreGood) {
  EXPECT_EQ(message(Parts().content()), "no error");
}

TEST_F(CalibrationFile, LyingTensorsAreNamed) {
  const auto damaged = [&](std::function<void(Parts&)> damage) {
    Parts parts;
    damage(parts);
    return message(parts.content());
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(damaged([](Parts& p) { p.values = p.raw<float>({2, 1}); }), HasSubstr("layer 4"));
  EXPECT_THAT(damaged([&](Parts& p) { p.values = p.raw<float>({1, nan}); }), HasSubstr("layer 4"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.counts = p.raw<std::uint64_t>({3, 0});
              }),
              HasSubstr("layer 4"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.counts = p.raw<std::uint64_t>({~0ull, 2});
              }),
              HasSubstr("layer 4"));
  EXPECT_THAT(damaged([](Parts& p) { p.counts = p.raw<std::uint64_t>({3}); }),
              HasSubstr("wrong type or shape of counts"));
  EXPECT_THAT(damaged([](Parts& p) { p.offsets = p.raw<std::uint64_t>({0}); }),
              HasSubstr("damaged offsets"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.offsets = p.raw<std::uint64_t>({0, 1});
              }),
              HasSubstr("damaged offsets"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.offsets = p.raw<std::uint64_t>({1, 2});
              }),
              HasSubstr("damaged offsets"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.offsets = p.raw<std::uint64_t>({0, ~0ull, 2});
              }),
              HasSubstr("damaged offsets"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.offsets = p.raw<std::uint64_t>({0, 1, 2});
              }),
              HasSubstr("wrong number of groups, got 2, want 1"));
  EXPECT_THAT(damaged([](Parts& p) { p.cdf = p.raw<double>({1, 0}); }), HasSubstr("layer 4"));
  EXPECT_THAT(damaged([](Parts& p) { p.cdf = p.raw<double>({0, 2}); }), HasSubstr("layer 4"));
  EXPECT_THAT(damaged([](Parts& p) { p.x = p.raw<double>({0, 0}); }), HasSubstr("layer 4"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.x = p.raw<double>({0, 1, 2});
              }),
              HasSubstr("wrong type or shape of a grid"));
  EXPECT_THAT(damaged([](Parts& p) { p.x = p.cdf = ""; }),
              HasSubstr("wrong type or shape of a grid"));
  EXPECT_THAT(damaged([](Parts& p) {
                p.metadata.pooling = Pooling::per_expert, p.metadata.num_experts = 2;
              }),
              HasSubstr("wrong number of groups, got 1, want 2"));
}

TEST_F(CalibrationFile, LyingSamplesAreNamed) {
  const std::string rows = Parts::raw<float>({1, 2, 3, 4}),
                    keys = Parts::raw<std::uint64_t>({1, 2});
  const std::string falling = Parts::raw<std::uint64_t>({2, 1});
  Parts parts;
  parts.metadata.num_experts = 2;
  parts.metadata.reservoir_rows = 2;
  const auto with = [&](std::vector<std::size_t> shape, const std::string& its_keys) {
    Safetensors content = parts.content();
    content.tensors["layer.4.rows"] = {"F32", std::move(shape), rows};
    content.tensors["layer.4.row_keys"] = {"U64", {its_keys.size() / 8}, its_keys};
    return content;
  };
  EXPECT_EQ(message(with({2, 2}, keys)), "no error");
  EXPECT_THAT(message(with({1, 4}, keys)),
              HasSubstr("layer 4: wrong type or shape of sampled rows"));
  EXPECT_THAT(message(with({2, 2}, falling)), HasSubstr("layer 4: damaged row_keys"));
  EXPECT_THAT(message(parts.content()), HasSubstr("layer 4: incomplete sampled rows"));
  parts.metadata.reservoir_rows = 1;
  EXPECT_THAT(message(with({2, 2}, keys)), HasSubstr("R <= 1"));
  parts.metadata.reservoir_rows = 0;
  EXPECT_THAT(message(with({2, 2}, keys)), HasSubstr("incomplete sampled rows"));
}

TEST_F(CalibrationFile, WrongSetsOfTensorsAreNamed) {
  const auto damaged = [&](std::function<void(Safetensors&)> damage) {
    const Parts parts;
    auto content = parts.content();
    damage(content);
    return message(content);
  };
  EXPECT_THAT(damaged([](Safetensors& s) { s.tensors.erase("layer.4.counts"); }),
              HasSubstr("layer 4: incomplete counts"));
  EXPECT_THAT(damaged([](Safetensors& s) { s.tensors.erase("layer.4.x"); }),
              HasSubstr("layer 4: incomplete grid"));
  EXPECT_THAT(damaged([](Safetensors& s) { s.tensors.clear(); }),
              HasSubstr("a table without layers"));
  EXPECT_THAT(damaged([](Safetensors& s) { s.tensors["layer.4.values"].dtype = "U32"; }),
              HasSubstr("wrong type or shape of counts"));
  EXPECT_THAT(damaged([](Safetensors& s) {
                s.tensors["layer.4.x"].shape = {2, 1};
              }),
              HasSubstr("wrong type or shape of a grid"));
  EXPECT_THAT(damaged([](Safetensors& s) { s.metadata["form"] = "conformal"; }),
              HasSubstr("a grid in a conformal table"));
  EXPECT_THAT(damaged([](Safetensors& s) { s.metadata.erase("null"); }),
              HasSubstr("missing metadata, got null"));
  for (const char* name : {"other", "layer.4", "layer.4.", "layer.4.more", "layer.04.x",
                           "layer.-1.x", "layer.x.x", "layer.99999999999.x"})
    EXPECT_THAT(damaged([&](Safetensors& s) {
                  s.tensors[name] = {"U8", {0}, ""};
                }),
                HasSubstr("unknown tensor, got " + std::string(name)));
}

TEST_F(CalibrationFile, LoadIsCachedByPathAndContent) {
  bytes_of(testing::make_table());
  const auto first = load_table(path).value();
  EXPECT_EQ(load_table(path).value(), first);
  bytes_of(testing::make_table({}, 60));
  const auto second = load_table(path).value();
  EXPECT_NE(second, first);
  EXPECT_EQ(second->metadata.num_tokens, 60u);
  EXPECT_EQ(first->metadata.num_tokens, 50u);
  testing::must(write_file(path, "damaged"));
  EXPECT_FALSE(load_table(path));
}

RC_GTEST_FIXTURE_PROP(CalibrationFile, MutatedBytesNeverCrash,
                      (std::vector<std::pair<std::uint16_t, char>> changes)) {
  static const std::string original = format_safetensors(Parts().content());
  std::string bytes = original;
  for (auto [at, byte] : changes) bytes[at % bytes.size()] = byte;
  const auto table = read_bytes(bytes);
  if (table) RC_ASSERT(!table->layers.empty());
}

TEST_F(CalibrationFile, PythonsLibraryReadsTheSame) {
  const auto python = testing::python_with("numpy, safetensors");
  if (!python)
    GTEST_SKIP() << "no Python with numpy and safetensors: set BHROUTE_PYTHON or make .venv";
  CalibrationOptions options = testing::smoothed();
  options.pooling = Pooling::per_expert;
  const auto table = testing::make_table(options);
  bytes_of(table);
  const auto& expert = table.layers.at(10).groups.at(3);
  const std::string got = testing::run_python(*python, folder.path(), R"(
from safetensors import safe_open
with safe_open('t.safetensors', framework='np') as f:
    m = f.metadata()
    print(m['format_version'], m['model_name'], m['num_experts'], m['pooling'], m['command'].encode())
    o = f.get_tensor('layer.10.offsets')
    print(len(f.keys()), len(o), f.get_tensor('layer.10.values').dtype, f.get_tensor('layer.10.counts').dtype)
    print(f.get_tensor('layer.10.counts')[o[3]:o[4]].sum(), float(f.get_tensor('layer.10.values')[o[3]]))
    print(f.get_tensor('layer.10.x').shape, float(f.get_tensor('layer.10.x')[3, 0]), float(f.get_tensor('layer.10.cdf')[3, 50]))
)");
  EXPECT_EQ(got, fmt::format("1 nano 8 per_expert b'bhroute calibrate -m \"na\\xc3\\xafve\"'\n10 9 "
                             "float32 uint64\n{} {}\n(8, 100) {} {}\n",
                             expert.counts()->size(), double(expert.counts()->values()[0]),
                             expert.grid()->x()[0], expert.grid()->values()[50]));
}

}  // namespace
}  // namespace bhroute::calibration
