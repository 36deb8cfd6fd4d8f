#include "../../src/calibration/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>

namespace bhroute::calibration {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string with_length(std::uint64_t length, const std::string& rest) {
  return std::string(reinterpret_cast<const char*>(&length), 8) + rest;
}

std::string file(const std::string& header, const std::string& data = "") {
  return with_length(header.size(), header + data);
}

std::string message(const std::string& bytes) {
  const auto content = parse_safetensors(bytes, "t");
  return content ? "no error" : to_string(content.error());
}

std::string tensor(const std::string& shape, const std::string& offsets,
                   const std::string& dtype = "\"F32\"") {
  return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

TEST(Safetensors, RoundTripsAndIsDeterministic) {
  Safetensors content;
  content.metadata = {{"b", "naïve \"\n"}, {"a", ""}};
  content.tensors = {{"f", {"F32", {3}, "abcdefghijkl"}},
                     {"g", {"U64", {1, 1}, "12345678"}},
                     {"e", {"F64", {0, 5}, ""}}};
  const std::string bytes = format_safetensors(content);
  EXPECT_EQ(bytes, format_safetensors(content));
  const auto back = parse_safetensors(bytes, "t").value();
  EXPECT_EQ(back.metadata, content.metadata);
  ASSERT_EQ(back.tensors.size(), 3u);
  EXPECT_EQ(back.tensors.at("f").bytes, "abcdefghijkl");
  EXPECT_EQ(back.tensors.at("g").dtype, "U64");
  EXPECT_THAT(back.tensors.at("e").shape, ElementsAre(0, 5));
}

TEST(Safetensors, EveryTensorIsAligned) {
  Safetensors content;
  content.tensors = {{"a", {"F32", {1}, "abcd"}},
                     {"b", {"U64", {1}, "12345678"}},
                     {"c", {"U8", {1}, "x"}},
                     {"d", {"F64", {1}, "87654321"}}};
  for (int padding = 0; padding < 9; ++padding) {
    content.metadata["pad"] = std::string(padding, 'x');
    const std::string bytes = format_safetensors(content);
    const auto back = parse_safetensors(bytes, "t").value();
    const auto at = [&](const char* name) {
      return static_cast<std::size_t>(back.tensors.at(name).bytes.data() - bytes.data());
    };
    EXPECT_EQ(at("b") % 8 + at("d") % 8 + at("a") % 4, 0u);
  }
}

TEST(Safetensors, InvalidUtf8IsReplacedNotThrown) {
  Safetensors content;
  content.metadata["command"] = "caf\xe9";
  EXPECT_EQ(parse_safetensors(format_safetensors(content), "t")->metadata.at("command"),
            "caf\xef\xbf\xbd");
}

TEST(Safetensors, HeaderLengthsAreChecked) {
  EXPECT_THAT(message("1234567"), HasSubstr("not a safetensors file, got 7 bytes"));
  EXPECT_THAT(message(with_length(3, "{}")),
              HasSubstr("wrong header length (truncated, or not a safetensors file), got 3 bytes, "
                        "want at most 2"));
  EXPECT_THAT(message(with_length(~std::uint64_t{0}, "{}")),
              HasSubstr("not a table (a safetensors file), got other bytes"));
  EXPECT_THAT(message(with_length(100'000'001, std::string(100'000'001, ' '))),
              HasSubstr("not a table (a safetensors file)"));
  EXPECT_EQ(message(with_length(8, "{}      ")), "no error");
}

TEST(Safetensors, DamagedHeaders) {
  for (const char* header : {"", "[]", "{", "{}x", "1", "{\"a\":", "{\"a\":1,\"a\":2}", "\xff{}",
                             "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}"})
    EXPECT_THAT(message(file(header)), HasSubstr("damaged header")) << header;
  EXPECT_THAT(message(file(std::string(200'000, '['))), HasSubstr("damaged header"));
  EXPECT_THAT(message(file("{\"a\":" + std::string(50'000, '[') + std::string(50'000, ']') + "}")),
              HasSubstr("damaged header"));
  std::string objects, ends;
  for (int i = 0; i < 50'000; ++i) objects += "{\"a\":", ends += '}';
  EXPECT_THAT(message(file(objects + "1" + ends)), HasSubstr("damaged header"));
}

TEST(Safetensors, DamagedEntries) {
  for (const std::string& entry :
       {std::string("1"), std::string("{}"), tensor("[1]", "[0,4]", "4"),
        std::string(R"({"dtype":"F32","shape":[1]})"),
        std::string(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1})")})
    EXPECT_THAT(message(file("{\"a\":" + entry + "}", "1234")),
                HasSubstr("t: tensor 'a': damaged entry"))
        << entry;
  for (const auto& [shape, offsets] : {std::pair("1", "[0,4]"),
                                       {"[1.0]", "[0,4]"},
                                       {"[-1]", "[0,4]"},
                                       {"[\"1\"]", "[0,4]"},
                                       {"[1]", "[0]"},
                                       {"[1]", "[0,4,8]"},
                                       {"[1]", "[-4,0]"},
                                       {"[18446744073709551616]", "[0,4]"}})
    EXPECT_THAT(message(file("{\"a\":" + tensor(shape, offsets) + "}", "1234")),
                HasSubstr("damaged shape or data_offsets"))
        << shape;
  EXPECT_THAT(message(file("{\"a\":" + tensor("[1]", "[0,4]", "\"F31\"") + "}", "1234")),
              HasSubstr("unknown data type, got F31"));
}

TEST(Safetensors, OffsetsStayInsideTheFile) {
  for (const char* offsets :
       {"[0,5]", "[4,0]", "[8,12]", "[0,18446744073709551615]", "[18446744073709551612,0]"})
    EXPECT_THAT(message(file("{\"a\":" + tensor("[1]", offsets) + "}", "1234")),
                HasSubstr("data outside the file"))
        << offsets;
}

TEST(Safetensors, ShapesFillTheirBytes) {
  for (const char* shape : {"[]", "[1]", "[1,1,1]"})
    EXPECT_EQ(message(file("{\"a\":" + tensor(shape, "[0,4]") + "}", "1234")), "no error");
  for (const char* shape : {"[0]", "[2]", "[4611686018427387905]", "[2147483648,2147483648]",
                            "[4294967296,4294967296,4]"})
    EXPECT_THAT(message(file("{\"a\":" + tensor(shape, "[0,4]") + "}", "1234")),
                HasSubstr("size differs from shape, got 4 bytes, want F32 ["))
        << shape;
}

TEST(Safetensors, TensorsCoverTheDataOnce) {
  const auto two = [](const char* a, const char* b) {
    return message(
        file("{\"a\":" + tensor("[1]", a) + ",\"b\":" + tensor("[1]", b) + "}", "12345678"));
  };
  EXPECT_EQ(two("[4,8]", "[0,4]"), "no error");
  EXPECT_THAT(two("[0,4]", "[0,4]"), HasSubstr("tensors overlap or leave a gap"));
  EXPECT_THAT(two("[0,4]", "[2,6]"), HasSubstr("tensors overlap or leave a gap"));
  EXPECT_THAT(message(file("{\"a\":" + tensor("[1]", "[4,8]") + "}", "12345678")),
              HasSubstr("overlap or leave a gap"));
  EXPECT_THAT(message(file("{\"a\":" + tensor("[1]", "[0,4]") + "}", "12345678")),
              HasSubstr("bytes that belong to no tensor, got 4 bytes"));
}

TEST(Safetensors, MetadataIsStrings) {
  EXPECT_THAT(message(file("{\"__metadata__\":[]}")), HasSubstr("damaged __metadata__, got array"));
  EXPECT_THAT(message(file("{\"__metadata__\":{\"a\":1}}")),
              HasSubstr("damaged __metadata__ 'a', got number"));
}

RC_GTEST_PROP(Safetensors, AnyHeaderNeverCrashes, (std::vector<std::uint8_t> picks)) {
  const std::vector<std::string> parts = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\"a\"",
                                          "\"__metadata__\"",
                                          "\"dtype\"",
                                          "\"F32\"",
                                          "\"shape\"",
                                          "\"data_offsets\"",
                                          "0",
                                          "1",
                                          "4",
                                          "-1",
                                          "1e999",
                                          "null",
                                          tensor("[1]", "[0,4]")};
  std::string header = "{";
  for (std::uint8_t pick : picks) header += parts[pick % parts.size()];
  parse_safetensors(file(header, "1234"), "t");
}

}  // namespace
}  // namespace bhroute::calibration
