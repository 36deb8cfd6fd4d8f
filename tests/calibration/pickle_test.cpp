#include "bhroute/calibration/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <map>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "calibration/pickle_text.h"

namespace bhroute::calibration {
namespace {

using ::testing::HasSubstr;
using testing::read_as_text;

const std::filesystem::path kPickles =
    std::filesystem::path(BHROUTE_TEST_DATA) / "calibration/pickles";

std::string load(const std::string& name) {
  return read_file(kPickles / (name + ".pkl"), kMaxTextBytes).value();
}

constexpr const char* kTable =
    "{'x': f8(9x -2 -1.5 -1 -0.5 0 0.5 1 1.5 2), 'cdf': f8(9x 0 0.125 0.25 0.375 0.5 0.625 0.75 "
    "0.875 1)}";
constexpr const char* kFloat32Table =
    "{'x': f4(9x -2 -1.5 -1 -0.5 0 0.5 1 1.5 2), 'cdf': f4(9x 0 0.125 0.25 0.375 0.5 0.625 0.75 "
    "0.875 1)}";
constexpr const char* kPlain =
    "{'list': [1, -2, 3000000000, -9223372036854775808], 'tuple': (True, False, None), 'float': "
    "0.1, "
    "'bytes': bytes[256], 'text': 'bébé', 'nested': {'a': [[], (), {}]}}";

class GoodPickle : public ::testing::TestWithParam<std::tuple<const char*, int>> {
 protected:
  std::string load_named(const std::string& name) const {
    const auto [numpy, protocol] = GetParam();
    return load(fmt::format("good_{}_{}_protocol{}", numpy, name, protocol));
  }
};

TEST_P(GoodPickle, Float64Table) { EXPECT_EQ(read_as_text(load_named("table")), kTable); }
TEST_P(GoodPickle, Float32Table) {
  EXPECT_EQ(read_as_text(load_named("table_float32")), kFloat32Table);
}
TEST_P(GoodPickle, PlainData) { EXPECT_EQ(read_as_text(load_named("plain")), kPlain); }
TEST_P(GoodPickle, NumpyScalars) { EXPECT_EQ(read_as_text(load_named("scalars")), "[1.5, -0.1]"); }

TEST_P(GoodPickle, BytesAreKept) {
  const auto value = read_pickle(load_named("plain"), "plain").value();
  const auto& dict = std::get<PickleDict>(value->value);
  const std::string& bytes = std::get<PickleBytes>(dict.items[3].second->value).bytes;
  for (int i = 0; i < 256; ++i) EXPECT_EQ(static_cast<unsigned char>(bytes[i]), i);
}

INSTANTIATE_TEST_SUITE_P(All, GoodPickle,
                         ::testing::Combine(::testing::Values("numpy1", "numpy2"),
                                            ::testing::Range(2, 6)),
                         [](const auto& info) {
                           return fmt::format("{}_protocol{}", std::get<0>(info.param),
                                              std::get<1>(info.param));
                         });

TEST(Pickle, SharedEmptyAndScalarArrays) {
  for (const char* numpy : {"numpy1", "numpy2"}) {
    const auto value = read_pickle(load(fmt::format("good_{}_shared", numpy)), "shared").value();
    EXPECT_EQ(testing::text_of(value),
              "{'a': f8(3x 0 1 2), 'b': f8(3x 0 1 2), 'c': f8( 7), 'd': f8(0x3x), 'e': f4(2x3x 0 1 "
              "2 3 4 5)}");
    const auto& items = std::get<PickleDict>(value->value).items;
    EXPECT_EQ(items[0].second, items[1].second) << "one array, twice";
    EXPECT_EQ(read_as_text(load(fmt::format("good_{}_readonly_protocol5", numpy))),
              "f8(4x 0 1 2 3)");
  }
}

const std::map<std::string, std::string> kHostile = {
    {"os_system_protocol2",
     "global not allowed in a pickle, got posix.system, want numpy arrays and scalars"},
    {"os_system_protocol3", "global not allowed in a pickle, got posix.system"},
    {"os_system_protocol4", "global not allowed in a pickle, got posix.system"},
    {"os_system_protocol5", "global not allowed in a pickle, got posix.system"},
    {"builtins_eval", "global not allowed in a pickle, got builtins.eval"},
    {"global_with_escape", "global not allowed in a pickle, got ?[31mos.system"},
    {"ordered_dict", "global not allowed in a pickle, got collections.OrderedDict"},
    {"newobj", "global not allowed in a pickle, got __main__.Sneaky"},
    {"newobj_of_ndarray",
     "opcode not allowed in a pickle, got NEWOBJ at byte 18, want plain data and numpy arrays"},
    {"call_of_ndarray", "call not allowed in a pickle, got numpy.ndarray"},
    {"inst", "opcode not allowed in a pickle, got INST at byte 3"},
    {"obj", "opcode not allowed in a pickle, got OBJ at byte 18"},
    {"persistent_id", "opcode not allowed in a pickle, got BINPERSID"},
    {"persistent_id_text", "opcode not allowed in a pickle, got PERSID at byte 2"},
    {"ext1", "opcode not allowed in a pickle, got EXT1"},
    {"ext2", "opcode not allowed in a pickle, got EXT2"},
    {"ext4", "opcode not allowed in a pickle, got EXT4"},
    {"set", "opcode not allowed in a pickle, got EMPTY_SET"},
    {"complex", "global not allowed in a pickle, got builtins.complex"},
    {"protocol0", "not a pickle of protocols 2 to 5"},
    {"protocol1", "unknown pickle protocol, got 1, want 2 to 5"},
    {"protocol6", "unknown pickle protocol, got 6, want 2 to 5"},
    {"loop_list", "pickle contains itself"},
    {"loop_tuple", "pickle contains itself"},
    {"loop_dict", "pickle contains itself"},
    {"nested_10000", "pickle nested too deep, want at most 64 levels"},
    {"nested_65", "pickle nested too deep, want at most 64 levels"},
    {"billion_laughs", "pickle unfolds to too many values"},
    {"arrays_of_one_buffer", "numpy arrays larger than the pickle that holds them"},
    {"huge_binbytes8",
     "declares a size beyond its end, got 9223372036854775808 bytes, want at most the 4 that "
     "follow"},
    {"huge_binbytes", "declares a size beyond its end, got 4294967295 bytes"},
    {"huge_bytearray8", "declares a size beyond its end, got 18446744073709551615 bytes"},
    {"huge_binunicode8", "declares a size beyond its end"},
    {"huge_frame", "declares a size beyond its end"},
    {"huge_long4", "declares a size beyond its end"},
    {"long_of_9_bytes", "integer too large, got 9 bytes, want at most 8"},
    {"memo_of_nothing", "pickle memo refers to nothing, got 7"},
    {"memo_of_nothing_long", "pickle memo refers to nothing, got 4294967295"},
    {"empty_stack", "pickle stack is empty"},
    {"no_mark", "pickle has no mark"},
    {"below_the_mark", "pickle stack is empty"},
    {"odd_setitems", "dict key without a value"},
    {"append_to_a_dict", "pickle adds to what is not a list, got dict"},
    {"bytes_after_the_end", "bytes after the pickle's end, got 2 bytes, want none"},
    {"bare_global", "not a value, got numpy global"},
    {"bare_dtype", "not a value, got numpy.dtype"},
    {"array_without_data", "numpy array without its data"},
    {"big_endian", "numpy byte order not allowed, got >, want f4 or f8, little-endian"},
    {"object_array", "numpy data type not allowed, got O8, want f4 or f8, little-endian"},
    {"object_array_protocol5", "numpy data type not allowed, got O8"},
    {"int_array", "numpy data type not allowed, got i8"},
    {"half_array", "numpy data type not allowed, got f2"},
    {"complex_array", "numpy data type not allowed, got c16"},
    {"structured_array", "numpy data type not allowed, got V12"},
    {"fortran_array", "numpy order not allowed, got Fortran order, want C order"},
    {"fortran_array_protocol5", "numpy order not allowed, got Fortran order, want C order"},
    {"lying_shape", "numpy array's data differs from its shape"},
    {"wrapping_shape", "numpy array's data differs from its shape"},
    {"negative_shape", "negative numpy extent, got -1"},
};

TEST(HostilePickle, EachIsRefusedForItsOwnReason) {
  for (const auto& [name, message] : kHostile)
    EXPECT_THAT(read_as_text(load("hostile_" + name)), HasSubstr("test.pkl: ")) << name;
  for (const auto& [name, message] : kHostile)
    EXPECT_THAT(read_as_text(load("hostile_" + name)), HasSubstr(message)) << name;
}

TEST(HostilePickle, NoneIsForgottenAndAllAreInvalidInput) {
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kPickles)) {
    const std::string name = entry.path().stem().string();
    if (!name.starts_with("hostile_")) continue;
    ++seen;
    const auto value = read_pickle(load(name), name);
    ASSERT_FALSE(value) << name;
    EXPECT_EQ(value.error().kind, ErrorKind::invalid_input) << name;
    EXPECT_TRUE(name.starts_with("hostile_truncated_") || kHostile.contains(name.substr(8)))
        << name;
  }
  EXPECT_EQ(seen, kHostile.size() + 6);
}

TEST(HostilePickle, TruncatedAnywhereIsAnError) {
  for (int protocol = 2; protocol <= 5; ++protocol) {
    const std::string whole = load(fmt::format("good_numpy1_table_protocol{}", protocol));
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(read_pickle(whole.substr(0, size), "cut")) << protocol << ' ' << size;
  }
}

std::string nested_lists(std::size_t levels) {
  return "\x80\x04" + std::string(levels, ']') + std::string(levels - 1, 'a') + '.';
}

TEST(HostilePickle, SixtyFourLevelsAreTheLimit) {
  EXPECT_TRUE(read_pickle(nested_lists(64), "deep"));
  EXPECT_FALSE(read_pickle(nested_lists(65), "deep"));
  EXPECT_THAT(read_as_text(nested_lists(300'000)),
              HasSubstr("nested too deep"));  // and no stack overflow
}

TEST(HostilePickle, ASharedPartCountsWithTheDepthOfEachPlace) {
  // [shared, [[...[shared]...]]]: 40 levels under 1 are fine, under 30 they are too many.
  std::string shared = std::string(40, ']') + std::string(39, 'a') + '\x94';
  std::string deep = std::string(30, ']') + std::string("h\0", 2) + std::string(30, 'a');
  EXPECT_THAT(read_as_text("\x80\x04](" + shared + deep + "e."), HasSubstr("nested too deep"));
}

TEST(HostilePickle, AHugeMemoIndexCostsNothing) {
  EXPECT_EQ(read_as_text(std::string("\x80\x04Nr\xff\xff\xff\xff") + "0j\xff\xff\xff\xff."),
            "None");
}

TEST(HostilePickle, TooManyObjectsAreRefused) {
  EXPECT_THAT(read_as_text("\x80\x04(" + std::string(2'000'000, 'N') + "t."),
              HasSubstr("pickle of too many objects"));
  EXPECT_THAT(read_as_text("\x80\x04N" + std::string(2'000'000, '\x94') + "."),
              HasSubstr("pickle of too many objects"));
}

RC_GTEST_PROP(HostilePickle, MutatedBytesNeverCrash,
              (std::uint8_t which, std::vector<std::pair<std::uint16_t, char>> changes)) {
  static const std::vector<std::string> originals = {
      load("good_numpy1_table_protocol2"), load("good_numpy2_plain_protocol4"),
      load("good_numpy2_table_float32_protocol5"), load("good_numpy1_scalars_protocol3"),
      load("hostile_loop_dict")};
  std::string bytes = originals[which % originals.size()];
  for (auto [at, byte] : changes) bytes[at % bytes.size()] = byte;
  const auto value = read_pickle(bytes, "mutated");
  if (value) RC_ASSERT(!testing::text_of(*value).empty());
}

RC_GTEST_PROP(HostilePickle, AnyBytesNeverCrash, (std::string noise)) {
  read_pickle("\x80\x04" + noise, "noise");
}

}  // namespace
}  // namespace bhroute::calibration
