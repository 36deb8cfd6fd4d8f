#include "../../src/evaluation/text_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/temporary_folder.h"
#include "evaluation/fake_model.h"

namespace bhroute::evaluation {
namespace {

using ::testing::HasSubstr;

std::string problem(const Error& error) { return to_string(error); }

/// A token a word, by its hash; a word is cut where the text is. Keeps the longest text it was
/// given.
class WordModel : public FakeModel {
 public:
  Result<std::vector<Token>> tokenize(std::string_view text) override {
    longest = std::max(longest, text.size());
    texts.emplace_back(text.substr(text.size() - std::min<std::size_t>(text.size(), 4)));
    std::vector<Token> tokens;
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t end = std::min(text.find(' ', begin + 1), text.size());
      tokens.push_back(static_cast<Token>(
          std::hash<std::string_view>{}(text.substr(begin, end - begin)) & 0xFFFFFF));
      begin = end;
    }
    return tokens;
  }
  std::size_t longest = 0;
  std::vector<std::string> texts;  // the ends
};

std::string words(std::size_t count, std::size_t length) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += " " + std::to_string(i) + std::string(length, 'x');
  return text;
}

class TextPrefix : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    const auto path = folder_ / "text";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  testing::TemporaryFolder folder_;
};

TEST_F(TextPrefix, EqualsTheBeginningOfTheWhole) {
  WordModel model;
  const std::string text = words(200'000, 9);
  auto whole = model.tokenize(text).value();
  model.longest = 0;
  whole.resize(1000);
  EXPECT_EQ(tokenize_prefix(model, write(text), 1000).value(), whole);
  EXPECT_LT(model.longest, text.size() / 10);
}

TEST_F(TextPrefix, ReadsOnWhereTokensAreLong) {
  WordModel model;
  const std::string text = words(60, 30'000);  // one token is 30,000 bytes
  auto whole = model.tokenize(text).value();
  whole.resize(20);
  EXPECT_EQ(tokenize_prefix(model, write(text), 20).value(), whole);
}

TEST_F(TextPrefix, AShortTextComesWholeWithoutItsLastNewline) {
  WordModel model;
  EXPECT_EQ(tokenize_prefix(model, write(" a b c\n"), 1000).value(),
            model.tokenize(" a b c").value());
  EXPECT_EQ(tokenize_prefix(model, write(" a b c\n\n"), 1000).value(),
            model.tokenize(" a b c\n").value());
  EXPECT_EQ(tokenize_prefix(model, write(" a b c"), 2).value().size(), 2u);
}

TEST_F(TextPrefix, ACharacterIsNotCut) {
  WordModel model;
  std::string text;
  while (text.size() < 400'000) text += "\xe2\x82\xac";  // the euro sign, three bytes
  ASSERT_TRUE(tokenize_prefix(model, write("x" + text), 1));
  for (const std::string& end : model.texts) EXPECT_EQ(end.substr(1), "\xe2\x82\xac");
}

TEST_F(TextPrefix, BytesThatAreNoUtf8AreGivenAsTheyAre) {
  WordModel model;
  const std::string text(400'000, '\x80');
  EXPECT_TRUE(tokenize_prefix(model, write(text), 1));
}

TEST_F(TextPrefix, NamesAFileThatIsNotThere) {
  WordModel model;
  const auto found = tokenize_prefix(model, folder_ / "none", 1);
  ASSERT_FALSE(found);
  EXPECT_THAT(problem(found.error()), HasSubstr("none: cannot read: No such file"));
}

TEST_F(TextPrefix, WindowsOfAFileEqualThoseOfItsText) {
  WordModel model;
  const std::string text = words(50'000, 3);
  const auto of_text = make_windows(model, text, 16, 5, "t").value();
  const auto of_file = read_windows(model, write(text), 16, 5).value();
  EXPECT_EQ(of_file.tokens, of_text.tokens);
  EXPECT_EQ(of_file.tokens.size(), 5u * 16u + 1u);
  EXPECT_EQ(of_file.num_windows, 5u);
  EXPECT_THAT(problem(read_windows(model, write(text), 16, 0).error()),
              HasSubstr("windows: out of range, got 0"));
  EXPECT_THAT(problem(read_windows(model, write("\n"), 16, 5).error()),
              HasSubstr("the text is empty"));
  EXPECT_THAT(problem(read_windows(model, write(" a b"), 16, 5).error()),
              HasSubstr("text too short, got 2 tokens"));
}

}  // namespace
}  // namespace bhroute::evaluation
