#include "llama/gguf_header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "llama/gguf_bytes.h"
#include "llama/nano.h"

namespace bhroute::llama {
namespace {

using test::GgufBytes;
using ::testing::HasSubstr;

std::string problem_of(const std::string& bytes) {
  const auto header = parse_gguf_header(bytes, "m.gguf");
  return header ? "" : to_string(header.error());
}

std::string good() {
  GgufBytes bytes;
  bytes.head(1, 4);
  bytes.key("general.architecture", 8).text("olmoe");
  bytes.key("general.alignment", 4).number<std::uint32_t>(64);
  bytes.key("olmoe.list", 9)
      .number<std::uint32_t>(5)
      .number<std::uint64_t>(3)
      .number<std::uint32_t>(1)
      .number<std::uint64_t>(2);
  bytes.key("tokenizer.ggml.tokens", 9)
      .number<std::uint32_t>(8)
      .number<std::uint64_t>(2)
      .text("a")
      .text("");
  bytes.tensor("blk.0.weight", {4, 8}, 64);
  return bytes.padded(64, 128 + 64);
}

TEST(GgufHeader, ReadsWhatIsWhole) {
  const auto header = parse_gguf_header(good(), "m.gguf");
  ASSERT_TRUE(header) << to_string(header.error());
  EXPECT_EQ(header->version, 3u);
  EXPECT_EQ(header->num_keys, 4u);
  EXPECT_EQ(header->num_tensors, 1u);
  EXPECT_EQ(header->data_offset % 64, 0u);
}

TEST(GgufHeader, ReadsTheEmbeddedModel) {
  const auto header = check_gguf_header(test::nano_path());
  ASSERT_TRUE(header) << to_string(header.error());
  EXPECT_GT(header->num_tensors, 100u);
}

TEST(GgufHeader, AHeaderCutAnywhereIsRefused) {
  const std::string whole = good();
  const std::size_t end = parse_gguf_header(whole, "m")->data_offset;
  for (std::size_t size = 0; size < end - 64; ++size) {
    const auto header = parse_gguf_header(std::string_view(whole).substr(0, size), "m.gguf");
    ASSERT_FALSE(header) << size;
    EXPECT_EQ(header.error().kind, ErrorKind::invalid_input);
    EXPECT_THAT(to_string(header.error()), HasSubstr("m.gguf: not a readable GGUF: "));
  }
}

TEST(GgufHeader, ATensorBehindTheEndIsRefused) {
  const std::string whole = good();
  EXPECT_EQ(problem_of(whole.substr(0, whole.size() - 129)),
            "m.gguf: not a readable GGUF: a tensor lies behind the end of the file, got 64, want "
            "at most 63");
}

TEST(GgufHeader, LyingCountsAreRefusedBeforeAnythingIsReadForThem) {
  for (std::uint64_t lie : {std::uint64_t{1000}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    EXPECT_THAT(problem_of(GgufBytes().head(0, lie).bytes()),
                HasSubstr("more keys than the file has room for, got " + std::to_string(lie)));
    EXPECT_THAT(problem_of(GgufBytes().head(lie, 0).bytes()),
                HasSubstr("more tensors than the file has room for"));
    GgufBytes text, values, texts;
    text.head(0, 1).number(lie);
    EXPECT_THAT(problem_of(text.padded(1, 100)), HasSubstr("ends within a key"));
    values.head(0, 1).key("k", 9).number<std::uint32_t>(12).number(lie);
    EXPECT_THAT(problem_of(values.padded(1, 100)),
                HasSubstr("more values than the file has room for"));
    texts.head(0, 1).key("k", 9).number<std::uint32_t>(8).number(lie);
    EXPECT_THAT(problem_of(texts.padded(1, 100)),
                HasSubstr("more strings than the file has room for"));
  }
}

// llama.cpp would end the process by an assertion.
TEST(GgufHeader, ATokenTwiceIsRefused) {
  const auto with = [](const std::vector<std::string>& tokens) {
    GgufBytes bytes;
    bytes.head(0, 1).key("tokenizer.ggml.tokens", 9).number<std::uint32_t>(8);
    bytes.number<std::uint64_t>(tokens.size());
    for (const std::string& token : tokens) bytes.text(token);
    return problem_of(bytes.padded(32, 0));
  };
  EXPECT_EQ(with({"a", "b", "ab"}), "");
  EXPECT_EQ(with({"", "a", ""}), "") << "llama.cpp gives empty ones names of their own";
  EXPECT_THAT(with({"", "[EMPTY_0]"}), HasSubstr("number 1 again"));
  EXPECT_THAT(with({std::string("a\0b", 3), std::string("a\0c", 3)}), HasSubstr("number 1 again"))
      << "llama.cpp takes a token up to its first NUL";
  EXPECT_EQ(with({"a", "b", "a"}),
            "m.gguf: not a readable GGUF: a token twice in the vocabulary, got number 2 again");
  EXPECT_THAT(problem_of(GgufBytes()
                             .head(0, 1)
                             .key("tokenizer.ggml.tokens", 9)
                             .number<std::uint32_t>(0)
                             .number<std::uint64_t>(1)
                             .padded(32, 0)),
              HasSubstr("a vocabulary of no strings, got 0, want 8"));
  GgufBytes large, within;
  large.head(0, 1).key("k", 9).number<std::uint32_t>(8).number<std::uint64_t>(40'000'000);
  EXPECT_EQ(problem_of(large.padded(32, std::size_t{330} << 20)),
            "m.gguf: not a readable GGUF: a header too large, want at most 268435456 bytes");
  within.head(0, 1).key("k", 9).number<std::uint32_t>(0).number<std::uint64_t>(260u << 20);
  EXPECT_THAT(problem_of(within.padded(32, std::size_t{300} << 20)),
              HasSubstr("a header too large"));
  GgufBytes many;
  many.head(0, 1).key("tokenizer.ggml.tokens", 9).number<std::uint32_t>(8);
  many.number<std::uint64_t>((1 << 22) + 1);
  EXPECT_THAT(problem_of(many.padded(32, std::size_t{40} << 20)),
              HasSubstr("a vocabulary of too many tokens, got 4194305, want at most 4194304"));
}

TEST(GgufHeader, OtherFormsAreNamed) {
  EXPECT_EQ(problem_of(""),
            "m.gguf: not a readable GGUF: begins with other bytes, want the magic GGUF");
  EXPECT_THAT(problem_of(std::string("GGUF\1\0\0\0", 8) + std::string(100, '\0')),
              HasSubstr("unknown version, got 1, want 2 or 3"));
  EXPECT_THAT(problem_of(std::string("GGUF\0\0\0\3", 8) + std::string(100, '\0')),
              HasSubstr("little-endian"));
  EXPECT_THAT(problem_of(GgufBytes().head(0, 1).key("k", 13).padded(1, 9)),
              HasSubstr("a value of unknown type, got 13"));
  EXPECT_THAT(problem_of(GgufBytes()
                             .head(0, 1)
                             .key("k", 9)
                             .number<std::uint32_t>(9)
                             .number<std::uint64_t>(1)
                             .padded(1, 40)),
              HasSubstr("an array of arrays"));
  for (std::uint32_t alignment : {0u, 3u, 1u << 21})
    EXPECT_THAT(
        problem_of(GgufBytes().head(0, 1).key("general.alignment", 4).number(alignment).bytes()),
        HasSubstr("a power of two"));
}

TEST(GgufHeader, ShapesThatTheFileCannotHoldAreRefused) {
  const std::uint64_t huge = std::uint64_t{1} << 40;
  for (const std::vector<std::uint64_t>& shape :
       std::vector<std::vector<std::uint64_t>>{{huge}, {huge, huge}, {0}, {1, ~std::uint64_t{0}}}) {
    GgufBytes bytes;
    bytes.head(1, 0).tensor("t", shape, 0);
    EXPECT_THAT(problem_of(bytes.padded(32, 64)),
                HasSubstr("more elements than the file has bits for"));
  }
  GgufBytes five, askew;
  five.head(1, 0).tensor("t", {1, 1, 1, 1, 1}, 0);
  EXPECT_THAT(problem_of(five.padded(32, 64)), HasSubstr("too many dimensions, got 5"));
  askew.head(1, 0).tensor("t", {1}, 7);
  EXPECT_THAT(problem_of(askew.padded(32, 64)), HasSubstr("a tensor out of line, got 7"));
}

TEST(GgufHeader, AFileThatIsNotThereIsNamed) {
  EXPECT_THAT(to_string(check_gguf_header("/nowhere/m.gguf").error()),
              HasSubstr("/nowhere/m.gguf: cannot be read as a model (No such file"));
}

}  // namespace
}  // namespace bhroute::llama
