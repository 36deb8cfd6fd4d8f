#include "bhroute/core/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "bhroute/core/file.h"
#include "core/temporary_folder.h"

namespace bhroute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class T>
std::string bytes_of(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

std::string npy(const std::string& header, const std::string& data, char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {major, '\0', static_cast<char>(header.size()), '\0'};
  if (major > 1) bytes += std::string(2, '\0');
  return bytes + header + data;
}

std::string message(const std::string& bytes) {
  const auto array = parse_npy(bytes, "a.npy");
  return array ? "no error" : to_string(array.error());
}

TEST(Npy, ReadsFloat32BitForBit) {
  const std::string data =
      bytes_of<float>({1.5f, -0.0f, std::numeric_limits<float>::infinity(), 4e-45f});
  const auto array =
      parse_npy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", data), "a")
          .value();
  EXPECT_THAT(array.shape, ElementsAre(2, 2));
  EXPECT_EQ(std::memcmp(array.values.data(), data.data(), data.size()), 0);
}

TEST(Npy, NarrowsFloat64) {
  const auto array = parse_npy(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
                                   bytes_of<double>({0.1, -2, 1e300})),
                               "a")
                         .value();
  EXPECT_THAT(array.values, ElementsAre(0.1f, -2.0f, std::numeric_limits<float>::infinity()));
}

TEST(Npy, ReadsVersions1To3AndAnyOrderOfKeys) {
  const std::string header = R"({"shape":(1,),"fortran_order":False,"descr":"<f4"})";
  for (char major : {'\1', '\2', '\3'})
    EXPECT_EQ(message(npy(header, bytes_of<float>({1}), major)), "no error");
  EXPECT_THAT(message(npy(header, bytes_of<float>({1}), '\4')),
              HasSubstr("unknown .npy version, got 4.0, want 1.0 to 3.0"));
}

TEST(Npy, ScalarsAndEmptyArrays) {
  EXPECT_THAT(parse_npy(format_npy(std::vector<float>{7}, {}), "a")->shape, IsEmpty());
  const std::vector<std::size_t> shape{0, 64};
  const auto array = parse_npy(format_npy({}, shape), "a").value();
  EXPECT_EQ(array.shape, shape);
  EXPECT_THAT(array.values, IsEmpty());
}

TEST(Npy, RefusesOtherTypesAndOrders) {
  const std::string data = bytes_of<double>({1});
  const auto with = [&](const std::string& descr, const std::string& order) {
    return message(
        npy("{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (1,), }", data));
  };
  EXPECT_EQ(with(">f8", "False"), "a.npy: wrong .npy data type, got >f8, want <f4 or <f8");
  EXPECT_THAT(with("|O", "False"), HasSubstr("wrong .npy data type, got |O"));
  EXPECT_EQ(with("<f8", "True"), "a.npy: wrong .npy order, got Fortran order, want C order");
}

TEST(Npy, SizesAreCheckedBeforeAnythingIsAllocated) {
  const auto with = [](const std::string& shape) {
    return message(npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }",
                       bytes_of<float>({1, 2})));
  };
  EXPECT_EQ(with("(2,)"), "no error");
  for (const char* shape :
       {"(1,)", "(3,)", "(4611686018427387905, 4, 2)", "(18446744073709551615,)", "(0, 5)"})
    EXPECT_THAT(with(shape), HasSubstr("size differs from shape, got 8 bytes of data, want ["))
        << shape;
  EXPECT_THAT(with("(18446744073709551616,)"), HasSubstr("damaged .npy header"));
}

TEST(Npy, DamagedHeadersAreErrors) {
  const std::string data = bytes_of<float>({1});
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': True}"})
    EXPECT_THAT(message(npy(header, data)), HasSubstr("damaged .npy header")) << header;
  EXPECT_THAT(message("PK\3\4"), HasSubstr("not a .npy file"));
}

TEST(Npy, TruncatedAnywhereIsAnError) {
  const std::string whole = format_npy(std::vector<float>{1, 2, 3}, std::vector<std::size_t>{3});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_npy(whole.substr(0, size), "a")) << size;
}

TEST(Npy, TheDataBeginsAt64ByteSteps) {
  for (std::size_t n : {1u, 10u, 100'000u}) {
    const std::vector<float> values(n);
    const std::string bytes = format_npy(values, std::vector<std::size_t>{n});
    EXPECT_EQ((bytes.size() - n * sizeof(float)) % 64, 0u);
    EXPECT_EQ(bytes[bytes.size() - n * sizeof(float) - 1], '\n');
  }
}

TEST(Npy, ReadsAFile) {
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a.npy",
                         format_npy(std::vector<float>{3, 4}, std::vector<std::size_t>{1, 2})));
  EXPECT_THAT(read_npy(folder / "a.npy")->values, ElementsAre(3, 4));
  EXPECT_THAT(to_string(read_npy(folder / "b.npy").error()), HasSubstr("b.npy: cannot read"));
  EXPECT_THAT(to_string(read_npy("/dev/null").error()), HasSubstr("/dev/null: not a regular file"));
}

TEST(Npy, AFileIsReadPieceByPieceAsFromMemory) {
  testing::TemporaryFolder folder;
  std::string data;
  for (int i = 0; i < 300'000; ++i) data += bytes_of<double>({0.5 * i});
  const std::string bytes =
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (300000,), }", data);
  ASSERT_TRUE(write_file(folder / "a.npy", bytes));
  EXPECT_EQ(read_npy(folder / "a.npy")->values, parse_npy(bytes, "a")->values);
  ASSERT_TRUE(write_file(folder / "a.npy", bytes.substr(0, bytes.size() - 1)));
  EXPECT_THAT(
      to_string(read_npy(folder / "a.npy").error()),
      HasSubstr("a.npy: size differs from shape, got 2399999 bytes of data, want [300000]"));
}

TEST(Npy, AHeaderHasALimit) {
  const std::string long_one(std::size_t{1} << 16, ' ');
  std::string bytes = "\x93NUMPY";
  bytes += {'\2', '\0', '\0', '\0', '\1', '\0'};
  EXPECT_THAT(message(bytes + long_one),
              HasSubstr("too long a .npy header, got 65536 bytes, want less than 65536 bytes"));
}

RC_GTEST_PROP(Npy, RoundTrips, (std::vector<std::uint32_t> bits)) {
  std::vector<float> values;
  for (std::uint32_t b : bits) values.push_back(std::bit_cast<float>(b));
  const auto array =
      parse_npy(format_npy(values, std::vector<std::size_t>{1, values.size()}), "a").value();
  RC_ASSERT(array.shape.back() == values.size());
  for (std::size_t i = 0; i < bits.size(); ++i)
    RC_ASSERT(std::bit_cast<std::uint32_t>(array.values[i]) == bits[i]);
}

RC_GTEST_PROP(Npy, MutatedBytesNeverCrash, (std::vector<std::pair<std::uint8_t, char>> changes)) {
  std::string bytes = format_npy(std::vector<float>{1, 2, 3, 4}, std::vector<std::size_t>{2, 2});
  for (auto [at, byte] : changes) bytes[at % bytes.size()] = byte;
  const auto array = parse_npy(bytes, "a");
  RC_ASSERT(!array || array->values.size() <= 4);
}

}  // namespace
}  // namespace bhroute
